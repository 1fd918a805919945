"""Keeps the bot token out of every log line.

The token is part of each request's URL, so it turns up in httpx's lines, in connection errors and
in tracebacks. Records are cleaned where they are made, so no handler, formatter or third-party
exporter ever sees it, whichever logger the line comes from.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

MASK = "<bot token>"
_SECRETS: list[str] = []


def clean(text: str) -> str:
    """``text`` without any token that is being masked."""
    for secret in _SECRETS:
        text = text.replace(secret, MASK)
    return text


def quiet_libraries() -> None:
    """Silences what httpx says of every request: a line a poll, of no use to an operator."""
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)


def redact_token(token: str) -> Callable[[], None]:
    """Masks ``token`` and its secret half in all log records from now on; returns the undo."""
    before = logging.getLogRecordFactory()
    # The half after the colon alone is enough to guess the rest from the bot's public id.
    secrets = [part for part in (token, token.partition(":")[2]) if len(part) >= 8]
    _SECRETS.extend(secrets)

    def factory(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = before(*args, **kwargs)
        message = _message(record)
        cleaned = clean(message)
        if cleaned != message:
            record.msg, record.args = cleaned, ()
        if record.exc_info and record.exc_info[0] is not None:
            # Formatters reuse exc_text when it is there instead of formatting exc_info again.
            trace = logging.Formatter().formatException(record.exc_info)
            cleaned_trace = clean(trace)
            if cleaned_trace != trace:
                record.exc_text = cleaned_trace
        return record

    logging.setLogRecordFactory(factory)

    def undo() -> None:
        logging.setLogRecordFactory(before)
        for secret in secrets:
            _SECRETS.remove(secret)

    return undo


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError, KeyError):
        # Arguments that do not fit the format are for logging itself to report.
        return f"{record.msg} {record.args!r}"
