"""HTTP bodies unpacked piece by piece, within a limit."""

from __future__ import annotations

import zlib


class TooLarge(Exception):
    """The body unpacks to more than is read."""


class Unpacker:
    """Unpacks a body piece by piece, never more than the limit."""

    def __init__(self, coding: str, limit: int) -> None:
        """``coding`` is the Content-Encoding; raises ``LookupError`` for one not asked for."""
        self._limit = limit
        self._parts: list[bytes] = []
        self._size = 0
        self._first = True
        self._coding = coding
        self._engine: zlib._Decompress | None = None
        if coding in ("gzip", "x-gzip", "deflate"):
            self._engine = zlib.decompressobj(wbits=47)  # gzip or zlib, by its header
        elif coding not in ("", "identity"):
            raise LookupError(coding)

    def feed(self, chunk: bytes) -> None:
        """Take a piece; raises :class:`TooLarge`, or ``zlib.error`` for damaged data."""
        if self._engine is None:
            self._add(chunk)
            return
        if self._first and self._coding == "deflate" and chunk[:1] and chunk[0] & 0x0F != 8:
            self._engine = zlib.decompressobj(wbits=-15)  # servers that leave the zlib header out
        self._first = False
        data = chunk
        while data and not self._engine.eof:
            self._add(self._engine.decompress(data, self._limit - self._size + 1))
            data = self._engine.unconsumed_tail

    def finish(self) -> bytes:
        """The whole body; raises ``EOFError`` when it breaks off."""
        if self._engine is not None and not self._first and not self._engine.eof:
            raise EOFError
        return b"".join(self._parts)

    def _add(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > self._limit:
            raise TooLarge
        self._parts.append(data)
