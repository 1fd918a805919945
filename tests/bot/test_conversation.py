"""What people say to the bot and what it says back, in both languages, over HTTP."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import pytest
from PIL import Image

from app.bot.callbacks import MoreLike, Place, ShowPage, encode
from app.i18n import LANGUAGES, Language, catalogue
from app.web.client import BotMessage, Chat
from app.web.faults import Fault
from tests.bot.conftest import QUICK, Stage
from tests.bot.memory import offer
from tests.bot.pictures import PDF, animated_gif, jpeg, truncated_jpeg
from tests.bot.pressing import press_like


def plain(key: str, language: Language, **values: object) -> str:
    """A message of the catalogue as it looks in the chat."""
    text = catalogue(language).text(key, **values)
    for tag in ("<b>", "</b>"):
        text = text.replace(tag, "")
    return text


def helped(language: Language) -> str:
    return plain("help", language, megabytes=20, bot="solemate_local_bot")


async def results(chat: Chat) -> tuple[list[BotMessage], BotMessage]:
    """The next album and the list below it."""
    album = await chat.wait_album()
    return album, await chat.wait_for(lambda message: bool(message.buttons))


@pytest.fixture(params=LANGUAGES)
def language(request: pytest.FixtureRequest) -> Language:
    return request.param


@pytest.fixture
def chat(stage: Stage, language: Language) -> Chat:
    return stage.api.user(11, language)


@pytest.fixture
def english(stage: Stage) -> Chat:
    """For what does not depend on the language."""
    return stage.api.user(10, "en")


async def test_start_and_help(chat: Chat, language: Language) -> None:
    await chat.send_text("/start")
    assert (await chat.wait_for()).text == plain("start", language)
    await chat.send_text("/help")
    assert (await chat.wait_for()).text == helped(language)
    await chat.send_text("/start from_a_link")
    assert (await chat.wait_for()).text == plain("start", language)


async def test_the_menu_is_published(stage: Stage) -> None:
    menus = stage.api.world.commands
    by_language = {code: [item["command"] for item in menu] for (_, code), menu in menus.items()}
    names = ["start", "help", "language", "settings"]
    assert by_language == dict.fromkeys(("ru", "en", ""), names)


async def test_a_photo_finds(stage: Stage, chat: Chat, language: Language) -> None:
    question = await chat.send_photo(jpeg())
    summary = await chat.wait_for()
    assert summary.text.startswith(plain("result.similar", language))
    assert summary.answers == question["message_id"]
    album, listing = await results(chat)
    assert chat.action == "upload_photo"
    assert len(album) == 8
    assert {message.answers for message in album} == {None}
    first = album[0].text.replace("\N{NO-BREAK SPACE}", " ")
    price = {"ru": "8 990 ₽ · Alpha\nвидели 2 ч назад", "en": "RUB 8,990 · Alpha\nseen 2 h ago"}
    assert first == (
        f"1. Nike Air <Max> 0, White & Grey\n{price[language]}\n{plain('hit.similar', language)}"
    )
    assert album[0].links == ["https://alpha.example/p/0?a=1&b=2"]
    assert album[0].picture == (stage.search.hits[0].image_path and jpeg("red", (160, 120)))
    assert [len(row) for row in listing.rows] == [4, 4, 3, 1]
    assert len(listing.links) == sum(len(hit.offers) for hit in stage.search.hits[:8])


async def test_pages_and_more_like_this(stage: Stage, chat: Chat, language: Language) -> None:
    def word(key: str, **values: object) -> str:
        return plain(key, language, **values)

    await chat.send_photo(jpeg())
    _, first = await results(chat)
    press = await chat.press(first, word("button.next"))
    assert (press.text, press.alert) == (None, False)
    album, second = await results(chat)
    assert second.text.startswith(word("result.page", page=2))
    assert "Max> 8," in album[0].text
    await chat.press(second, word("button.previous"))
    _, again = await results(chat)
    assert again.text == first.text

    await press_like(chat, second, 3)
    album, like = await results(chat)
    assert like.text.startswith(word("result.like", number=3))
    assert "Max> 19," in album[0].text
    await chat.press(like, word("button.next"))
    _, like_next = await results(chat)
    assert like_next.text.startswith(word("result.like_page", page=2))
    await chat.press(like_next, word("button.back"))
    _, back = await results(chat)
    assert back.text == second.text


async def test_the_last_page_has_no_next_and_fewer_pictures(
    stage: Stage, chat: Chat, language: Language
) -> None:
    stage.search.hits = stage.search.hits[:9]
    await chat.send_photo(jpeg())
    _, first = await results(chat)
    await chat.press(first, plain("button.next", language))
    photo = await chat.wait_for(lambda message: message.picture is not None)
    assert photo.album is None  # one picture is no album
    listing = await chat.wait_for(lambda message: bool(message.buttons))
    assert listing.rows[0][0].text == "1"
    assert [button.text for button in listing.rows[-1]] == [plain("button.previous", language)]


async def test_an_album_is_one_question(stage: Stage, english: Chat) -> None:
    pieces = await english.send_album([jpeg("red"), jpeg("green"), jpeg("blue")], "эти?")
    assert (await english.wait_for()).answers == pieces[0]["message_id"]
    await results(english)
    assert [len(pictures) for pictures in stage.search.asked] == [3]
    await english.quiet(0.3)


async def test_a_long_album_is_asked_by_its_first_views(stage: Stage, english: Chat) -> None:
    await english.send_album([jpeg("red", (200 + number, 150)) for number in range(9)])
    await results(english)
    assert [len(pictures) for pictures in stage.search.asked] == [6]


async def test_two_albums_are_two_questions(stage: Stage, english: Chat) -> None:
    await english.send_album([jpeg("red"), jpeg("green")])
    await english.send_album([jpeg("blue"), jpeg("teal")])
    await results(english)
    await results(english)
    assert [len(pictures) for pictures in stage.search.asked] == [2, 2]


async def test_a_damaged_picture_does_not_spoil_an_album(
    stage: Stage, chat: Chat, language: Language
) -> None:
    await chat.send_album([jpeg(), truncated_jpeg(), jpeg("blue")])
    assert (await chat.wait_for()).text == plain("result.unread", language, count=1)
    await results(chat)
    assert [len(pictures) for pictures in stage.search.asked] == [2]


async def test_an_album_of_damaged_pictures_is_refused_once(chat: Chat, language: Language) -> None:
    await chat.send_album([truncated_jpeg()] * 3)
    assert (await chat.wait_for()).text == plain("image.truncated", language)
    await chat.quiet(0.3)


async def test_an_album_of_files_that_are_no_pictures_is_refused_once(
    chat: Chat, language: Language
) -> None:
    for number in range(3):
        await chat.send_document(PDF, f"{number}.pdf", "application/pdf", album="g1")
    assert (await chat.wait_for()).text == plain("refuse.pdf", language)
    await chat.quiet(0.3)


async def test_large_photos_are_fetched_at_the_size_that_is_enough(
    stage: Stage, english: Chat
) -> None:
    await english.send_photo(jpeg(size=(2400, 1800)))
    await results(english)
    with Image.open(io.BytesIO(stage.search.asked[0][0])) as image:
        assert max(image.size) == 800


ANSWERS: list[tuple[dict[str, Any], str]] = [
    ({"text": "🔥"}, "text"),
    ({"sticker": {"file_id": "s", "file_unique_id": "s", "type": "regular", "width": 512,
                  "height": 512, "is_animated": False, "is_video": False}}, "sticker"),
    ({"voice": {"file_id": "v", "file_unique_id": "v", "duration": 3}}, "voice"),
    ({"audio": {"file_id": "v", "file_unique_id": "v", "duration": 3}}, "audio"),
    ({"video": {"file_id": "v", "file_unique_id": "v", "duration": 3, "width": 1, "height": 1}},
     "video"),
    ({"video_note": {"file_id": "v", "file_unique_id": "v", "duration": 3, "length": 9}}, "video"),
    ({"location": {"latitude": 55.7, "longitude": 37.6}}, "location"),
    ({"venue": {"location": {"latitude": 55.7, "longitude": 37.6}, "title": "t", "address": "a"}},
     "location"),
    ({"contact": {"phone_number": "1", "first_name": "A"}}, "contact"),
    ({"poll": {"id": "1", "question": "q", "options": [], "total_voter_count": 0,
               "is_closed": False, "is_anonymous": True, "type": "regular",
               "allows_multiple_answers": False, "allows_revoting": False,
               "members_only": False}}, "poll"),
    ({"dice": {"emoji": "🎲", "value": 3}}, "unknown"),
    ({"document": {"file_id": "d", "file_unique_id": "d", "file_name": "a.zip",
                   "mime_type": "application/zip"}}, "document"),
    ({"document": {"file_id": "d", "file_unique_id": "d", "file_name": "A.PDF"}}, "pdf"),
    ({"animation": {"file_id": "a", "file_unique_id": "a", "width": 1, "height": 1, "duration": 1,
                    "mime_type": "video/mp4"}}, "animation"),
]  # fmt: skip


async def test_anything_else_gets_a_clear_answer(chat: Chat, language: Language) -> None:
    for content, key in ANSWERS:
        message = await chat.send(**content)
        answer = await chat.wait_for()
        assert answer.text == plain(f"refuse.{key}", language), content
        assert answer.answers == message["message_id"]


async def test_unknown_commands(chat: Chat, language: Language) -> None:
    await chat.send_text("/sell 5")
    assert (await chat.wait_for()).text == plain("command.unknown", language)


async def test_service_messages_are_not_answered(english: Chat) -> None:
    await english.send(new_chat_title="x")
    await english.send(pinned_message=await english.send_text("/start"))
    await english.wait_for()
    await english.quiet(0.2)


async def test_a_gif_video_is_searched_by_its_first_frame(stage: Stage, english: Chat) -> None:
    await english.send_animation(b"not looked at", "video/mp4", thumbnail=jpeg())
    await results(english)
    await english.send_animation(animated_gif(), "image/gif")
    await results(english)
    assert len(stage.search.asked) == 2


async def test_a_file_too_big_for_telegram(chat: Chat, language: Language) -> None:
    await chat.send_document(b"x", "a.png", "image/png", size=21 * 2**20)
    assert (await chat.wait_for()).text == plain("image.too_big_file", language, megabytes=20)


async def test_a_file_that_turns_out_too_big(stage: Stage, chat: Chat, language: Language) -> None:
    message = await chat.send_document(b"x", "a.png", "image/png", size=19 * 10**6)
    await chat.wait_text(plain("image.not_an_image", language))
    stage.api.faults.add(Fault("getFile", status=400, description="Bad Request: file is too big"))
    await chat.deliver("message", {**message, "message_id": message["message_id"] + 1000})
    await chat.wait_text(plain("image.too_big_file", language, megabytes=20))


async def test_language_is_chosen_and_kept(quiet_stage: Stage) -> None:
    chat = quiet_stage.api.user(12, "ru")
    async with quiet_stage.bot():
        await chat.send_text("/language")
        question = await chat.wait_for()
        assert question.text == plain("language.ask", "ru")
        assert [button.text for button in question.buttons] == ["Русский", "English"]
        too_old = "Bad Request: message can't be edited"
        quiet_stage.api.faults.add(Fault("editMessageText", status=400, description=too_old))
        await chat.press(question, "Русский")
        assert (await chat.wait_for()).text == plain("language.set", "ru")
        await chat.press(question, "English")
        await chat.send_text("/start")
        assert (await chat.wait_for()).text == plain("start", "en")
        assert chat.messages[0].text == plain("language.set", "en")
        assert not chat.messages[0].buttons
    async with quiet_stage.bot():
        await chat.send_text("/start")
        assert (await chat.wait_for()).text == plain("start", "en")


async def test_the_clients_language_decides_first(stage: Stage) -> None:
    codes: dict[str | None, Language] = {"ru": "ru", "uk": "en", "be": "ru", "de": "en", None: "en"}
    for number, (code, expected) in enumerate(codes.items()):
        chat = stage.api.user(130 + number, code)
        await chat.send_text("/start")
        assert (await chat.wait_for()).text == plain("start", expected)


async def test_the_operators_language_beats_the_clients(quiet_stage: Stage) -> None:
    chat = quiet_stage.api.user(13, "en")
    async with quiet_stage.bot(bot_language="ru"):
        await chat.send_text("/start")
        assert (await chat.wait_for()).text == plain("start", "ru")


async def test_buttons_that_no_longer_read(chat: Chat, language: Language) -> None:
    await chat.send_photo(jpeg())
    _, listing = await results(chat)
    for data in ("", "old", "page:2", "0p:1:2", "2p:1:2", "1p:1", "x" * 64, "я" * 32):
        press = await chat.press_data(listing, data)
        assert (press.text, press.alert) == (plain("button.outdated", language), True)
    await chat.quiet(0.1)


async def test_results_no_longer_kept(chat: Chat, language: Language) -> None:
    await chat.send_photo(jpeg())
    _, listing = await results(chat)
    await chat.press_data(listing, encode(ShowPage(Place(1, 1))))
    assert (await chat.wait_for()).text == plain("button.expired", language)
    await chat.press_data(listing, encode(MoreLike(999_999, 1)))
    assert (await chat.wait_for()).text == plain("image.missing", language)


async def test_a_press_too_late_to_acknowledge_is_still_done(stage: Stage, english: Chat) -> None:
    await english.send_photo(jpeg())
    _, listing = await results(english)
    old = "Bad Request: query is too old and response timeout expired or query ID is invalid"
    stage.api.faults.add(Fault("answerCallbackQuery", status=400, description=old, late=True))
    await press_like(english, listing, 1)
    await results(english)


async def test_a_second_tap_does_nothing_twice(english: Chat) -> None:
    await english.send_photo(jpeg())
    _, listing = await results(english)
    for _ in range(3):
        await english.press(listing, "More")
    await results(english)
    await english.quiet(0.3)


async def test_a_button_under_a_message_out_of_sight(stage: Stage, english: Chat) -> None:
    await english.send_photo(jpeg())
    _, listing = await results(english)
    data = listing.button("More").data
    out_of_sight = {"message_id": listing.message_id, "chat": listing.json["chat"], "date": 0}
    await english.press_data(BotMessage(stage.api.world, out_of_sight), data or "")
    await results(english)


async def test_nothing_close_is_said_and_the_nearest_shown(
    stage: Stage, chat: Chat, language: Language
) -> None:
    stage.search.verdict = "none"
    stage.search.hits = [replace(hit, verdict="none") for hit in stage.search.hits]
    await chat.send_photo(jpeg())
    said = await chat.wait_for()
    assert said.text.startswith(plain("result.none", language))
    await chat.quiet(0.2)
    await chat.press(said, plain("button.nearest", language))
    album, _ = await results(chat)
    assert all(message.text.endswith(plain("hit.none", language)) for message in album)


async def test_the_same_pair_is_told_from_similar_ones(
    stage: Stage, chat: Chat, language: Language
) -> None:
    stage.search.verdict = "same"
    best = stage.search.hits[0]
    offers = (offer("Alpha", "7990"), offer("Beta", "8500"))
    stage.search.hits[0] = replace(best, verdict="same", offers=offers)
    await chat.send_photo(jpeg())
    summary = await chat.wait_for()
    album, _ = await results(chat)
    price = {"ru": "7\N{NO-BREAK SPACE}990\N{NO-BREAK SPACE}₽", "en": "RUB\N{NO-BREAK SPACE}7,990"}
    assert summary.text.startswith(plain("result.same", language, count=2, price=price[language]))
    assert album[0].text.endswith(plain("hit.same", language))
    assert album[1].text.endswith(plain("hit.similar", language))


async def test_an_empty_catalogue(stage: Stage, chat: Chat, language: Language) -> None:
    stage.search.hits = []
    await chat.send_photo(jpeg())
    assert (await chat.wait_for()).text == plain("result.empty", language)


async def test_a_picture_lost_from_the_disk_is_left_out_of_the_album(
    stage: Stage, english: Chat
) -> None:
    stage.search.hits[2] = replace(stage.search.hits[2], image_path="/nowhere/at/all.jpg")
    await english.send_photo(jpeg())
    album, listing = await results(english)
    assert len(album) == 7
    assert "3. Nike Air <Max> 2" in listing.text


async def test_all_pictures_lost_leaves_the_list(stage: Stage, english: Chat) -> None:
    stage.search.hits = [replace(hit, image_path="/nowhere.jpg") for hit in stage.search.hits]
    await english.send_photo(jpeg())
    listing = await english.wait_for(lambda message: bool(message.buttons))
    assert "1. Nike" in listing.text


async def test_pictures_sent_before_are_not_uploaded_again(stage: Stage, english: Chat) -> None:
    for _ in range(2):
        await english.send_photo(jpeg())
        await results(english)
    first, second = stage.api.called("sendMediaGroup")
    assert (len(first.files), len(second.files)) == (8, 0)


async def test_pictures_telegram_forgot_are_uploaded_again(stage: Stage, english: Chat) -> None:
    await english.send_photo(jpeg())
    await results(english)
    forgot = "Bad Request: wrong file identifier/HTTP URL specified"
    stage.api.faults.add(Fault("sendMediaGroup", status=400, description=forgot))
    await english.send_photo(jpeg())
    await results(english)
    assert [len(call.files) for call in stage.api.called("sendMediaGroup")] == [8, 0, 8]


async def test_an_album_telegram_refuses_leaves_the_list(stage: Stage, english: Chat) -> None:
    refusal = "Bad Request: IMAGE_PROCESS_FAILED"
    stage.api.faults.add(Fault("sendMediaGroup", status=400, description=refusal))
    await english.send_photo(jpeg())
    listing = await english.wait_for(lambda message: bool(message.buttons))
    assert "1. Nike" in listing.text


async def test_groups_are_answered_only_when_addressed(stage: Stage) -> None:
    language: Language = "en"
    member = stage.api.user(14, language)
    group = stage.api.group(-100500, "Sneakerheads", member)
    me = f"@{stage.api.world.bot['username']}"
    await group.send_photo(jpeg())
    await group.send_text("кто это?")
    await group.send_text("/unknown")
    await group.send_text("/start@another_bot")
    await group.send_album([jpeg(), jpeg("blue")])
    await group.quiet(0.4)
    await group.send_photo(jpeg(), f"что это, {me}?")
    _, listing = await results(group)
    await group.send_photo(jpeg(), answering=listing)
    await results(group)
    await group.send_album([jpeg(), jpeg("blue")], me.upper())
    await results(group)
    theirs = await group.send_photo(jpeg("teal"))
    await group.send_text(f"{me} что это?", answering=theirs)
    await results(group)
    await group.send_text(f"/help{me}")
    assert (await group.wait_for()).text == helped(language)
    await group.send_text(f"/sell{me}")
    assert (await group.wait_for()).text == plain("command.unknown", language)
    assert not member.messages


async def test_old_buttons_work_after_a_restart(quiet_stage: Stage) -> None:
    chat = quiet_stage.api.user(15, "en")
    async with quiet_stage.bot(QUICK):
        await chat.send_photo(jpeg())
        _, listing = await results(chat)
    async with quiet_stage.bot(QUICK):
        await chat.press(listing, "More")
        _, second = await results(chat)
        assert second.text.startswith("More results, page 2")
        await press_like(chat, listing, 2)
        _, like = await results(chat)
        assert like.text.startswith("Similar to number 2")


async def test_questions_asked_while_the_bot_was_down_are_answered(quiet_stage: Stage) -> None:
    chat = quiet_stage.api.user(16, "en")
    await chat.send_photo(jpeg())
    async with quiet_stage.bot():
        await results(chat)


async def test_the_operators_page_size_ends_at_an_albums(quiet_stage: Stage) -> None:
    chat = quiet_stage.api.user(17, "en")
    async with quiet_stage.bot(results=15):
        await chat.send_photo(jpeg())
        album, listing = await results(chat)
        assert len(album) == 10
        assert [len(row) for row in listing.rows] == [4, 4, 2, 3, 1]
