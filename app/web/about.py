"""The Bot API's methods about the bot itself, its menu, its chats and its files."""

from __future__ import annotations

import re
from typing import Any, Final

from app.web.failure import bad_request
from app.web.files import DOWNLOAD_LIMIT
from app.web.params import Params
from app.web.world import Json, World

_COMMAND: Final = re.compile(r"/?[a-z0-9_]{1,32}")
_COMMANDS_LIMIT: Final = 100
_TEXTS: Final = {"name": 64, "short_description": 120, "description": 512}


def get_me(world: World, _: Params) -> Json:
    """getMe."""
    return world.bot


def set_my_commands(world: World, params: Params) -> bool:
    """setMyCommands."""
    commands = params.structure("commands")
    if not isinstance(commands, list) or len(commands) > _COMMANDS_LIMIT:
        raise bad_request("can't parse commands")
    for command in commands:
        if not _COMMAND.fullmatch(str(command.get("command", ""))):
            raise bad_request("BOT_COMMAND_INVALID")
        if not 1 <= len(str(command.get("description", ""))) <= 256:
            raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
    world.commands[_commands_of(params)] = commands
    world.log.add("commands", {})
    return True


def delete_my_commands(world: World, params: Params) -> bool:
    """deleteMyCommands."""
    world.commands.pop(_commands_of(params), None)
    world.log.add("commands", {})
    return True


def get_my_commands(world: World, params: Params) -> list[Json]:
    """getMyCommands."""
    return world.commands.get(_commands_of(params), [])


def commands_for(world: World, language: str | None, *, group: bool = False) -> list[Json]:
    """The menu that a user's client shows: the most special scope and language that has one."""
    scopes = ("all_group_chats" if group else "all_private_chats", "default")
    for scope in scopes:
        for code in ((language or "").split("-")[0], ""):
            found = world.commands.get((str({"type": scope}), code))
            if found:
                return found
    return []


def _commands_of(params: Params) -> tuple[str, str]:
    scope = params.structure("scope") or {"type": "default"}
    return str(scope), params.text("language_code") or ""


class SetText:
    """setMyName, setMyDescription, setMyShortDescription."""

    def __init__(self, field: str) -> None:
        self._field = field

    def __call__(self, world: World, params: Params) -> bool:
        """Keeps the text for a language."""
        text = params.text(self._field) or ""
        if len(text) > _TEXTS[self._field]:
            raise bad_request(f"{self._field} is too long")
        world.about[self._field, params.text("language_code") or ""] = text
        return True


class GetText:
    """getMyName, getMyDescription, getMyShortDescription."""

    def __init__(self, field: str) -> None:
        self._field = field

    def __call__(self, world: World, params: Params) -> Json:
        """The text for a language, else the one for all."""
        language = params.text("language_code") or ""
        texts = world.about
        return {self._field: texts.get((self._field, language), texts.get((self._field, ""), ""))}


def get_chat(world: World, params: Params) -> Json:
    """getChat."""
    chat = world.chat(params.needed("chat_id"))
    return {**chat.json, "accent_color_id": 0, "max_reaction_count": 11}


def get_chat_member(world: World, params: Params) -> Json:
    """getChatMember: who has written in the chat, and the bot itself."""
    chat = world.chat(params.needed("chat_id"))
    user_id = params.number("user_id", 0)
    if user_id == world.bot["id"]:
        return {"user": world.bot, "status": "member"}
    for message in chat.messages.values():
        if message["from"]["id"] == user_id:
            return {"user": message["from"], "status": "member"}
    raise bad_request("user not found")


def get_file(world: World, params: Params) -> Json:
    """getFile."""
    file = world.files.get(params.needed("file_id"))
    if file.size > DOWNLOAD_LIMIT:
        raise bad_request("file is too big")
    return {**file.json, "file_path": file.path}


def yes(_: World, __: Params) -> Any:
    """logOut, close and what a local server has nothing to do for."""
    return True
