"""The Bot API's methods that change or take away what was sent."""

from __future__ import annotations

from typing import Any, Final

from app.web import outgoing
from app.web.failure import bad_request
from app.web.params import Params
from app.web.sending import media
from app.web.world import ChatState, Json, World

_DELETE_LIMIT: Final = 100


def edit_message_text(world: World, params: Params) -> Json | bool:
    """editMessageText."""
    message, result = _editable(world, params)
    if "text" not in message:
        raise bad_request("there is no text in the message to edit")
    content = {**outgoing.message_text(params), **outgoing.markup(params)}
    old = ("text", "entities", "link_preview_options", "reply_markup")
    _edit(world, message, old, content)
    return result


def edit_message_caption(world: World, params: Params) -> Json | bool:
    """editMessageCaption."""
    message, result = _editable(world, params)
    if "text" in message:
        raise bad_request("there is no caption in the message to edit")
    text = outgoing.caption(
        params.text("caption"), params.text("parse_mode"), params.structure("caption_entities")
    )
    content = {**text, **outgoing.markup(params)}
    _edit(world, message, ("caption", "caption_entities", "reply_markup"), content)
    return result


def edit_message_media(world: World, params: Params) -> Json | bool:
    """editMessageMedia; a message of words cannot become a picture."""
    message, result = _editable(world, params)
    item = params.structure("media")
    if not isinstance(item, dict):
        raise bad_request("expected an InputMedia")
    if "text" in message:
        raise bad_request("there is no media in the message to edit")
    album = "media_group_id" in message
    if album and item.get("type") not in message:
        raise bad_request("message can't be edited: media types of an album can't be mixed")
    content = {**media(world, params, item), **outgoing.markup(params)}
    old = ("photo", "document", "caption", "caption_entities", "reply_markup")
    _edit(world, message, old, content)
    return result


def edit_message_reply_markup(world: World, params: Params) -> Json | bool:
    """editMessageReplyMarkup."""
    message, result = _editable(world, params)
    _edit(world, message, ("reply_markup",), outgoing.markup(params))
    return result


def delete_message(world: World, params: Params) -> bool:
    """deleteMessage."""
    chat = world.chat(params.needed("chat_id"))
    world.remove(chat, int(_find(chat, params, "delete")["message_id"]))
    return True


def delete_messages(world: World, params: Params) -> bool:
    """deleteMessages; those that are not there are passed over, as Telegram does."""
    chat = world.chat(params.needed("chat_id"))
    wanted = params.structure("message_ids")
    if not isinstance(wanted, list) or not 1 <= len(wanted) <= _DELETE_LIMIT:
        raise bad_request("message identifiers are not specified")
    for message_id in wanted:
        if message_id in chat.messages:
            world.remove(chat, message_id)
    return True


def _editable(world: World, params: Params) -> tuple[Json, Json | bool]:
    """The message and what the method answers: the message, or True for an inline one."""
    inline = params.text("inline_message_id")
    if inline is not None:
        if inline not in world.inline:
            raise bad_request("MESSAGE_ID_INVALID")
        return world.inline[inline][1], True
    message = _find(world.chat(params.needed("chat_id")), params, "edit")
    if message["from"]["id"] != world.bot["id"]:
        raise bad_request("message can't be edited")
    return message, message


def _edit(world: World, message: Json, fields: tuple[str, ...], content: Json) -> None:
    if {name: message[name] for name in fields if name in message} == content:
        raise bad_request(
            "message is not modified: specified new message content and reply markup are exactly"
            " the same as a current content and reply markup of the message"
        )
    for name in fields:
        message.pop(name, None)
    message.update(content)
    world.edited(message)


def _find(chat: ChatState, params: Params, purpose: str) -> Any:
    message = chat.messages.get(params.number("message_id", 0))
    if message is None:
        raise bad_request(f"message to {purpose} not found")
    return message
