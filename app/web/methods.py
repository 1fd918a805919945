"""The Bot API's methods, as far as the bot and its tests need them."""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable
from pathlib import PurePath
from typing import Any, Final

from app.web import outgoing
from app.web.failure import ApiFailure, bad_request
from app.web.files import DOWNLOAD_LIMIT
from app.web.params import Params
from app.web.world import ChatState, Json, Webhook, World

Method = Callable[[World, Params], Awaitable[Any] | Any]

_ACTIONS: Final = frozenset(
    f"{verb}_{what}"
    for verb in ("upload", "record")
    for what in ("photo", "video", "voice", "document", "video_note")
) | {"typing", "choose_sticker", "find_location"}
_COMMAND: Final = re.compile(r"/?[a-z0-9_]{1,32}")
_ALBUM: Final = range(2, 11)
_ANSWER_LIMIT: Final = 200


def get_me(world: World, _: Params) -> Json:
    """getMe."""
    return world.bot


def send_message(world: World, params: Params) -> Json:
    """sendMessage."""
    chat = world.chat(params.needed("chat_id"))
    content = outgoing.message_text(params)
    extra = {**outgoing.reply(params, chat), **outgoing.markup(params)}
    return world.message(chat, world.bot, **content, **extra)


def send_photo(world: World, params: Params) -> Json:
    """sendPhoto."""
    chat = world.chat(params.needed("chat_id"))
    sizes = outgoing.photo(world, params, "photo", params.text("photo"))
    content = outgoing.caption(params.text("caption"), params.text("parse_mode"))
    extra = {**outgoing.reply(params, chat), **outgoing.markup(params)}
    return world.message(chat, world.bot, photo=sizes, **content, **extra)


def send_document(world: World, params: Params) -> Json:
    """sendDocument."""
    chat = world.chat(params.needed("chat_id"))
    document = _document(world, params, "document", params.text("document"))
    content = outgoing.caption(params.text("caption"), params.text("parse_mode"))
    extra = {**outgoing.reply(params, chat), **outgoing.markup(params)}
    return world.message(chat, world.bot, document=document, **content, **extra)


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
    contents = [_media(world, params, item) for item in items]
    answer = outgoing.reply(params, chat)
    group = secrets.token_hex(8)
    return [
        world.message(chat, world.bot, media_group_id=group, **content, **answer)
        for content in contents
    ]


def _media(world: World, params: Params, item: Json) -> Json:
    content = outgoing.caption(item.get("caption"), item.get("parse_mode"))
    if item.get("type") == "photo":
        return {"photo": outgoing.photo(world, params, "", item.get("media")), **content}
    if item.get("type") == "document":
        return {"document": _document(world, params, "", item.get("media")), **content}
    raise bad_request(f"this server takes no media of type {item.get('type')}")


def _document(world: World, params: Params, field: str, value: Any) -> Json:
    upload = outgoing.uploaded(params, field, value)
    if upload is None:
        return {**world.files.get(str(value or "")).json}
    if not upload.data:
        raise bad_request("file must be non-empty")
    file = world.files.add(upload.data, "documents", PurePath(upload.name).suffix)
    return {**file.json, "file_name": upload.name, "mime_type": upload.mime}


def send_chat_action(world: World, params: Params) -> bool:
    """sendChatAction."""
    chat = world.chat(params.needed("chat_id"))
    action = params.needed("action")
    if action not in _ACTIONS:
        raise bad_request("wrong parameter action in request")
    chat.action = action
    return True


def edit_message_text(world: World, params: Params) -> Json:
    """editMessageText."""
    message = _editable(world, params)
    if "text" not in message:
        raise bad_request("there is no text in the message to edit")
    return _edit(
        message, ("text", "entities", "reply_markup"),
        {**outgoing.message_text(params), **outgoing.markup(params)},
    )  # fmt: skip


def edit_message_caption(world: World, params: Params) -> Json:
    """editMessageCaption."""
    message = _editable(world, params)
    if "text" in message:
        raise bad_request("there is no caption in the message to edit")
    content = outgoing.caption(params.text("caption"), params.text("parse_mode"))
    return _edit(
        message,
        ("caption", "caption_entities", "reply_markup"),
        {**content, **outgoing.markup(params)},
    )


def edit_message_media(world: World, params: Params) -> Json:
    """editMessageMedia."""
    message = _editable(world, params)
    item = params.structure("media")
    if not isinstance(item, dict):
        raise bad_request("expected an InputMedia")
    content = {**_media(world, params, item), **outgoing.markup(params)}
    old = ("photo", "document", "caption", "caption_entities", "reply_markup")
    return _edit(message, old, content)


def edit_message_reply_markup(world: World, params: Params) -> Json:
    """editMessageReplyMarkup."""
    return _edit(_editable(world, params), ("reply_markup",), outgoing.markup(params))


def _editable(world: World, params: Params) -> Json:
    message = _find(world.chat(params.needed("chat_id")), params, "edit")
    if message["from"]["id"] != world.bot["id"]:
        raise bad_request("message can't be edited")
    return message


def _edit(message: Json, fields: tuple[str, ...], content: Json) -> Json:
    if {name: message[name] for name in fields if name in message} == content:
        raise bad_request(
            "message is not modified: specified new message content and reply markup are exactly"
            " the same as a current content and reply markup of the message"
        )
    for name in fields:
        message.pop(name, None)
    message.update(content, edit_date=message["date"])
    return message


