"""Inline queries: asked by a user in any chat, answered by the bot, one result posted."""

from __future__ import annotations

import secrets
import time
from typing import Any, Final

from app.web import outgoing
from app.web.failure import bad_request
from app.web.params import Params
from app.web.world import ChatState, InlineQuestion, Json, World

_QUERY_LIFE_S: Final = 30.0
_QUERY_CHARS: Final = 256
_RESULTS_LIMIT: Final = 50
_ID_LIMIT: Final = 64
_KEPT: Final = 1000


def ask(world: World, user: Json, chat: ChatState, query: str, offset: str = "") -> InlineQuestion:
    """Queues an inline query, typed in ``chat``."""
    while len(world.questions) >= _KEPT:
        world.questions.pop(next(iter(world.questions)))
    question = InlineQuestion(str(secrets.randbits(63)), user, query[:_QUERY_CHARS], offset)
    world.questions[question.query_id] = question
    private = chat.json["type"] == "private"
    world.push(
        "inline_query",
        {
            "id": question.query_id,
            "from": user,
            "query": question.query,
            "offset": offset,
            "chat_type": "sender" if private else chat.json["type"],
        },
    )
    return question


def answer_inline_query(world: World, params: Params) -> bool:
    """answerInlineQuery. Every query is asked anew: ``cache_time`` is read and not used."""
    question = world.questions.get(params.text("inline_query_id") or "")
    if question is None or time.monotonic() - question.at > _QUERY_LIFE_S:
        raise bad_request("query is too old and response timeout expired or query ID is invalid")
    results = params.structure("results")
    if not isinstance(results, list) or not all(isinstance(one, dict) for one in results):
        raise bad_request("can't parse inline query results: expected an Array")
    if len(results) > _RESULTS_LIMIT:
        raise bad_request("RESULTS_TOO_MUCH")
    params.number("cache_time", 300)
    offset = params.text("next_offset") or ""
    if len(offset.encode()) > _ID_LIMIT:
        raise bad_request("NEXT_OFFSET_INVALID")
    ready: dict[str, Json] = {}
    for result in results:
        name = str(result.get("id", ""))
        if not 1 <= len(name.encode()) <= _ID_LIMIT:
            raise bad_request("RESULT_ID_INVALID")
        if name in ready:
            raise bad_request("RESULT_ID_DUPLICATE")
        ready[name] = _message_of(world, result)
    question.results, question.ready, question.next_offset = results, ready, offset
    question.button = params.structure("button")
    return True


def _message_of(world: World, result: Json) -> Json:
    """What a result becomes when it is chosen."""
    keyboard = outgoing.markup(Params(result, {}))
    words = result.get("input_message_content")
    kind = result.get("type")
    if kind == "article" and not str(result.get("title", "")).strip():
        raise bad_request("can't parse inline query result: title is required")
    if words is not None:
        if not isinstance(words, dict) or "message_text" not in words:
            raise bad_request("can't parse inline query result: message content is not supported")
        text = Params({**words, "text": words["message_text"]}, {})
        return {**outgoing.message_text(text), **keyboard}
    if kind == "photo":
        caption = outgoing.caption(
            result.get("caption"), result.get("parse_mode"), result.get("caption_entities")
        )
        if "photo_file_id" in result:
            photo = world.files.photo_again(str(result["photo_file_id"]))
            return {"photo": photo, **caption, **keyboard}
        if result.get("photo_url") and result.get("thumbnail_url"):
            return {"photo_url": result["photo_url"], **caption, **keyboard}
        raise bad_request("PHOTO_CONTENT_URL_EMPTY")
    if kind == "article":
        raise bad_request("MESSAGE_EMPTY")
    raise bad_request(f"this server takes no inline results of type {kind}")


def choose(
    world: World, question: InlineQuestion, result_id: str, chat: ChatState, photo: Any = None
) -> Json:
    """Posts a result as the user's message "via" the bot and reports the choice.

    ``photo``: the PhotoSizes of a result that named its picture by URL.

    Raises:
        ApiFailure: 400, the bot offered no such result.
    """
    if result_id not in question.ready:
        raise bad_request("RESULT_ID_INVALID")
    content = {**question.ready[result_id], "via_bot": world.bot}
    if content.pop("photo_url", None) is not None:
        content["photo"] = photo
    report: Json = {"result_id": result_id, "from": question.user, "query": question.query}
    if "reply_markup" in content:
        content["inline_message_id"] = report["inline_message_id"] = secrets.token_urlsafe(18)
    message = world.message(chat, question.user, **content)
    if "inline_message_id" in message:
        world.inline[message["inline_message_id"]] = (chat, message)
    world.push("chosen_inline_result", report)
    if not chat.between_people:
        hidden = {key: value for key, value in message.items() if key != "inline_message_id"}
        world.push("message", hidden)
    return message
