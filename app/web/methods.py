"""The Bot API's methods by name, as far as bots like ours need them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from app.web import about, arrival, editing, inline, sending
from app.web.failure import bad_request
from app.web.params import Params
from app.web.world import World

Method = Callable[[World, Params], Awaitable[Any] | Any]

_ANSWER_LIMIT: Final = 200


def answer_callback_query(world: World, params: Params) -> bool:
    """answerCallbackQuery."""
    press = world.pressed(params.text("callback_query_id"))
    text = params.text("text")
    if text is not None and len(text) > _ANSWER_LIMIT:
        raise bad_request("MESSAGE_TOO_LONG")
    world.answer(press, text, alert=params.flag("show_alert"), url=params.text("url"))
    return True


def all_methods() -> dict[str, Method]:
    """The methods by lower-case name, as Telegram matches them."""
    methods: dict[str, Method] = {
        "getMe": about.get_me,
        "logOut": about.yes,
        "close": about.yes,
        "getUpdates": arrival.Polling(),
        "setWebhook": arrival.set_webhook,
        "deleteWebhook": arrival.delete_webhook,
        "getWebhookInfo": arrival.get_webhook_info,
        "sendMessage": sending.send_message,
        "sendPhoto": sending.send_photo,
        "sendDocument": sending.send_document,
        "sendMediaGroup": sending.send_media_group,
        "forwardMessage": sending.forward_message,
        "copyMessage": sending.copy_message,
        "sendChatAction": sending.send_chat_action,
        "editMessageText": editing.edit_message_text,
        "editMessageCaption": editing.edit_message_caption,
        "editMessageMedia": editing.edit_message_media,
        "editMessageReplyMarkup": editing.edit_message_reply_markup,
        "deleteMessage": editing.delete_message,
        "deleteMessages": editing.delete_messages,
        "answerCallbackQuery": answer_callback_query,
        "answerInlineQuery": inline.answer_inline_query,
        "setMyCommands": about.set_my_commands,
        "deleteMyCommands": about.delete_my_commands,
        "getMyCommands": about.get_my_commands,
        "getChat": about.get_chat,
        "getChatMember": about.get_chat_member,
        "getFile": about.get_file,
    }
    for field, name in (
        ("name", "MyName"),
        ("description", "MyDescription"),
        ("short_description", "MyShortDescription"),
    ):
        methods[f"set{name}"] = about.SetText(field)
        methods[f"get{name}"] = about.GetText(field)
    return {name.lower(): method for name, method in methods.items()}
