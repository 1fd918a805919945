"""Every part of the page in a real browser; the bot is played by the test."""

from __future__ import annotations

import asyncio
from pathlib import Path

from app.web.people import FRIENDS
from tests.bot.pictures import jpeg
from tests.browser.chromium import Tab
from tests.browser.conftest import Puppet, settle_in

ARIA = 1001
"""The page's first person, who speaks Russian."""


GEOMETRY = """(() => {
  const whole = document.querySelector(".mosaic").getBoundingClientRect();
  const boxes = [...document.querySelectorAll(".mosaic .photo")]
    .map((one) => one.getBoundingClientRect());
  const area = boxes.reduce((sum, box) => sum + box.width * box.height, 0);
  const out = boxes.filter((b) => b.right > whole.right + 1 || b.bottom > whole.bottom + 1);
  const over = boxes.flatMap((a, i) => boxes.slice(i + 1).filter((b) =>
    a.left < b.right - 1 && b.left < a.right - 1
    && a.top < b.bottom - 1 && b.top < a.bottom - 1));
  return [out.length, over.length, area / (whole.width * whole.height)];
})()"""
"""How many pictures of the first album stick out, how many overlap, the share they cover."""


async def own_room(tab: Tab, puppet: Puppet, language: str = "en") -> int:
    return await settle_in(tab, puppet.page.url, language)


async def test_words_formats_and_links(tab: Tab, puppet: Puppet) -> None:
    me = await own_room(tab, puppet)
    await puppet.call(
        "sendMessage", chat_id=me, parse_mode="HTML",
        text='<b>bold <i>both</i></b> <s>was</s> <a href="https://example.org/?a=1&amp;b=2">shop</a>'
        " &lt;img src=x onerror=alert(1)&gt; /help https://example.org/x.",
    )  # fmt: skip
    html = await tab.wait("document.querySelector('.words')?.innerHTML")
    assert "<strong>bold <em>both</em></strong>" in html
    assert "<s>was</s>" in html
    assert 'href="https://example.org/?a=1&amp;b=2"' in html
    assert 'rel="noopener noreferrer"' in html
    assert "&lt;img src=x onerror=alert(1)&gt;" in html
    assert ">https://example.org/x</a>." in html
    await tab.click(".words a", "/help")
    assert (await puppet.heard("message"))["text"] == "/help"


async def test_markup_of_people_stays_text(tab: Tab, puppet: Puppet) -> None:
    await settle_in(tab, puppet.page.url, name="<img src=x onerror=alert(1)>")
    await tab.click("#words")
    await tab.type("<script>alert(1)</script>")
    await tab.enter()
    assert (await puppet.heard("message"))["text"] == "<script>alert(1)</script>"
    await tab.wait("document.querySelector('.own .words').innerText.includes('<script>')")
    assert await tab.js("document.querySelectorAll('main script, .side img').length") == 0


async def test_messages_change_in_place_and_go(tab: Tab, puppet: Puppet) -> None:
    me = await own_room(tab, puppet)
    sent = await puppet.call("sendMessage", chat_id=me, text="before")
    await puppet.call("sendMessage", chat_id=me, text="another")
    await tab.wait("document.querySelectorAll('.block').length === 2")
    spot = {"chat_id": me, "message_id": sent["message_id"]}
    await puppet.call("editMessageText", text="after", **spot)
    first = "document.querySelector('.block .words').innerText"
    assert "after" in await tab.wait(f"{first}.includes('after') && {first}")
    await puppet.call("deleteMessage", **spot)
    await tab.wait("document.querySelectorAll('.block').length === 1")


async def test_buttons_wait_toast_and_alert(tab: Tab, puppet: Puppet) -> None:
    me = await own_room(tab, puppet)
    keys = [[{"text": "one", "callback_data": "1"}, {"text": "two", "callback_data": "2"}],
            [{"text": "out", "url": "https://example.org/"}]]  # fmt: skip
    await puppet.call("sendMessage", chat_id=me, text="?", reply_markup={"inline_keyboard": keys})
    await tab.click(".key", "one")
    query = await puppet.heard("callback_query")
    assert await tab.js("document.querySelector('.key.waiting').innerText") == "one"
    await puppet.call("answerCallbackQuery", callback_query_id=query["id"], text="Saved")
    assert await tab.wait("document.querySelector('.toast')?.innerText") == "Saved"
    # The answer may be on the page before the press's own reply, which names it.
    assert await tab.wait("document.querySelectorAll('.key.waiting').length === 0")
    await tab.click(".key", "two")
    query = await puppet.heard("callback_query")
    await puppet.call(
        "answerCallbackQuery", callback_query_id=query["id"], text="Too old", show_alert=True
    )
    assert await tab.wait("document.querySelector('dialog[role=alertdialog] p')?.innerText")
    await tab.enter()  # the focused OK
    await tab.wait("!document.querySelector('dialog')")
    assert await tab.js("document.querySelector('a.key').href") == "https://example.org/"


