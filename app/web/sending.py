"""The Bot API's methods that put messages into a chat."""

from __future__ import annotations

import secrets
from pathlib import PurePath
from typing import Any, Final

from app.web import outgoing
from app.web.failure import bad_request
from app.web.params import Params
from app.web.world import ChatState, Json, World

_ACTIONS: Final = frozenset(
    f"{verb}_{what}"
    for verb in ("upload", "record")
    for what in ("photo", "video", "voice", "document", "video_note")
) | {"typing", "choose_sticker", "find_location"}
_ALBUM: Final = range(2, 11)


def send_message(world: World, params: Params) -> Json:
    """sendMessage."""
    chat = world.chat(params.needed("chat_id"))
    return _put(world, params, chat, outgoing.message_text(params))


def send_photo(world: World, params: Params) -> Json:
    """sendPhoto."""
    chat = world.chat(params.needed("chat_id"))
    sizes = outgoing.photo(world, params, "photo", params.text("photo"))
    return _put(world, params, chat, {"photo": sizes, **_caption(params)})


def send_document(world: World, params: Params) -> Json:
    """sendDocument."""
    chat = world.chat(params.needed("chat_id"))
    document = _document(world, params, "document", params.text("document"))
    return _put(world, params, chat, {"document": document, **_caption(params)})


def send_media_group(world: World, params: Params) -> list[Json]:
    """sendMediaGroup: all of it or, on any error, nothing."""
    chat = world.chat(params.needed("chat_id"))
    items = params.structure("media")
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise bad_request("expected an Array of InputMedia")
    if len(items) not in _ALBUM:
        raise bad_request(
            "too much messages to send as an album"
            if len(items) >= _ALBUM.stop
            else "an album holds 2 to 10 items"
        )
    if len({item.get("type") for item in items}) > 1:
        raise bad_request("this type of media can't be mixed with others in an album")
    contents = [media(world, params, item) for item in items]
    answer = outgoing.reply(params, chat)
    group = secrets.token_hex(8)
    return [
        world.message(chat, world.bot, media_group_id=group, **content, **answer)
        for content in contents
    ]


def forward_message(world: World, params: Params) -> Json:
    """forwardMessage."""
    chat = world.chat(params.needed("chat_id"))
    return world.message(chat, world.bot, **forwarded(_source(world, params, "forward")))


def copy_message(world: World, params: Params) -> Json:
    """copyMessage."""
    chat = world.chat(params.needed("chat_id"))
    content = _content(_source(world, params, "copy"))
    if params.text("caption") is not None and "text" not in content:
        content.pop("caption", None)
        content.pop("caption_entities", None)
        content |= _caption(params)
    return {"message_id": _put(world, params, chat, content)["message_id"]}


def forwarded(message: Json) -> Json:
    """The content of a message that forwards ``message``, with where it comes from."""
    origin = message.get("forward_origin") or {
        "type": "user",
        "sender_user": message["from"],
        "date": message["date"],
    }
    return {**_content(message), "forward_origin": origin}


def send_chat_action(world: World, params: Params) -> bool:
    """sendChatAction."""
    chat = world.chat(params.needed("chat_id"))
    action = params.needed("action")
    if action not in _ACTIONS:
        raise bad_request("wrong parameter action in request")
    world.act(chat, action)
    return True


def media(world: World, params: Params, item: Json) -> Json:
    """The content of a message that shows an InputMedia."""
    content = outgoing.caption(
        item.get("caption"), item.get("parse_mode"), item.get("caption_entities")
    )
    if item.get("type") == "photo":
        return {"photo": outgoing.photo(world, params, "", item.get("media")), **content}
    if item.get("type") == "document":
        return {"document": _document(world, params, "", item.get("media")), **content}
    raise bad_request(f"this server takes no media of type {item.get('type')}")


def _put(world: World, params: Params, chat: ChatState, content: Json) -> Json:
    extra = {**outgoing.reply(params, chat), **outgoing.markup(params)}
    return world.message(chat, world.bot, **content, **extra)


def _caption(params: Params) -> Json:
    return outgoing.caption(
        params.text("caption"), params.text("parse_mode"), params.structure("caption_entities")
    )


def _document(world: World, params: Params, field: str, value: Any) -> Json:
    upload = outgoing.uploaded(params, field, value)
    if upload is None:
        return world.files.document_again(str(value or ""))
    if not upload.data:
        raise bad_request("file must be non-empty")
    file = world.files.add(upload.data, "documents", PurePath(upload.name).suffix)
    return world.files.keep_document(
        {**file.json, "file_name": upload.name, "mime_type": upload.mime}
    )


def _source(world: World, params: Params, purpose: str) -> Json:
    chat = world.chat(params.needed("from_chat_id"))
    message = chat.messages.get(params.number("message_id", 0))
    if message is None:
        raise bad_request(f"message to {purpose} not found")
    return message


def _content(message: Json) -> Json:
    kept = (
        "text", "entities", "link_preview_options", "photo", "document", "animation", "caption",
        "caption_entities",
    )  # fmt: skip
    return {name: message[name] for name in kept if name in message}
