"""What a generator is: it draws a design, or changes a picture to another design."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Final, Literal, Protocol, TypeAlias

from PIL import Image

from app.errors import ImageError, SolemateError
from app.sketch.design import Design
from app.vision.image import decode

FaultCode: TypeAlias = Literal[
    "unreachable",  # the server does not answer at all
    "server_error",  # it answers that it is broken, also after retries
    "too_slow",  # no picture within the time limit
    "busy",  # it has too much to do, or the queue is full
    "refused",  # the content was refused
    "broken_picture",  # what came is no picture
    "quota_server",  # the operator's own account is used up
    "quota_user",  # the user's share of today is used up
    "key",  # no key, or one that is not accepted
    "no_group",  # the packages are not installed
    "no_model",  # the model folder is missing or cannot be used
    "worker",  # the process that draws died
    "cancelled",  # the user said so
]


class GeneratorFault(SolemateError):
    """No picture was made. ``code`` has words for a user under ``dream.fault``; ``detail`` is for
    the operator's log and names no secret."""

    def __init__(self, code: FaultCode, detail: str = "") -> None:
        super().__init__(detail or code)
        self.code: FaultCode = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a picture is: ``place`` in line (1 is next) or step ``step`` of ``steps``."""

    place: int = 0
    step: int = 0
    steps: int = 0


class Watch:
    """Whom a picture is for and what they hear meanwhile; methods are called from any thread."""

    user_key: str = "local"

    def progress(self, progress: Progress) -> None:
        """Called when the place in line or the step has changed."""

    def cancelled(self) -> bool:
        """Asked now and then; True stops the work."""
        return False


QUIET: Final = Watch()


class Generator(Protocol):
    """Makes PNG pictures. Calls block and may come from several threads.

    Every method raises :class:`GeneratorFault` and nothing else for whatever went wrong outside.
    """

    @property
    def name(self) -> str:
        """What the setting calls it."""

    @property
    def takes_words(self) -> bool:
        """Whether words that no design field holds reach the picture."""

    def generate(self, design: Design, prompt: str, seed: int, watch: Watch = QUIET) -> bytes:
        """A picture of the design; ``prompt`` says the same, and more, in English words."""

    def edit(
        self, image: bytes, design: Design, prompt: str, seed: int, watch: Watch = QUIET
    ) -> bytes:
        """``image`` changed so that it shows the design."""

    def close(self) -> None:
        """Ends what runs for it."""


LONGEST_SIDE: Final = 1024
_MAX_BYTES: Final = 20_000_000
_MAX_PIXELS: Final = 24_000_000


def as_png(data: bytes) -> bytes:
    """Whatever picture a generator gave, as an RGB PNG of at most 1024 pixels a side.

    Raises:
        GeneratorFault: ``broken_picture``: it is no picture.
    """
    try:
        picture = decode(data, max_bytes=_MAX_BYTES, max_pixels=_MAX_PIXELS).image
    except ImageError as error:
        raise GeneratorFault("broken_picture", f"the generator's picture: {error}") from error
    rgb = picture.convert("RGB")
    rgb.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    return png(rgb)


def png(picture: Image.Image) -> bytes:
    """The picture's PNG bytes; the same pixels give the same bytes."""
    packed = io.BytesIO()
    picture.save(packed, "PNG", optimize=False, compress_level=6)
    return packed.getvalue()