async def test_typing_is_shown_until_the_answer(tab: Tab, puppet: Puppet) -> None:
    me = await own_room(tab, puppet, "ru")
    await puppet.call("sendChatAction", chat_id=me, action="typing")
    status = "document.querySelector('.room-title p').innerText"
    await tab.wait(f"{status} === 'печатает…' && document.querySelector('.typing')")
    await puppet.call("sendMessage", chat_id=me, text="ответ")
    await tab.wait(f"{status} !== 'печатает…' && !document.querySelector('.typing')")


async def test_albums_lie_as_mosaics_and_open(tab: Tab, puppet: Puppet, tmp_path: Path) -> None:
    me = await own_room(tab, puppet)
    sizes = [(400, 300), (300, 400), (300, 300), (500, 200), (240, 320)]
    paths = []
    for number, size in enumerate(sizes):
        path = tmp_path / f"{number}.jpg"
        path.write_bytes(jpeg("teal", size))
        paths.append(path)
    await tab.pick("#pick-pictures", paths)
    await tab.wait("document.querySelectorAll('.held').length === 5")
    await tab.type("five sides")
    await tab.enter()
    photos = [await puppet.heard("message") for _ in sizes]
    assert len({photo["media_group_id"] for photo in photos}) == 1
    await tab.wait("document.querySelectorAll('.mosaic img').length === 5")
    assert "five sides" in await tab.js("document.querySelector('.own .words').innerText")
    overlaps = await tab.js(GEOMETRY)
    assert overlaps[:2] == [0, 0]
    assert overlaps[2] > 0.95
    await tab.click(".mosaic .photo")
    await tab.wait("document.querySelector('.viewer .count')?.innerText === '5 of 5'")
    await tab.key("ArrowRight", 39)
    await tab.wait("document.querySelector('.viewer figcaption').innerText === 'five sides'")
    await tab.key("Escape", 27)
    await tab.wait("!document.querySelector('.viewer')")
    await puppet.call("sendMessage", chat_id=me, text="done")


async def test_reply_edit_forward_and_delete(tab: Tab, puppet: Puppet) -> None:
    me = await own_room(tab, puppet)
    await puppet.call("sendMessage", chat_id=me, text="which size?")
    await tab.click(".words", "which size?", button="right")
    await tab.click(".menu button", "Reply")
    await tab.type("43")
    await tab.enter()
    message = await puppet.heard("message")
    assert message["reply_to_message"]["text"] == "which size?"  # type: ignore[index]
    await tab.click(".own .words", "43", button="right")
    await tab.click(".menu button", "Edit")
    await tab.js("document.querySelector('#words').select()")
    await tab.type("44")
    await tab.enter()
    assert (await puppet.heard("edited_message"))["text"] == "44"
    await tab.click(".own .words", "44", button="right")
    await tab.click(".menu button", "Forward")
    await tab.click("dialog .row", "Friends")
    await tab.wait("document.querySelector('.origin')?.innerText.includes('Forwarded from Max')")
    assert len(puppet.api.world.chats[FRIENDS].messages) == 1
    await tab.click(".own .words", "44", button="right")
    await tab.click(".menu button", "Delete")
    await tab.wait("document.querySelector('.welcome')")


async def test_commands_are_offered(tab: Tab, puppet: Puppet) -> None:
    menu = [{"command": "start", "description": "what I do"},
            {"command": "settings", "description": "size, currency"}]  # fmt: skip
    await puppet.call("setMyCommands", commands=menu)
    await own_room(tab, puppet)
    await tab.click("#words")
    await tab.type("/se")
    assert "size, currency" in await tab.wait("document.querySelector('#panel .row')?.innerText")
    await tab.key("ArrowDown", 40)
    await tab.enter()
    assert (await puppet.heard("message"))["text"] == "/settings"


async def test_inline_results_are_posted_anywhere(tab: Tab, puppet: Puppet) -> None:
    await own_room(tab, puppet)
    await tab.click(".chat", "Friends")
    await tab.click("#words")
    await tab.type("@solemate_bot white")
    query = await puppet.heard("inline_query")
    assert query["query"] == "white"
    deep = "https://t.me/solemate_bot?start=like_5"
    results = [
        {"type": "article", "id": str(n), "title": f"Pair {n}", "description": f"{n} €",
         "input_message_content": {"message_text": f"<b>Pair {n}</b>", "parse_mode": "HTML"},
         "reply_markup": {"inline_keyboard": [[{"text": "More like this", "url": deep}]]}}
        for n in (1, 2)
    ]  # fmt: skip
    await puppet.call("answerInlineQuery", inline_query_id=query["id"], results=results)
    await tab.click("#panel .row", "Pair 2")
    chosen = await puppet.heard("chosen_inline_result")
    assert chosen["result_id"] == "2"
    text = await tab.wait("document.querySelector('.block.own')?.innerText")
    assert "via @solemate_bot" in text
    assert "Pair 2" in text
    await tab.click("a.key", "More like this")  # a link to the bot leads to its chat here
    assert (await puppet.heard("message"))["text"] == "/start like_5"
    await tab.wait("document.querySelector('.chat[aria-current=true]').innerText[0] === 'S'")