def delete_message(world: World, params: Params) -> bool:
    """deleteMessage."""
    chat = world.chat(params.needed("chat_id"))
    message = _find(chat, params, "delete")
    del chat.messages[message["message_id"]]
    return True


def _find(chat: ChatState, params: Params, purpose: str) -> Json:
    message = chat.messages.get(params.number("message_id", 0))
    if message is None:
        raise bad_request(f"message to {purpose} not found")
    return message


def answer_callback_query(world: World, params: Params) -> bool:
    """answerCallbackQuery."""
    press = world.pressed(params.text("callback_query_id"))
    text = params.text("text")
    if text is not None and len(text) > _ANSWER_LIMIT:
        raise bad_request("MESSAGE_TOO_LONG")
    press.answered, press.text, press.alert = True, text, params.flag("show_alert")
    return True


def set_my_commands(world: World, params: Params) -> bool:
    """setMyCommands."""
    commands = params.structure("commands")
    if not isinstance(commands, list) or len(commands) > 100:
        raise bad_request("can't parse commands")
    for command in commands:
        if not _COMMAND.fullmatch(str(command.get("command", ""))):
            raise bad_request("BOT_COMMAND_INVALID")
        if not 1 <= len(str(command.get("description", ""))) <= 256:
            raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
    world.commands[_commands_of(params)] = commands
    return True


def get_my_commands(world: World, params: Params) -> list[Json]:
    """getMyCommands."""
    return world.commands.get(_commands_of(params), [])


def _commands_of(params: Params) -> tuple[str, str]:
    scope = params.structure("scope") or {"type": "default"}
    return str(scope), params.text("language_code") or ""


def get_file(world: World, params: Params) -> Json:
    """getFile."""
    file = world.files.get(params.needed("file_id"))
    if file.size > DOWNLOAD_LIMIT:
        raise bad_request("file is too big")
    return {**file.json, "file_path": file.path}


def set_webhook(world: World, params: Params) -> bool:
    """setWebhook."""
    url = params.text("url")
    if url and not url.startswith(("https://", "http://127.0.0.1", "http://localhost")):
        raise bad_request("bad webhook: An HTTPS URL must be provided for webhook")
    world.webhook = Webhook(url, params.text("secret_token")) if url else None
    allow(world, params)
    if params.flag("drop_pending_updates"):
        world.updates.clear()
    return True


def delete_webhook(world: World, params: Params) -> bool:
    """deleteWebhook."""
    world.webhook = None
    if params.flag("drop_pending_updates"):
        world.updates.clear()
    return True


def get_webhook_info(world: World, _: Params) -> Json:
    """getWebhookInfo."""
    return {
        "url": world.webhook.url if world.webhook else "",
        "has_custom_certificate": False,
        "pending_update_count": len(world.updates),
    }


def allow(world: World, params: Params) -> None:
    """Keeps which kinds of update the bot wants from now on."""
    wanted = params.structure("allowed_updates")
    if wanted is not None:
        world.allowed = frozenset(wanted) or None


class Polling:
    """getUpdates: one poll at a time, a newer one ends the older."""

    def __init__(self) -> None:
        self._current: object = None

    async def __call__(self, world: World, params: Params) -> list[Json]:
        """getUpdates."""
        if world.webhook is not None:
            raise ApiFailure(
                409, "Conflict: can't use getUpdates method while webhook is active;"
                " use deleteWebhook to delete the webhook first"
            )  # fmt: skip
        mine = self._current = object()
        await world.changed()
        allow(world, params)
        _confirm(world, params.number("offset", 0))
        await world.until(
            lambda: world.updates or self._current is not mine,
            min(params.number("timeout", 0), 50),
        )
        if self._current is not mine:
            raise ApiFailure(
                409, "Conflict: terminated by other getUpdates request; make sure that only one"
                " bot instance is running"
            )  # fmt: skip
        return list(world.updates)[: min(max(params.number("limit", 100), 1), 100)]


def _confirm(world: World, offset: int) -> None:
    if offset < 0:
        while len(world.updates) > -offset:
            world.updates.popleft()
    elif offset:
        while world.updates and world.updates[0]["update_id"] < offset:
            world.updates.popleft()


def all_methods() -> dict[str, Method]:
    """The methods by lower-case name, as Telegram matches them."""
    methods: dict[str, Method] = {
        "getMe": get_me,
        "getUpdates": Polling(),
        "setWebhook": set_webhook,
        "deleteWebhook": delete_webhook,
        "getWebhookInfo": get_webhook_info,
        "sendMessage": send_message,
        "sendPhoto": send_photo,
        "sendDocument": send_document,
        "sendMediaGroup": send_media_group,
        "sendChatAction": send_chat_action,
        "editMessageText": edit_message_text,
        "editMessageCaption": edit_message_caption,
        "editMessageMedia": edit_message_media,
        "editMessageReplyMarkup": edit_message_reply_markup,
        "deleteMessage": delete_message,
        "answerCallbackQuery": answer_callback_query,
        "setMyCommands": set_my_commands,
        "getMyCommands": get_my_commands,
        "getFile": get_file,
    }
    return {name.lower(): method for name, method in methods.items()}
