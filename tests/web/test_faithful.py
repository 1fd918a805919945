"""What the local Bot API server does beyond refusing: as api.telegram.org documents it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp import web

from app.web import inline
from app.web.botapi import BotApi
from app.web.failure import ApiFailure
from app.web.limits import Allowance, FloodLimits
from app.web.params import Params
from app.web.world import ChatState
from tests.bot.pictures import jpeg
from tests.web.conftest import Caller

KEYS = {"inline_keyboard": [[{"text": "a", "callback_data": "x"}]]}


async def test_updates_come_again_until_an_offset_passes_them(api: BotApi, call: Caller) -> None:
    chat = api.user(7)
    await chat.send_text("one")
    await chat.send_text("two")
    first = await call.updates()
    assert [one["message"]["text"] for one in first] == ["one", "two"]
    assert first[1]["update_id"] == first[0]["update_id"] + 1
    assert await call.updates() == first
    assert await call.updates(first[0]["update_id"] + 1) == first[1:]
    assert await call.updates() == first[1:]
    assert len(await call.updates(limit=1)) == 1
    assert await call.updates(first[1]["update_id"] + 1) == []


async def test_a_negative_offset_keeps_the_last_ones(api: BotApi, call: Caller) -> None:
    for number in range(4):
        await api.user(7).send_text(str(number))
    assert [one["message"]["text"] for one in await call.updates(-2)] == ["2", "3"]
    assert len(await call.updates()) == 2


async def test_an_update_tells_what_was_then(api: BotApi, call: Caller) -> None:
    sent = await call("sendMessage", chat_id=7, text="before", reply_markup=KEYS)
    chat = api.user(7)
    api.world.press(
        api.world.chats[7], chat.user, api.world.chats[7].messages[sent["message_id"]], "x"
    )
    await call("editMessageText", chat_id=7, message_id=sent["message_id"], text="after")
    [update] = await call.updates()
    assert update["callback_query"]["message"]["text"] == "before"


async def test_only_wanted_kinds_come(api: BotApi, call: Caller) -> None:
    await call.updates(allowed_updates=["callback_query"])
    await api.user(7).send_text("unheard")
    assert await call.updates() == []
    await call.updates(allowed_updates=[])  # all again
    await api.user(7).send_text("heard")
    assert len(await call.updates()) == 1


async def test_a_block_is_told_and_answered_with_403(api: BotApi, call: Caller) -> None:
    api.user(7).block()
    [update] = await call.updates()
    assert update["my_chat_member"]["new_chat_member"]["status"] == "kicked"
    for method in ("sendMessage", "sendChatAction", "getChat"):
        answer = await call.answer(method, chat_id=7, text="a", action="typing")
        assert answer["error_code"] == 403
        assert answer["description"] == "Forbidden: bot was blocked by the user"
    api.user(7).block(False)
    assert (await call("getChat", chat_id=7))["type"] == "private"


async def test_editing(call: Caller) -> None:
    sent = await call("sendMessage", chat_id=7, text="<b>a</b>", parse_mode="HTML")
    spot = {"chat_id": 7, "message_id": sent["message_id"]}
    same = await call.refused("editMessageText", text="<b>a</b>", parse_mode="HTML", **spot)
    assert same.startswith("Bad Request: message is not modified: specified new message content")
    edited = await call("editMessageText", text="a", reply_markup=KEYS, **spot)
    assert "entities" not in edited
    assert edited["edit_date"] >= edited["date"]
    assert "is not modified" in await call.refused(
        "editMessageReplyMarkup", reply_markup=KEYS, **spot
    )
    assert "reply_markup" not in await call("editMessageReplyMarkup", **spot)
    gone = await call.refused("editMessageText", chat_id=7, message_id=999, text="b")
    assert gone == "Bad Request: message to edit not found"
    assert "no caption" in await call.refused("editMessageCaption", caption="c", **spot)


async def test_deleting(call: Caller) -> None:
    ids = [(await call("sendMessage", chat_id=7, text=str(n)))["message_id"] for n in range(3)]
    assert await call("deleteMessage", chat_id=7, message_id=ids[0])
    again = await call.refused("deleteMessage", chat_id=7, message_id=ids[0])
    assert again == "Bad Request: message to delete not found"
    assert await call("deleteMessages", chat_id=7, message_ids=ids)
    assert call.api.world.chats[7].messages == {}


async def test_files_are_the_same_when_sent_again(api: BotApi, call: Caller) -> None:
    first = await api.user(7).send_photo(jpeg())
    second = await api.user(7).send_photo(jpeg())
    assert first["photo"][-1]["file_unique_id"] == second["photo"][-1]["file_unique_id"]
    assert first["photo"][-1]["file_id"] != second["photo"][-1]["file_id"]
    again = await call("sendPhoto", chat_id=7, photo=first["photo"][0]["file_id"])
    assert again["photo"] == first["photo"]
    document = await api.user(7).send_document(b"data", "list.csv", "text/csv")
    sent = await call("sendDocument", chat_id=7, document=document["document"]["file_id"])
    assert sent["document"]["file_name"] == "list.csv"


@pytest.mark.parametrize(
    ("header", "status", "body"),
    [
        ("bytes=2-4", 206, b"234"),
        ("bytes=7-", 206, b"789"),
        ("bytes=-3", 206, b"789"),
        ("bytes=0-99", 206, b"0123456789"),
        ("bytes=10-", 416, b""),
        ("bytes=a-b", 416, b""),
    ],
)
async def test_parts_of_files(
    api: BotApi, call: Caller, header: str, status: int, body: bytes
) -> None:
    document = await api.user(7).send_document(b"0123456789", "a.bin", None)
    path = (await call("getFile", file_id=document["document"]["file_id"]))["file_path"]
    url = f"{api.url}/file/bot{api.token}/{path}"
    assert (await call.client.get(url)).content == b"0123456789"
    answer = await call.client.get(url, headers={"Range": header})
    assert (answer.status_code, answer.content) == (status, body)


async def test_a_copy_and_a_forward(api: BotApi, call: Caller) -> None:
    source = await api.user(7).send_photo(jpeg(), "look")
    place = {"chat_id": 7, "from_chat_id": 7, "message_id": source["message_id"]}
    forwarded = await call("forwardMessage", **place)
    assert forwarded["forward_origin"]["sender_user"]["id"] == 7
    assert forwarded["caption"] == "look"
    copied = await call("copyMessage", caption="mine", **place)
    assert api.world.chats[7].messages[copied["message_id"]]["caption"] == "mine"
    assert "not found" in await call.refused("copyMessage", **{**place, "message_id": 999})


async def test_replies_are_one_level_deep(api: BotApi, call: Caller) -> None:
    first = await api.user(7).send_text("a")
    second = await call(
        "sendMessage", chat_id=7, text="b", reply_parameters={"message_id": first["message_id"]}
    )
    third = await call(
        "sendMessage", chat_id=7, text="c", reply_parameters={"message_id": second["message_id"]}
    )
    assert third["reply_to_message"]["text"] == "b"
    assert "reply_to_message" not in third["reply_to_message"]


def article(name: str, **extra: Any) -> dict[str, Any]:
    content = {"message_text": f"<b>{name}</b>", "parse_mode": "HTML"}
    return {"type": "article", "id": name, "title": name, "input_message_content": content, **extra}


async def test_an_inline_query_is_answered_and_one_result_posted(api: BotApi, call: Caller) -> None:
    chat = api.user(7)
    friends = ChatState({"id": -5, "type": "supergroup", "title": "F"}, between_people=True)
    question = inline.ask(api.world, chat.user, friends, "white")
    [update] = await call.updates()
    assert update["inline_query"] | {"id": "", "from": {}} == {
        "id": "", "from": {}, "query": "white", "offset": "", "chat_type": "supergroup",
    }  # fmt: skip
    await call(
        "answerInlineQuery",
        inline_query_id=question.query_id,
        results=[article("1", reply_markup=KEYS), article("2")],
        next_offset="2",
    )
    posted = inline.choose(api.world, question, "1", friends)
    assert posted["text"] == "1"
    assert posted["entities"] == [{"type": "bold", "offset": 0, "length": 1}]
    assert posted["via_bot"]["id"] == api.world.bot["id"]
    chosen = (await call.updates(update["update_id"] + 1))[-1]["chosen_inline_result"]
    assert (chosen["result_id"], chosen["query"]) == ("1", "white")
    name = chosen["inline_message_id"]
    assert await call("editMessageText", inline_message_id=name, text="new") is True
    assert friends.messages[posted["message_id"]]["text"] == "new"
    assert await call.refused("editMessageText", inline_message_id="no", text="x")
    # A group that the bot is not in is no chat to it.
    api.world.chats[-5] = friends
    assert await call.refused("sendMessage", chat_id=-5, text="x") == "Bad Request: chat not found"


@pytest.mark.parametrize(
    ("results", "reason"),
    [
        ([article("1")] * 2, "RESULT_ID_DUPLICATE"),
        ([article("x" * 65)], "RESULT_ID_INVALID"),
        ([article(str(n)) for n in range(51)], "RESULTS_TOO_MUCH"),
        ([{"type": "article", "id": "1", "title": "a"}], "MESSAGE_EMPTY"),
        ([{"type": "photo", "id": "1"}], "PHOTO_CONTENT_URL_EMPTY"),
        ([{"type": "photo", "id": "1", "photo_file_id": "no"}], "wrong file identifier"),
        ([article("1", reply_markup={"inline_keyboard": [[{"text": "a"}]]})], "text buttons"),
    ],
)
async def test_inline_results_refused(
    api: BotApi, call: Caller, results: list[dict[str, Any]], reason: str
) -> None:
    question = inline.ask(api.world, api.user(7).user, api.world.chats[7], "q")
    refusal = await call.refused(
        "answerInlineQuery", inline_query_id=question.query_id, results=results
    )
    assert reason in refusal


async def test_an_old_inline_query_is_not_answered(api: BotApi, call: Caller) -> None:
    question = inline.ask(api.world, api.user(7).user, api.world.chats[7], "q")
    question.at -= 3600
    refusal = await call.refused("answerInlineQuery", inline_query_id=question.query_id, results=[])
    assert refusal.startswith("Bad Request: query is too old")


async def test_a_webhook_gets_updates_in_order_with_its_secret(api: BotApi, call: Caller) -> None:
    got: list[tuple[str | None, str]] = []
    failures = iter([500])

    async def hook(request: web.Request) -> web.Response:
        update = await request.json()
        secret = request.headers.get("X-Telegram-Bot-Api-Secret-Token")
        status = next(failures, 200)
        if status == 200:
            got.append((secret, update["message"]["text"]))
        return web.Response(status=status)

    application = web.Application()
    application.router.add_post("/hook", hook)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    assert "unallowed" in await call.refused("setWebhook", url=url, secret_token="a b")
    assert "HTTPS" in await call.refused("setWebhook", url="http://example.org/")
    await call("setWebhook", url=url, secret_token="s3cret_-")
    assert (await call.answer("getUpdates"))["error_code"] == 409
    for text in ("one", "two"):
        await api.user(7).send_text(text)
    async with asyncio.timeout(10):
        while len(got) < 2:
            await asyncio.sleep(0.02)
    assert got == [("s3cret_-", "one"), ("s3cret_-", "two")]
    info = await call("getWebhookInfo")
    assert (info["url"], info["max_connections"]) == (url, 40)
    await call("deleteWebhook", drop_pending_updates=True)
    assert (await call("getWebhookInfo"))["url"] == ""
    await runner.cleanup()


def test_flood_limits_count_messages() -> None:
    now = [100.0]
    limits = FloodLimits(
        chat=Allowance(3, 1), group=Allowance(2, 1 / 3), everywhere=Allowance(6, 30),
        clock=lambda: now[0],
    )  # fmt: skip

    def wait(method: str, **params: Any) -> int:
        try:
            limits.check(method, Params(params, {}))
        except ApiFailure as failure:
            return int((failure.parameters or {})["retry_after"]) if failure.code == 429 else -1
        return 0

    assert [wait("sendMessage", chat_id=1) for _ in range(4)] == [0, 0, 0, 1]
    assert wait("sendMessage", chat_id=2) == 0  # another chat
    assert [wait("sendMessage", chat_id=-9) for _ in range(3)] == [0, 0, 3]
    assert wait("getChat", chat_id=1) == 0  # nothing is sent
    now[0] += 2
    album = '[{"type": "photo"}, {"type": "photo"}]'
    assert wait("sendMediaGroup", chat_id=1, media=album) == 0
    assert wait("editMessageText", chat_id=1) == 1
    now[0] += 100
    assert [wait("sendMessage", chat_id=number) for number in range(10, 17)] == [0] * 6 + [1]


async def test_the_server_refuses_a_flood(call: Caller) -> None:
    call.api.limits = FloodLimits(chat=Allowance(1, 0.1))
    await call("sendMessage", chat_id=7, text="a")
    answer = await call.answer("sendMessage", chat_id=7, text="b")
    assert answer["error_code"] == 429
    seconds = answer["parameters"]["retry_after"]
    assert answer["description"] == f"Too Many Requests: retry after {seconds}"


async def test_menus_by_language_and_scope(api: BotApi, call: Caller) -> None:
    from app.web.about import commands_for

    def menu(name: str) -> list[dict[str, str]]:
        return [{"command": name, "description": "d"}]

    await call("setMyCommands", commands=menu("all"))
    await call("setMyCommands", commands=menu("ru"), language_code="ru")
    group = {"type": "all_group_chats"}
    await call("setMyCommands", commands=menu("group"), scope=group)
    assert commands_for(api.world, "ru-RU") == menu("ru")
    assert commands_for(api.world, "de") == menu("all")
    assert commands_for(api.world, "ru", group=True) == menu("group")
    await call("deleteMyCommands", scope=group)
    assert commands_for(api.world, "de", group=True) == menu("all")


async def test_texts_about_the_bot(call: Caller) -> None:
    await call("setMyDescription", description="all")
    await call("setMyDescription", description="всё", language_code="ru")
    assert await call("getMyDescription", language_code="ru") == {"description": "всё"}
    assert await call("getMyDescription", language_code="de") == {"description": "all"}
    assert await call.refused("setMyShortDescription", short_description="x" * 121)


async def test_given_entities_and_switch_buttons(call: Caller) -> None:
    bold = [{"type": "bold", "offset": 0, "length": 1}]
    sent = await call("sendMessage", chat_id=7, text="ab", entities=bold)
    assert sent["entities"] == bold
    keys = [[{"text": "s", "switch_inline_query": ""}], [{"text": "c", "copy_text": {"text": "x"}}]]
    await call("sendMessage", chat_id=7, text="k", reply_markup={"inline_keyboard": keys})
