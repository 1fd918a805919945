"""The local Bot API server refuses what Telegram refuses, in Telegram's words."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from aiohttp import web
from PIL import Image

from app.web.botapi import BotApi
from app.web.entities import parse_html
from app.web.failure import ApiFailure
from app.web.faults import Fault
from app.web.files import Files
from tests.bot.pictures import jpeg


class Caller:
    """Calls methods as a bot does, with the body of choice."""

    def __init__(self, api: BotApi, client: httpx.AsyncClient) -> None:
        self.api = api
        self._client = client

    def url(self, method: str) -> str:
        return f"{self.api.url}/bot{self.api.token}/{method}"

    async def json(self, method: str, **params: Any) -> dict[str, Any]:
        return (await self._client.post(self.url(method), json=params)).json()

    async def form(self, method: str, files: Any = None, **params: Any) -> dict[str, Any]:
        flat = {k: v if isinstance(v, str) else json.dumps(v) for k, v in params.items()}
        return (await self._client.post(self.url(method), data=flat, files=files)).json()

    async def raw(self, method: str, body: bytes, kind: str) -> int:
        headers = {"content-type": kind}
        return (
            await self._client.post(self.url(method), content=body, headers=headers)
        ).status_code

    async def get(self, url: str) -> httpx.Response:
        return await self._client.get(url)

    async def refused(self, method: str, **params: Any) -> str:
        answer = await self.json(method, **params)
        assert answer["ok"] is False
        assert answer["error_code"] == 400
        return answer["description"]


@pytest.fixture
async def call(api: BotApi) -> AsyncIterator[Caller]:
    api.user(7, "en", "Ann")
    async with httpx.AsyncClient(trust_env=False) as client:
        yield Caller(api, client)


async def test_get_and_every_kind_of_body(call: Caller) -> None:
    me = (await call.get(call.url("getMe"))).json()["result"]
    assert me["is_bot"]
    assert me["id"] == int(call.api.token.split(":")[0])
    for answer in (
        await call.json("sendMessage", chat_id=7, text="a"),
        await call.form("sendMessage", chat_id=7, text="a"),
        (await call.get(call.url("sendmessage") + "?chat_id=7&text=a")).json(),
    ):
        assert answer["result"]["text"] == "a"
        assert answer["result"]["chat"]["id"] == 7


async def test_tokens_and_methods_unknown(call: Caller) -> None:
    wrong = await call.get(f"{call.api.url}/bot1:{'x' * 35}/getMe")
    assert (wrong.status_code, wrong.json()["description"]) == (401, "Unauthorized")
    assert (await call.get(f"{call.api.url}/botnonsense/getMe")).status_code == 404
    assert (await call.get(call.url("getEverything"))).status_code == 404
    assert (await call.get(f"{call.api.url}/file/bot1:xyz/photos/1.jpg")).status_code == 401
    assert await call.raw("getMe", b"{", "application/json") == 400


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"chat_id": 8, "text": "a"}, "chat not found"),
        ({"chat_id": "@nobody", "text": "a"}, "chat not found"),
        ({"text": "a"}, 'parameter "chat_id" is required'),
        ({"chat_id": 7}, "message text is empty"),
        ({"chat_id": 7, "text": "  \n"}, "message text is empty"),
        ({"chat_id": 7, "text": "<b> </b>", "parse_mode": "HTML"}, "message text is empty"),
        ({"chat_id": 7, "text": "x" * 4097}, "message is too long"),
        ({"chat_id": 7, "text": "😀" * 2049}, "message is too long"),
        ({"chat_id": 7, "text": "a", "parse_mode": "Fancy"}, "unsupported parse_mode"),
        (
            {"chat_id": 7, "text": "<b>a", "parse_mode": "HTML"},
            "can't parse entities: Can't find end tag corresponding to start tag \"b\"",
        ),
        (
            {"chat_id": 7, "text": "a", "reply_parameters": {"message_id": 99}},
            "message to be replied not found",
        ),
        ({"chat_id": 7, "text": "a", "reply_markup": "{"}, "can't parse reply_markup JSON object"),
    ],
)
async def test_messages_refused(call: Caller, params: dict[str, Any], reason: str) -> None:
    assert (await call.refused("sendMessage", **params)).startswith(f"Bad Request: {reason}")


async def test_limits_count_after_parsing(call: Caller) -> None:
    text = "<b>" + "x" * 4096 + "</b>"
    answer = await call.json("sendMessage", chat_id=7, text=text, parse_mode="HTML")
    assert answer["result"]["entities"] == [{"type": "bold", "offset": 0, "length": 4096}]
    files = {"photo": ("a.jpg", jpeg())}
    params = {"chat_id": 7, "parse_mode": "HTML"}
    assert (await call.form("sendPhoto", files, caption="<i>" + "x" * 1024 + "</i>", **params))[
        "ok"
    ]
    long = await call.form("sendPhoto", files, caption="x" * 1025, **params)
    assert long["description"] == "Bad Request: message caption is too long"


@pytest.mark.parametrize(
    ("button", "reason"),
    [
        ({"text": "a", "callback_data": ""}, "BUTTON_DATA_INVALID"),
        ({"text": "a", "callback_data": "x" * 65}, "BUTTON_DATA_INVALID"),
        ({"text": "a", "callback_data": "я" * 33}, "BUTTON_DATA_INVALID"),
        ({"text": "", "callback_data": "x"}, "can't parse inline keyboard button"),
        ({"text": "a", "url": "nowhere"}, "BUTTON_URL_INVALID"),
        ({"text": "a"}, "text buttons are unallowed in the inline keyboard"),
    ],
)
async def test_buttons_refused(call: Caller, button: dict[str, str], reason: str) -> None:
    keyboard = {"inline_keyboard": [[button]]}
    refusal = await call.refused("sendMessage", chat_id=7, text="a", reply_markup=keyboard)
    assert reason in refusal


async def test_buttons_at_the_limit_pass(call: Caller) -> None:
    row = [{"text": "a", "callback_data": "я" * 32}] * 4
    answer = await call.json(
        "sendMessage", chat_id=7, text="a", reply_markup={"inline_keyboard": [row] * 25}
    )
    assert answer["ok"]
    over = await call.refused(
        "sendMessage", chat_id=7, text="a", reply_markup={"inline_keyboard": [row] * 26}
    )
    assert "REPLY_MARKUP_TOO_LONG" in over


async def test_albums(call: Caller) -> None:
    async def album(count: int, **item: str) -> dict[str, Any]:
        media = [{"type": "photo", "media": f"attach://p{n}", **item} for n in range(count)]
        files = {f"p{n}": (f"{n}.jpg", jpeg()) for n in range(count)}
        return await call.form("sendMediaGroup", files, chat_id=7, media=media)

    assert not (await album(1))["ok"]
    assert "too much messages" in (await album(11))["description"]
    assert (await album(2, caption="x" * 1025))["description"].endswith("caption is too long")
    sent = (await album(10, caption="<b>a</b>", parse_mode="HTML"))["result"]
    assert len({message["media_group_id"] for message in sent}) == 1
    assert len({message["message_id"] for message in sent}) == 10
    again = [{"type": "photo", "media": message["photo"][-1]["file_id"]} for message in sent[:2]]
    assert (await call.json("sendMediaGroup", chat_id=7, media=again))["ok"]
    lost = [{"type": "photo", "media": "attach://p1"}] * 2
    assert "no such part" in await call.refused("sendMediaGroup", chat_id=7, media=lost)
    mixed = [again[0], {"type": "document", "media": "x"}]
    assert "can't be mixed" in await call.refused("sendMediaGroup", chat_id=7, media=mixed)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "file must be non-empty"),
        (b"no picture", "IMAGE_PROCESS_FAILED"),
        (b"x" * (10 * 1024 * 1024 + 1), "too big for a photo"),
    ],
)
async def test_photos_refused(call: Caller, data: bytes, reason: str) -> None:
    answer = await call.form("sendPhoto", {"photo": ("a.jpg", data)}, chat_id=7)
    assert reason in answer["description"]
    assert "wrong file identifier" in await call.refused("sendPhoto", chat_id=7, photo="AgXYZ")


async def test_photos_of_impossible_shape_are_refused(call: Caller) -> None:
    out = io.BytesIO()
    Image.new("L", (2100, 100)).save(out, "PNG")
    answer = await call.form("sendPhoto", {"photo": ("a.png", out.getvalue())}, chat_id=7)
    assert "PHOTO_INVALID_DIMENSIONS" in answer["description"]


async def test_documents(call: Caller) -> None:
    files = {"document": ("Отчёт.html", b"<p>", "text/html")}
    sent = (await call.form("sendDocument", files, chat_id=7, caption="Вот"))["result"]
    assert (sent["document"]["file_name"], sent["caption"]) == ("Отчёт.html", "Вот")
    file = (await call.json("getFile", file_id=sent["document"]["file_id"]))["result"]
    url = f"{call.api.url}/file/bot{call.api.token}/{file['file_path']}"
    assert (await call.get(url)).content == b"<p>"
    assert (await call.get(url + "x")).status_code == 404


async def test_files_over_twenty_megabytes_cannot_be_fetched(call: Caller) -> None:
    message = await call.api.user(7).send_document(b"x", "a.png", "image/png", size=21 * 2**20)
    refusal = await call.refused("getFile", file_id=message["document"]["file_id"])
    assert refusal == "Bad Request: file is too big"


async def test_editing(call: Caller) -> None:
    keyboard = {"inline_keyboard": [[{"text": "a", "callback_data": "b"}]]}
    sent = (await call.json("sendMessage", chat_id=7, text="old", reply_markup=keyboard))["result"]
    where = {"chat_id": 7, "message_id": sent["message_id"]}
    same = await call.refused("editMessageText", text="old", reply_markup=keyboard, **where)
    assert "message is not modified" in same
    edited = (await call.json("editMessageText", text="new", **where))["result"]
    assert edited["text"] == "new"
    assert "reply_markup" not in edited
    assert "no caption" in await call.refused("editMessageCaption", caption="x", **where)
    assert (await call.json("editMessageReplyMarkup", reply_markup=keyboard, **where))["ok"]
    assert (await call.json("deleteMessage", **where))["ok"]
    assert "not found" in await call.refused("deleteMessage", **where)
    assert "to edit not found" in await call.refused("editMessageText", text="x", **where)
    theirs = await call.api.user(7).send_text("mine")
    other = await call.refused(
        "editMessageText", chat_id=7, message_id=theirs["message_id"], text="x"
    )
    assert "can't be edited" in other


async def test_editing_media(call: Caller) -> None:
    photo = (await call.form("sendPhoto", {"photo": ("a.jpg", jpeg())}, chat_id=7))["result"]
    where = {"chat_id": 7, "message_id": photo["message_id"]}
    assert "no text" in await call.refused("editMessageText", text="x", **where)
    edited = await call.form(
        "editMessageMedia",
        {"new": ("b.jpg", jpeg("blue"))},
        media={"type": "photo", "media": "attach://new", "caption": "b"},
        **where,
    )
    assert edited["result"]["caption"] == "b"
    assert edited["result"]["photo"] != photo["photo"]
    assert (await call.json("editMessageCaption", caption="c", **where))["result"]["caption"] == "c"


async def test_updates_wait_confirm_and_filter(call: Caller) -> None:
    user = call.api.user(7)
    waiting = asyncio.create_task(call.json("getUpdates", timeout=5))
    await asyncio.sleep(0.05)
    await user.send_text("one")
    first = (await waiting)["result"]
    assert [update["message"]["text"] for update in first] == ["one"]
    assert (await call.json("getUpdates"))["result"] == first
    after = first[0]["update_id"] + 1
    assert (await call.json("getUpdates", offset=after))["result"] == []
    await call.json("getUpdates", offset=after, allowed_updates=["callback_query"])
    await user.send_text("unwanted")
    assert (await call.json("getUpdates", offset=after))["result"] == []
    await call.json("getUpdates", offset=after, allowed_updates=[])
    for number in range(5):
        await user.send_text(str(number))
    assert len((await call.json("getUpdates", limit=3))["result"]) == 3
    last = (await call.json("getUpdates", offset=-1))["result"]
    assert [update["message"]["text"] for update in last] == ["4"]


async def test_a_second_poll_ends_the_first(call: Caller) -> None:
    first = asyncio.create_task(call.json("getUpdates", timeout=5))
    await asyncio.sleep(0.05)
    second = asyncio.create_task(call.json("getUpdates", timeout=5))
    answer = await first
    assert answer["error_code"] == 409
    assert "terminated by other getUpdates" in answer["description"]
    await call.api.user(7).send_text("x")
    assert (await second)["result"]


async def test_webhook_gets_updates_with_its_secret(call: Caller) -> None:
    got: asyncio.Queue[tuple[str | None, dict[str, Any]]] = asyncio.Queue()
    failures = iter([500])

    async def take(request: web.Request) -> web.Response:
        await got.put(
            (request.headers.get("X-Telegram-Bot-Api-Secret-Token"), await request.json())
        )
        return web.Response(status=next(failures, 200))

    hook = web.Application()
    hook.router.add_post("/hook", take)
    runner = web.AppRunner(hook)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    assert "HTTPS" in await call.refused("setWebhook", url="http://far.example/")
    await call.json("setWebhook", url=url, secret_token="s3cret")
    assert (await call.json("getWebhookInfo"))["result"]["url"] == url
    assert (await call.json("getUpdates"))["error_code"] == 409
    await call.api.user(7).send_text("hello")
    refused, taken = await got.get(), await asyncio.wait_for(got.get(), 5)
    assert refused == taken
    assert taken[0] == "s3cret"
    assert taken[1]["message"]["text"] == "hello"
    await call.json("deleteWebhook")
    assert (await call.json("getUpdates"))["result"] == []
    await runner.cleanup()


async def test_presses(call: Caller) -> None:
    keyboard = {"inline_keyboard": [[{"text": "Go", "callback_data": "g"}]]}
    await call.json("sendMessage", chat_id=7, text="a", reply_markup=keyboard)
    user = call.api.user(7)
    pressing = asyncio.create_task(user.press(user.messages[-1], "Go"))
    update = (await call.json("getUpdates", timeout=5))["result"][-1]["callback_query"]
    assert (update["data"], update["message"]["text"]) == ("g", "a")
    query = {"callback_query_id": update["id"]}
    assert "MESSAGE_TOO_LONG" in await call.refused("answerCallbackQuery", text="x" * 201, **query)
    assert (await call.json("answerCallbackQuery", text="ok", show_alert=True, **query))["ok"]
    press = await pressing
    assert (press.text, press.alert) == ("ok", True)
    assert "query is too old" in await call.refused("answerCallbackQuery", callback_query_id="1")


async def test_commands_and_actions(call: Caller) -> None:
    menu = [{"command": "start", "description": "Go"}]
    assert (await call.json("setMyCommands", commands=menu, language_code="en"))["ok"]
    assert (await call.json("getMyCommands", language_code="en"))["result"] == menu
    assert (await call.json("getMyCommands"))["result"] == []
    bad = [{"command": "Start!", "description": "Go"}]
    assert "BOT_COMMAND_INVALID" in await call.refused("setMyCommands", commands=bad)
    assert (await call.json("sendChatAction", chat_id=7, action="upload_photo"))["ok"]
    assert "wrong parameter action" in await call.refused(
        "sendChatAction", chat_id=7, action="dance"
    )


async def test_faults(call: Caller) -> None:
    faults = call.api.faults
    faults.add(Fault("sendMessage", retry_after=3))
    flood = await call.json("sendMessage", chat_id=7, text="a")
    assert (flood["error_code"], flood["parameters"]) == (429, {"retry_after": 3})
    assert (await call.json("sendMessage", chat_id=7, text="a"))["ok"]
    faults.add(Fault(status=502, description="Bad Gateway"))
    assert (await call.json("getMe"))["error_code"] == 502
    faults.add(Fault("sendMessage", reset=True, chat_id=7))
    with pytest.raises(httpx.HTTPError):
        await call.json("sendMessage", chat_id=7, text="cut")
    faults.add(Fault("sendMessage", reset=True, late=True))
    with pytest.raises(httpx.HTTPError):
        await call.json("sendMessage", chat_id=7, text="late")
    texts = [message.text for message in call.api.user(7).messages]
    assert "cut" not in texts
    assert "late" in texts
    call.api.user(7).block()
    blocked = await call.json("sendMessage", chat_id=7, text="a")
    assert (blocked["error_code"], blocked["description"]) == (
        403,
        "Forbidden: bot was blocked by the user",
    )


@pytest.mark.parametrize(
    ("source", "text", "entities"),
    [
        ("a &lt;b&gt; &amp; &quot; &#1078; &nbsp;", 'a <b> & " ж &nbsp;', []),
        ("😀<b>x</b>", "😀x", [("bold", 2, 1)]),
        ("  <b> x </b> ", "x", [("bold", 0, 1)]),
        ("<i><b>x</b></i>", "x", [("bold", 0, 1), ("italic", 0, 1)]),
        ("<span class='tg-spoiler'>x</span>", "x", [("spoiler", 0, 1)]),
        ('<a href="nowhere">x</a>', "x", []),
        ("<b></b>x", "x", []),
    ],
)
def test_html(source: str, text: str, entities: list[tuple[str, int, int]]) -> None:
    plain, found = parse_html(source)
    assert plain == text
    assert sorted((e["type"], e["offset"], e["length"]) for e in found) == entities


def test_html_links_are_unescaped() -> None:
    _, (link,) = parse_html('<a href="https://a.example/?a=1&amp;b=2">x</a>')
    assert link["url"] == "https://a.example/?a=1&b=2"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("<p>x</p>", 'Unsupported start tag "p" at byte offset 0'),
        ("ж<span>x</span>", 'Unsupported start tag "span" at byte offset 2'),
        ("<b>x</i>", 'expected "</b>", found "</i>"'),
        ("x</b>", "Unexpected end tag at byte offset 1"),
        ("1 < 2", "Unclosed start tag at byte offset 2"),
        ("< >", "Unsupported start tag"),
        ("<i><b>x</b>", 'start tag "i"'),
    ],
)
def test_html_refused(source: str, reason: str) -> None:
    with pytest.raises(ApiFailure, match="can't parse entities") as refusal:
        parse_html(source)
    assert reason in refusal.value.description


def test_files_added_by_many_threads_at_once_keep_their_own_bytes() -> None:
    """Two uploads that shared a path once gave one user the answer to another's picture."""
    files = Files()
    with ThreadPoolExecutor(8) as pool:
        added = list(pool.map(lambda n: files.add(b"%d" % n, "photos", ".jpg"), range(4000)))
    assert len({file.path for file in added}) == 4000
    assert all(files.at(file.path).data == b"%d" % n for n, file in enumerate(added))
