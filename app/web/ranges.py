"""Byte ranges of a file in memory."""

from __future__ import annotations

from aiohttp import web


def ranged(
    request: web.Request, data: bytes, content_type: str = "application/octet-stream"
) -> web.Response:
    """The file, or the part that the request's Range header asks for (RFC 9110, one range)."""
    headers = {"Accept-Ranges": "bytes"}
    try:
        wanted = request.http_range
    except ValueError:
        return _unsatisfiable(len(data))
    if wanted.start is None and wanted.stop is None:
        return web.Response(body=data, content_type=content_type, headers=headers)
    start, stop, _ = wanted.indices(len(data))
    if start >= stop:
        return _unsatisfiable(len(data))
    headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(data)}"
    return web.Response(
        body=data[start:stop], status=206, content_type=content_type, headers=headers
    )


def _unsatisfiable(length: int) -> web.Response:
    return web.Response(status=416, headers={"Content-Range": f"bytes */{length}"})
