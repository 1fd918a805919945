"""Checks on what the bot sends: texts, keyboards, replies, pictures."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

from app.web.entities import Entity, parse_html, trim, utf16_length
from app.web.failure import bad_request
from app.web.params import Params, Upload
from app.web.world import ChatState, Json, World

TEXT_LIMIT: Final = 4096
CAPTION_LIMIT: Final = 1024
CALLBACK_LIMIT: Final = 64
BUTTONS_LIMIT: Final = 100


_SWITCHES: Final = frozenset(
    {"switch_inline_query", "switch_inline_query_current_chat", "switch_inline_query_chosen_chat"}
)


def text_of(
    source: str | None, parse_mode: str | None, entities: Any = None
) -> tuple[str, list[Entity]]:
    """Text and entities after parsing; given ``entities`` are taken where there is no mode."""
    if not parse_mode:
        return trim(source or "", _given(entities))
    if parse_mode.lower() == "html":
        return parse_html(source or "")
    raise bad_request("unsupported parse_mode: this server reads HTML only")


def _given(entities: Any) -> list[Entity]:
    if entities is None:
        return []
    if not isinstance(entities, list) or not all(
        isinstance(one, dict) and {"type", "offset", "length"} <= one.keys() for one in entities
    ):
        raise bad_request("can't parse entities: expected an Array of MessageEntity")
    return list(entities)


def message_text(params: Params) -> Json:
    """The ``text`` and ``entities`` of a message."""
    text, entities = text_of(
        params.text("text"), params.text("parse_mode"), params.structure("entities")
    )
    if not text:
        raise bad_request("message text is empty")
    if utf16_length(text) > TEXT_LIMIT:
        raise bad_request("message is too long")
    preview = params.structure("link_preview_options")
    return {
        "text": text,
        **({"entities": entities} if entities else {}),
        **({"link_preview_options": preview} if preview else {}),
    }


def caption(source: str | None, parse_mode: str | None, given: Any = None) -> Json:
    """The ``caption`` and ``caption_entities`` of a media message."""
    text, entities = text_of(source, parse_mode, given)
    if utf16_length(text) > CAPTION_LIMIT:
        raise bad_request("message caption is too long")
    if not text:
        return {}
    return {"caption": text, **({"caption_entities": entities} if entities else {})}


def markup(params: Params) -> Json:
    """The checked ``reply_markup``."""
    found = params.structure("reply_markup")
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise bad_request("object expected as reply markup")
    rows = found.get("inline_keyboard")
    if rows is None:
        return {}  # other keyboards are not part of a message
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise bad_request('field "inline_keyboard" of the InlineKeyboardMarkup must be an Array')
    rows = [row for row in rows if row]
    if sum(map(len, rows)) > BUTTONS_LIMIT:
        raise bad_request("REPLY_MARKUP_TOO_LONG")
    for row in rows:
        for button in row:
            _check_button(button)
    return {"reply_markup": {"inline_keyboard": rows}} if rows else {}


def _check_button(button: Any) -> None:
    if not isinstance(button, dict) or not str(button.get("text", "")).strip():
        raise bad_request('can\'t parse inline keyboard button: field "text" must be non-empty')
    if "callback_data" in button:
        if not 1 <= len(str(button["callback_data"]).encode()) <= CALLBACK_LIMIT:
            raise bad_request("BUTTON_DATA_INVALID")
    elif "url" in button:
        if urlsplit(str(button["url"])).scheme not in ("http", "https", "tg"):
            raise bad_request("BUTTON_URL_INVALID")
    elif "copy_text" in button:
        copied = button["copy_text"]
        if not isinstance(copied, dict) or not 1 <= len(str(copied.get("text", ""))) <= 256:
            raise bad_request("BUTTON_COPY_TEXT_INVALID")
    elif not _SWITCHES & button.keys():
        raise bad_request("text buttons are unallowed in the inline keyboard")


def reply(params: Params, chat: ChatState) -> Json:
    """The ``reply_to_message`` of an answer."""
    wanted = params.structure("reply_parameters")
    if wanted is None:
        return {}
    question = chat.messages.get(int(wanted.get("message_id", 0)))
    if question is not None:
        # One level deep, as Telegram shows it.
        flat = {key: value for key, value in question.items() if key != "reply_to_message"}
        return {"reply_to_message": flat}
    if wanted.get("allow_sending_without_reply"):
        return {}
    raise bad_request("message to be replied not found")


def photo(world: World, params: Params, field: str, value: Any) -> list[Json]:
    """PhotoSizes of an uploaded picture, or of one sent before by its file id."""
    upload = uploaded(params, field, value)
    if upload is not None:
        return world.files.photo_of_bot(upload.data)
    return world.files.photo_again(str(value or ""))


def uploaded(params: Params, field: str, value: Any) -> Upload | None:
    """The upload in ``field``, or the one ``attach://NAME`` names; None for a file id."""
    if field in params.files:
        return params.files[field]
    if isinstance(value, str) and value.startswith("attach://"):
        name = value.removeprefix("attach://")
        if name not in params.files:
            raise bad_request("wrong file attached: there is no such part")
        return params.files[name]
    return None