async def test_the_page_survives_a_reload_and_a_block(tab: Tab, puppet: Puppet) -> None:
    me = await own_room(tab, puppet)
    await puppet.call("sendMessage", chat_id=me, text="kept")
    await tab.reload()
    await tab.wait("document.querySelector('.words')?.innerText.includes('kept')")
    await tab.click("#room-menu")
    await tab.click(".menu button", "Block")
    assert (await puppet.heard("my_chat_member"))["new_chat_member"]["status"] == "kicked"  # type: ignore[index]
    await tab.click("#unblock")
    await tab.wait("document.querySelector('#composer').checkVisibility()")
    await tab.click("#room-menu")
    await tab.click(".menu button", "Clear history")
    await tab.click("dialog button", "Clear history")
    await tab.wait("document.querySelector('.welcome')")


async def test_another_person_and_language(tab: Tab, puppet: Puppet) -> None:
    await tab.open(puppet.page.url)
    assert await tab.js("document.documentElement.lang") == "en"
    await tab.click("#me")
    await tab.click("dialog .row", "Аня")
    await tab.wait("document.documentElement.lang === 'ru'")
    assert await tab.js("document.querySelector('#words').placeholder") == "Сообщение"
    await puppet.call("sendMessage", chat_id=ARIA, text="привет")
    await tab.wait("document.querySelector('.words')?.innerText.includes('привет')")
    await tab.click("#tongues button", "EN")
    await tab.wait("document.documentElement.lang === 'en'")
    await tab.click("#words")
    await tab.type("hi")
    await tab.enter()
    assert (await puppet.heard("message"))["from"]["language_code"] == "en"  # type: ignore[index]
    await tab.wait("document.querySelector('.own .words')?.innerText.includes('hi')")


async def test_a_lost_server_is_said_and_found_again(tab: Tab, puppet: Puppet) -> None:
    me = await own_room(tab, puppet)
    await puppet.page.stop()
    banner = "document.querySelector('#banner')"
    await tab.wait(f"!{banner}.hidden && {banner}.innerText.includes('reconnecting')")
    await puppet.call("sendMessage", chat_id=me, text="meanwhile")
    await puppet.page.start()
    await tab.wait("document.querySelector('.words')?.innerText.includes('meanwhile')")
    await tab.wait(f"{banner}.hidden")
    # What the browser itself asked for meanwhile (the tab's icon) it could not have.
    refused = "ERR_CONNECTION_REFUSED"
    assert all(refused in problem for problem in tab.problems), tab.problems
    tab.problems.clear()


async def test_a_file_too_large_is_refused_in_words(
    tab: Tab, puppet: Puppet, tmp_path: Path
) -> None:
    await own_room(tab, puppet)
    huge = tmp_path / "huge.bin"
    huge.write_bytes(bytes(21 * 1024 * 1024))
    await tab.pick("#pick-files", [huge])
    await tab.wait("document.querySelector('.held')")
    await tab.click("#send")
    assert "20 MB" in await tab.wait("document.querySelector('.toast')?.innerText")
    await asyncio.sleep(0.5)
    assert ["413" in problem for problem in tab.problems] == [True]  # the browser's own remark
    tab.problems.clear()


async def test_everything_has_a_name(tab: Tab, puppet: Puppet) -> None:
    me = await own_room(tab, puppet)
    keys = {"inline_keyboard": [[{"text": "one", "callback_data": "1"}]]}
    await puppet.call("sendMessage", chat_id=me, text="?", reply_markup=keys)
    await tab.wait("document.querySelector('.key')")
    tree = await tab.call("Accessibility.getFullAXTree")
    nameless = [
        node["role"]["value"]
        for node in tree["nodes"]
        if not node.get("ignored")
        and node["role"]["value"] in ("button", "textbox", "link", "log", "navigation")
        and not node.get("name", {}).get("value")
    ]
    assert nameless == []


async def test_a_phone_shows_one_thing_at_a_time(tab: Tab, puppet: Puppet) -> None:
    await tab.window(390, 844, phone=True)
    me = await own_room(tab, puppet)
    await puppet.call("sendMessage", chat_id=me, text="word " * 60)
    await tab.wait("document.querySelector('.words')")
    assert not await tab.js("document.querySelector('#side').checkVisibility()")
    assert await tab.js("document.documentElement.scrollWidth <= innerWidth")
    assert await tab.js(
        "document.querySelector('#composer').getBoundingClientRect().bottom <= innerHeight"
    )
    await tab.tap("#back")
    await tab.wait("document.querySelector('#side').checkVisibility()")
    assert not await tab.js("document.querySelector('#room').checkVisibility()")
    await tab.tap(".chat", "Solemate")
    await tab.wait("document.querySelector('#room').checkVisibility()")
    small = await tab.js(
        "[...document.querySelectorAll('#room .icon, .composer button, .key')]"
        ".filter((one) => one.checkVisibility() && one.getBoundingClientRect().height < 36).length"
    )
    assert small == 0
