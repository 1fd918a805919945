"""The page's server: who may ask, what comes in, what goes out."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.i18n import LANGUAGES, catalogue
from app.web.botapi import BotApi
from app.web.page import ChatPage
from app.web.people import CLUB, FRIENDS
from tests.bot.pictures import PDF, animated_gif, jpeg
from tests.web.conftest import Browser, Caller

STATIC = Path(__file__).parents[2] / "app" / "web" / "static"


@asynccontextmanager
async def events(browser: Browser, last: str = "") -> AsyncIterator[AsyncIterator[Any]]:
    """What the server tells the page, with the id of each event under ``at``."""
    headers = {"Last-Event-ID": last} if last else {}
    url = f"{browser.origin}/events?person={browser.person}"
    async with browser.client.stream("GET", url, headers=headers) as answer:

        async def read() -> AsyncIterator[Any]:
            at = ""
            async for line in answer.aiter_lines():
                if line.startswith("id: "):
                    at = line[4:]
                elif line.startswith("data: "):
                    yield {"at": at, **json.loads(line[6:])}

        yield read()


async def next_of(stream: AsyncIterator[Any], kind: str) -> Any:
    async with asyncio.timeout(5):
        async for event in stream:
            if event["kind"] == kind:
                return event
    raise AssertionError(f"the stream ended without {kind}")


async def heard(api: BotApi) -> list[Any]:
    """The updates waiting for the bot, by kind."""
    return [next((k, v) for k, v in one.items() if k != "update_id") for one in api.world.updates]


async def test_the_page_and_all_its_parts_are_served_from_here(browser: Browser) -> None:
    page = await browser.client.get(browser.page.url)
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    names = re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text)
    assert len(names) >= 4
    for path in [*names, *(f"/static/{one.name}" for one in STATIC.iterdir())]:
        answer = await browser.client.get(browser.origin + path)
        assert answer.status_code == 200, path
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    for name in ("nothing.js", "..%2Fpage.py", "%2e%2e/page.py"):
        assert (await browser.client.get(f"{browser.origin}/static/{name}")).status_code == 404


def test_no_part_of_the_page_comes_from_elsewhere() -> None:
    for path in STATIC.iterdir():
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"(?<!\()https?://(?!\[)", text), path.name
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write", text), path


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_page_has_words_for_all_it_says(browser: Browser, language: str) -> None:
    words = (await browser.client.get(f"{browser.origin}/words/{language}")).json()
    used: set[str] = set()
    for path in STATIC.glob("*.js"):
        used |= set(re.findall(r"""\bt\("([a-z_.]+)"[,)]""", path.read_text(encoding="utf-8")))
    assert len(used) > 40
    assert used <= words.keys()
    assert (await browser.client.get(f"{browser.origin}/words/xx")).status_code == 404


FOREIGN = [
    {"Host": "evil.example"},
    {"Host": "127.0.0.1:1"},
    {"Origin": "https://evil.example"},
    {"Origin": "http://127.0.0.1:1"},
    {"Origin": "null"},
    {"Origin": ""},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
]


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
async def test_other_pages_of_the_browser_are_refused(
    browser: Browser, api: BotApi, headers: dict[str, str]
) -> None:
    wish = {"person": 1001, "chat": 1001, "text": "gotcha"}
    sent = {"Origin": browser.origin, **headers}
    answer = await browser.client.post(f"{browser.origin}/do/text", json=wish, headers=sent)
    assert (answer.status_code, answer.json()["error"]) == (403, "forbidden")
    if "Origin" not in headers:
        for path in ("/events?person=1001", "/files/x", "/words/ru"):
            got = await browser.client.get(browser.origin + path, headers=headers)
            assert got.status_code == 403
    assert api.world.chats[1001].messages == {}


async def test_a_form_of_another_page_is_refused(browser: Browser, api: BotApi) -> None:
    body = '{"person":1001,"chat":1001,"text":"gotcha"}'
    for kind in ("text/plain", "application/x-www-form-urlencoded"):
        headers = {"Content-Type": kind, "Origin": browser.origin}
        answer = await browser.client.post(
            f"{browser.origin}/do/text", content=body, headers=headers
        )
        assert answer.status_code == 404
    got = await browser.client.post(f"{browser.origin}/do/text", json={})
    assert got.status_code == 403  # no Origin at all
    assert api.world.chats[1001].messages == {}


async def test_only_this_machine_is_listened_to(browser: Browser) -> None:
    assert browser.page._runner is not None
    assert {address[0] for address in browser.page._runner.addresses} == {"127.0.0.1"}


async def test_words_reach_the_bot_as_a_client_sends_them(browser: Browser, api: BotApi) -> None:
    await browser.done("text", text="  /start now ")
    [(kind, message)] = await heard(api)
    assert (kind, message["text"]) == ("message", "/start now")
    assert message["entities"] == [{"type": "bot_command", "offset": 0, "length": 6}]
    assert message["from"]["language_code"] == "ru"
    assert message["chat"]["type"] == "private"


@pytest.mark.parametrize(
    ("deed", "wish"),
    [
        ("text", {"text": " "}),
        ("text", {"text": "x" * 4097}),
        ("text", {"text": "x", "person": 99}),
        ("text", {"text": "x", "person": "1²"}),
        ("text", {"text": "x", "chat": 1002}),
        ("text", {"text": "x", "chat": [1]}),
        ("press", {"message_id": 1, "row": 0, "column": 0}),
        ("edit", {"message_id": 1, "text": "x"}),
        ("forward", {"message_id": 1, "to": 1001}),
        ("choose", {"query_id": "1", "result_id": "1"}),
        ("person", {"name": " ", "language": "ru"}),
        ("person", {"name": "A", "language": "xx"}),
        ("language", {"language": None}),
    ],
)
async def test_deeds_refused(browser: Browser, deed: str, wish: dict[str, Any]) -> None:
    answer = await browser.do(deed, **wish)
    assert answer.status_code == 400
    assert answer.json()["message"].startswith("Bad Request: ")


async def test_what_is_no_deed(browser: Browser) -> None:
    assert (await browser.do("fly")).status_code == 404
    headers = {"Origin": browser.origin, "Content-Type": "application/json"}
    for body in (b"{", b"[]", b"\xff"):
        answer = await browser.client.post(
            f"{browser.origin}/do/text", content=body, headers=headers
        )
        assert (answer.status_code, answer.json()["error"]) == (400, "malformed")
    big = await browser.do("text", text="x" * 100_000)
    assert (big.status_code, big.json()["error"]) == (413, "too_large")


async def test_one_picture_is_a_photo_several_an_album(browser: Browser, api: BotApi) -> None:
    one = ("a.jpg", jpeg(), "image/jpeg")
    assert (await browser.upload([one], caption="такие же")).status_code == 200
    [(_, photo)] = await heard(api)
    assert photo["caption"] == "такие же"
    assert photo["photo"][-1]["width"] == max(size["width"] for size in photo["photo"])
    api.world.updates.clear()
    await browser.upload([one, ("b.png", jpeg("blue"), "image/png")], caption="эти")
    album = [message for _, message in await heard(api)]
    assert len({message["media_group_id"] for message in album}) == 1
    assert [message.get("caption") for message in album] == ["эти", None]


async def test_what_is_no_picture_goes_as_a_file(browser: Browser, api: BotApi) -> None:
    await browser.upload([("list.pdf", PDF, "application/pdf")], caption="это")
    await browser.upload([("a.jpg", jpeg(), "image/jpeg")], as_files="1")
    await browser.upload([("a.gif", animated_gif(), "image/gif")])
    pdf, picture, gif = [message for _, message in await heard(api)]
    assert (pdf["document"]["file_name"], pdf["caption"]) == ("list.pdf", "это")
    assert picture["document"]["mime_type"] == "image/jpeg"
    assert api.world.files.get(picture["document"]["file_id"]).data == jpeg()
    assert gif["animation"]["mime_type"] == "image/gif"


async def test_uploads_have_limits(browser: Browser, api: BotApi) -> None:
    small = ("a.bin", b"x", "application/octet-stream")
    huge = ("b.bin", bytes(20 * 1024 * 1024 + 1), "application/octet-stream")
    for files, status, code in (
        ([huge], 413, "too_large"),
        ([small] * 11, 413, "too_many"),
        ([("c.bin", bytes(19 * 1024 * 1024), "application/octet-stream")] * 4, 413, "too_large"),
    ):
        answer = await browser.upload(files)
        assert (answer.status_code, answer.json()["error"]) == (status, code)
    nothing = await browser.client.post(
        f"{browser.origin}/do/upload",
        files=[("person", (None, "1001")), ("chat", (None, "1001"))],
        headers={"Origin": browser.origin},
    )
    assert (nothing.status_code, nothing.json()["error"]) == (400, "no_file")
    assert await heard(api) == []


async def test_files_are_shown_only_when_they_are_pictures(browser: Browser, api: BotApi) -> None:
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'
    await browser.upload([("a.svg", svg, "image/svg+xml"), ("b.jpg", jpeg(), "image/jpeg")])
    picture, vector = [message for _, message in await heard(api)]
    shown = await browser.client.get(f"{browser.origin}/files/{picture['photo'][0]['file_id']}")
    assert shown.headers["Content-Type"] == "image/jpeg"
    kept = await browser.client.get(f"{browser.origin}/files/{vector['document']['file_id']}")
    assert kept.headers["Content-Type"] == "application/octet-stream"
    assert kept.headers["Content-Disposition"].startswith("attachment")
    assert (await browser.client.get(f"{browser.origin}/files/none")).status_code == 400


async def test_the_stream_tells_everything_and_takes_up_where_it_broke(
    browser: Browser, call: Caller
) -> None:
    await browser.done("text", text="early")
    async with events(browser) as stream:
        state = await next_of(stream, "state")
        own = next(chat for chat in state["chats"] if chat["id"] == 1001)
        assert [message["text"] for message in own["messages"]] == ["early"]
        assert {chat["id"] for chat in state["chats"]} == {1001, CLUB, FRIENDS}
        sent = await call("sendMessage", chat_id=1001, text="hi")
        first = await next_of(stream, "message")
        assert (first["chat_id"], first["content"]["text"]) == (1001, "hi")
        await call("sendChatAction", chat_id=1001, action="typing")
        assert (await next_of(stream, "action"))["content"] == {"action": "typing"}
    await call("editMessageText", chat_id=1001, message_id=sent["message_id"], text="ho")
    async with events(browser, first["at"]) as stream:
        assert (await next_of(stream, "edited"))["content"]["text"] == "ho"
        await call("deleteMessage", chat_id=1001, message_id=sent["message_id"])
        gone = await next_of(stream, "deleted")
        assert gone["content"] == {"message_id": sent["message_id"]}
    for last in ("", "other-3", f"{first['at']}9", "x-y"):
        async with events(browser, last) as stream:
            await next_of(stream, "state")


async def test_a_person_hears_nothing_of_anothers_chat(browser: Browser, call: Caller) -> None:
    async with events(browser) as stream:
        await next_of(stream, "state")
        await call("sendMessage", chat_id=1002, text="not yours")
        await call("sendMessage", chat_id=CLUB, text="for all")
        assert (await next_of(stream, "message"))["content"]["text"] == "for all"


async def test_a_press_is_answered_on_the_page(browser: Browser, api: BotApi, call: Caller) -> None:
    row = [{"text": "a", "callback_data": "x"}, {"text": "b", "url": "https://example.org"}]
    sent = await call(
        "sendMessage", chat_id=1001, text="k", reply_markup={"inline_keyboard": [row]}
    )
    async with events(browser) as stream:
        await next_of(stream, "state")
        spot = {"message_id": sent["message_id"], "row": 0}
        pressed = await browser.done("press", column=0, **spot)
        [(kind, query)] = await heard(api)
        assert (kind, query["data"], query["id"]) == ("callback_query", "x", pressed["query_id"])
        await call(
            "answerCallbackQuery", callback_query_id=query["id"], text="done", show_alert=True
        )
        answered = await next_of(stream, "answered")
        assert answered["content"] == {
            "query_id": query["id"], "text": "done", "alert": True, "url": None,
        }  # fmt: skip
    for column in (1, 2, -1, "0"):
        assert (await browser.do("press", column=column, **spot)).status_code == 400


async def test_groups_hear_like_telegram(browser: Browser, api: BotApi, call: Caller) -> None:
    said = await call("sendMessage", chat_id=CLUB, text="hello")
    for text in ("nice weather", "hey @someone", "/help@other_bot"):
        await browser.done("text", chat=CLUB, text=text)
        await browser.done("text", chat=FRIENDS, text=f"{text} @solemate_bot")
    assert await heard(api) == []
    for text in ("@Solemate_Bot белые", "/help", "/help@solemate_bot"):
        await browser.done("text", chat=CLUB, text=text)
    await browser.done("text", chat=CLUB, text="an answer", reply_to=said["message_id"])
    assert [message["text"] for _, message in await heard(api)] == [
        "@Solemate_Bot белые", "/help", "/help@solemate_bot", "an answer",
    ]  # fmt: skip


async def test_inline_from_a_chat_without_the_bot(
    browser: Browser, api: BotApi, call: Caller
) -> None:
    asking = asyncio.create_task(browser.done("inline", chat=FRIENDS, query="white"))
    [update] = await call("getUpdates", timeout=5)
    result = {
        "type": "article", "id": "1", "title": "T", "description": "D",
        "input_message_content": {"message_text": "chosen"},
    }  # fmt: skip
    query = update["inline_query"]
    await call("answerInlineQuery", inline_query_id=query["id"], results=[result])
    answer = await asking
    assert answer["results"] == [{"type": "article", "id": "1", "title": "T", "description": "D"}]
    posted = await browser.done("choose", chat=FRIENDS, query_id=answer["query_id"], result_id="1")
    assert posted["heard"] is False
    assert api.world.chats[FRIENDS].messages[posted["message_id"]]["text"] == "chosen"


async def test_edits_forwards_and_deletions(browser: Browser, api: BotApi) -> None:
    sent = await browser.done("text", text="one")
    await browser.done("edit", message_id=sent["message_id"], text="two")
    await browser.done("forward", message_id=sent["message_id"], to=CLUB)
    await browser.done("delete", message_id=sent["message_id"])
    kinds = [(kind, message["text"]) for kind, message in await heard(api)]
    assert kinds == [("message", "one"), ("edited_message", "two")]
    [copy] = api.world.chats[CLUB].messages.values()
    assert copy["forward_origin"]["sender_user"]["first_name"] == "Аня"
    assert api.world.chats[1001].messages == {}


async def test_an_album_is_forwarded_whole(browser: Browser, api: BotApi) -> None:
    files = [(f"{n}.jpg", jpeg(size=(200 + n, 150)), "image/jpeg") for n in range(3)]
    await browser.upload(files)
    first = next(iter(api.world.chats[1001].messages))
    await browser.done("forward", message_id=first, to=FRIENDS)
    copies = list(api.world.chats[FRIENDS].messages.values())
    assert len(copies) == 3
    assert len({message["media_group_id"] for message in copies}) == 1


async def test_people_languages_blocks_and_a_clean_start(
    browser: Browser, api: BotApi, call: Caller
) -> None:
    new = await browser.done("person", name="Max <b>", language="en")
    browser.person = new["id"]
    await browser.done("text", text="a")
    await browser.done("language", language="ru")
    await browser.done("text", text="b")
    users = [message["from"] for _, message in await heard(api)]
    assert [user["language_code"] for user in users] == ["en", "ru"]
    assert users[0]["first_name"] == "Max <b>"
    await browser.done("block", blocked=True)
    assert (await call.answer("sendMessage", chat_id=new["id"], text="x"))["error_code"] == 403
    await browser.done("block", blocked=False)
    await browser.done("reset")
    async with events(browser) as stream:
        state = await next_of(stream, "state")
        assert [one["first_name"] for one in state["people"]] == ["Аня", "Sam", "Max <b>"]
        assert all(not chat["messages"] for chat in state["chats"])


async def test_the_bot_is_online_once_it_polls(browser: Browser, call: Caller) -> None:
    assert not browser.page.bot_ready.is_set()
    async with events(browser) as stream:
        assert (await next_of(stream, "state"))["bot_state"] == "starting"
        await call.updates()
        assert (await next_of(stream, "bot"))["content"] == {"state": "online"}
        await browser.page.bot_is("restarting")
        await next_of(stream, "bot")
        await call.updates()
        assert (await next_of(stream, "bot"))["content"] == {"state": "online"}


async def test_samples_are_offered(api: BotApi, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg())
    page = ChatPage(api, samples=[tmp_path / "a.jpg"])
    await page.start()
    async with httpx.AsyncClient(trust_env=False) as client:
        assert (await client.get(f"{page.url}samples/0")).content == jpeg()
        for number in ("1", "-1", "x", "%2e%2e"):
            assert (await client.get(f"{page.url}samples/{number}")).status_code in (403, 404)
    await page.stop()


def test_both_languages_name_the_same_things() -> None:
    keys = [
        {key for key in catalogue(language).messages if key.startswith(("page.", "chat."))}
        for language in LANGUAGES
    ]
    assert keys[0] == keys[1]
