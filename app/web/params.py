"""A request's parameters, however they came: query string, form, multipart or JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from app.web.failure import bad_request


@dataclass(frozen=True, slots=True)
class Upload:
    """A file in a multipart body."""

    name: str
    data: bytes
    mime: str


class Params:
    """Typed access: in forms everything is text and structures are JSON inside it."""

    def __init__(self, values: Mapping[str, Any], files: Mapping[str, Upload]) -> None:
        self.values = dict(values)
        self.files = dict(files)

    @classmethod
    async def read(cls, request: web.Request) -> Params:
        """From the query string and the body."""
        values: dict[str, Any] = dict(request.query)
        files: dict[str, Upload] = {}
        if request.content_type == "application/json":
            try:
                body = await request.json()
            except ValueError as error:
                raise bad_request("can't parse JSON body") from error
            if isinstance(body, dict):
                values |= body
        elif request.content_type in ("application/x-www-form-urlencoded", "multipart/form-data"):
            for name, field in (await request.post()).items():
                if isinstance(field, web.FileField):
                    data = field.file.read()
                    files[name] = Upload(field.filename, data, field.content_type)
                else:
                    values[name] = field
        return cls(values, files)

    def text(self, name: str, default: str | None = None) -> str | None:
        """A text."""
        value = self.values.get(name)
        return default if value is None else str(value)

    def needed(self, name: str) -> str:
        """A text that must be there."""
        value = self.text(name)
        if not value:
            raise bad_request(f'parameter "{name}" is required')
        return value

    def integer(self, name: str, default: int | None = None) -> int | None:
        """A whole number."""
        value = self.values.get(name)
        if value is None or value == "":
            return default
        try:
            return int(value)
        except (TypeError, ValueError) as error:
            raise bad_request(f'parameter "{name}" must be an integer') from error

    def number(self, name: str, default: int) -> int:
        """A whole number with a default."""
        value = self.integer(name)
        return default if value is None else value

    def flag(self, name: str) -> bool:
        """A boolean, false when absent."""
        return str(self.values.get(name, "")).lower() in ("true", "1", "yes")

    def structure(self, name: str) -> Any:
        """A JSON value, None when absent."""
        value = self.values.get(name)
        if not isinstance(value, str):
            return value
        if not value:
            return None
        try:
            return json.loads(value)
        except ValueError as error:
            raise bad_request(f"can't parse {name} JSON object") from error
