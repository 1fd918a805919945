"""Errors that carry words for a person.

The command line prints ``str(error)`` and ends with ``exit_code``; the bot translates ``code``.
Anything else that escapes is a defect and is logged with its trace.
"""

from __future__ import annotations


class SolemateError(Exception):
    """Something a user or operator can act on; ``str()`` is the message for them."""

    exit_code = 1


class BadInput(SolemateError):
    """What was given cannot be used: a file, an option, a page without an offer."""

    exit_code = 2


class ImageError(BadInput):
    """A picture that cannot be read.

    ``code`` is one of ``empty``, ``truncated``, ``not_an_image``, ``too_large`` (bytes or pixels),
    ``unsupported``, ``missing``.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class DatabaseUnavailable(SolemateError):
    """The server cannot be reached now; try later."""


class DatabaseUnsuitable(SolemateError):
    """The server is too old, lacks pgvector, or is not migrated; says what to do."""


class EncoderError(SolemateError):
    """A model folder that cannot be used: missing file, checksum, wrong canonical vector."""
