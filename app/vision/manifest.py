"""manifest.json: what an encoder is, and exactly how a picture becomes its input.

The file lies beside the model, so that serving needs no code per model. Unknown keys are ignored (a
training recipe may keep notes there); every known key must be present and right.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Final, Generic, Literal, TypeVar

import numpy as np
from PIL import Image
from pydantic import Field, TypeAdapter, ValidationError, model_validator
from pydantic.dataclasses import dataclass

from app.errors import EncoderError

FILE: Final = "manifest.json"
Positive = Annotated[int, Field(ge=1, le=65536)]
Channel = Annotated[int, Field(ge=0, le=255)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Text = Annotated[str, Field(min_length=1)]
Span = tuple[Annotated[int, Field(ge=0)], Positive]
Triple = tuple[float, float, float]
Thresholds = tuple[float | None, float | None]
Method = Literal[
    "hsv-histogram", "hsv-histogram-foreground", "lab-histogram", "lab-histogram-foreground", "hog"
]


@dataclass(frozen=True)
class Input:
    """The model's input tensor and how a picture is fitted into it.

    ``resize``: ``letterbox`` scales to fit and centres on ``fill``; ``stretch`` ignores the aspect
    ratio; ``crop`` scales the shorter side to ``short_side`` (default: the larger of height and
    width) and cuts the centre. Pillow's filters always antialias, so ``antialias`` is true.
    Pixels become ``(value * scale - mean) / std``; each absent factor is left out.
    """

    name: Text
    layout: Literal["NHWC", "NCHW"]
    dtype: Literal["uint8", "float32"]
    height: Positive
    width: Positive
    resize: Literal["letterbox", "stretch", "crop"]
    interpolation: Literal["bilinear", "bicubic", "box", "lanczos"]
    antialias: Literal[True]
    fill: tuple[Channel, Channel, Channel]
    scale: float | None
    mean: Triple | None
    std: Triple | None
    short_side: Positive | None = None

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of one picture as the model takes it."""
        if self.layout == "NHWC":
            return self.height, self.width, 3
        return 3, self.height, self.width

    @model_validator(mode="after")
    def _check(self) -> Input:
        if self.dtype == "uint8" and (self.scale, self.mean, self.std) != (None, None, None):
            raise ValueError("a uint8 input takes no scale, mean or std")
        if self.std is not None and 0 in self.std:
            raise ValueError("std holds a zero")
        if self.short_side is not None and self.short_side < max(self.height, self.width):
            raise ValueError("short_side is smaller than the picture it must cover")
        return self


@dataclass(frozen=True)
class Output:
    """The output tensor, (n, dim); ``normalise``: the graph leaves L2 normalisation to us."""

    name: Text
    normalise: bool


@dataclass(frozen=True)
class Louder:
    """A half-open range of the vector, and what it is multiplied by where a kept vector asks."""

    span: Span
    factor: Annotated[float, Field(ge=0)]


@dataclass(frozen=True)
class Parts:
    """Half-open ranges of the vector that describe shape and colour.

    ``asks``: an encoder may weigh what is kept otherwise than what asks; these make of a kept
    vector one that asks for the very shoe, as a shop's picture of it would.
    """

    shape: Span
    colour: Span
    asks: tuple[Louder, ...] = ()

    @model_validator(mode="after")
    def _check(self) -> Parts:
        if any(begin >= end for begin, end in (self.shape, self.colour)):
            raise ValueError("a part is empty")
        if any(one.span[0] >= one.span[1] for one in self.asks):
            raise ValueError("a range that asks is empty")
        return self


@dataclass(frozen=True)
class Calibration:
    """Cosine from which a pair counts as the same shoe, and as similar; ``how`` it was found."""

    same: Annotated[float, Field(ge=-1, le=1)]
    similar: Annotated[float, Field(ge=-1, le=1)]
    how: Text


@dataclass(frozen=True)
class Canonical:
    """The vector (L2-normalised) of a fixed picture: proof that this machine computes the same.

    ``tolerance`` bounds the largest difference of one component.
    """

    image: Literal["gradient-v1"]
    vector: tuple[float, ...]
    tolerance: Annotated[float, Field(ge=0, le=0.1)]


def thresholds_of(calibration: Calibration | None) -> Thresholds:
    """A calibration's (same, similar)."""
    return (calibration.same, calibration.similar) if calibration else (None, None)


@dataclass(frozen=True)
class _Described:
    schema: Literal[1]
    name: Name
    revision: Text
    dim: Annotated[int, Field(ge=2, le=4000)]  # halfvec indexes hold at most 4,000 dimensions
    licence: Text
    training_data: Text


@dataclass(frozen=True)
class OnnxManifest(_Described):
    """An encoder with an ONNX file, whose hex digest is ``sha256``."""

    kind: Literal["onnx"]
    file: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    sha256: Sha256
    input: Input
    output: Output
    parts: Parts | None
    calibration: Calibration | None
    canonical: Canonical

    @property
    def thresholds(self) -> Thresholds:
        """(same, similar) cosines; None each where the encoder is not calibrated."""
        return thresholds_of(self.calibration)

    @model_validator(mode="after")
    def _check(self) -> OnnxManifest:
        if len(self.canonical.vector) != self.dim:
            raise ValueError(f"canonical.vector has {len(self.canonical.vector)} values")
        if self.parts and max(self.parts.shape[1], self.parts.colour[1]) > self.dim:
            raise ValueError("parts reach beyond dim")
        return self


@dataclass(frozen=True)
class ClassicManifest(_Described):
    """A descriptor computed without a model; ``method`` names it in ``app.vision.classic``."""

    kind: Literal["classic"]
    method: Method
    calibration: Calibration | None
    parts: None = None

    @property
    def thresholds(self) -> Thresholds:
        """(same, similar) cosines; None each where the encoder is not calibrated."""
        return thresholds_of(self.calibration)

    @property
    def sha256(self) -> str:
        """Digest of the description: the identity that a model file's digest is elsewhere."""
        text = json.dumps([self.method, self.revision, self.dim])
        return hashlib.sha256(text.encode()).hexdigest()


Manifest = OnnxManifest | ClassicManifest
M = TypeVar("M", bound=Manifest)


class ByManifest(Generic[M]):
    """What an encoder says of itself: its manifest's words."""

    manifest: M

    @property
    def name(self) -> str:
        """The manifest's name."""
        return self.manifest.name

    @property
    def revision(self) -> str:
        """The manifest's revision."""
        return self.manifest.revision

    @property
    def dim(self) -> int:
        """Length of the vectors."""
        return self.manifest.dim

    @property
    def sha256(self) -> str:
        """Hex digest of the model file; of the description, where there is no file."""
        return self.manifest.sha256

    @property
    def thresholds(self) -> Thresholds:
        """The manifest's calibration."""
        return self.manifest.thresholds


_ADAPTER: Final[TypeAdapter[Manifest]] = TypeAdapter(
    Annotated[Manifest, Field(discriminator="kind")]
)


def parse_manifest(data: Any, where: str = FILE) -> Manifest:
    """Validate the decoded JSON; ``where`` names it in errors.

    Raises:
        EncoderError: with one line for each fault.
    """
    try:
        return _ADAPTER.validate_python(data)
    except ValidationError as error:
        lines = [
            f"{'.'.join(str(part) for part in fault['loc'] if part not in ('onnx', 'classic'))}: "
            f"{fault['msg']}".removeprefix(": ")
            for fault in error.errors()
        ]
        raise EncoderError(f"{where}: " + "; ".join(lines)) from error


def read_manifest(folder: Path) -> Manifest:
    """The manifest of an encoder's folder.

    Raises:
        EncoderError: there is none, it is not JSON, or it does not hold what it must.
    """
    path = folder / FILE
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise EncoderError(f"{folder} is not an encoder: it holds no {FILE}") from error
    except (OSError, ValueError) as error:
        raise EncoderError(f"{path} cannot be read: {error}") from error
    return parse_manifest(data, str(path))


def write_manifest(manifest: Manifest, folder: Path) -> Path:
    """Write manifest.json into the folder; returns its path."""
    path = folder / FILE
    path.write_text(json.dumps(asdict(manifest), indent=1) + "\n", encoding="utf-8")
    return path


def canonical_image() -> Image.Image:
    """The picture "gradient-v1": colour ramps of 320 x 240 pixels with a red bar."""
    y, x = np.mgrid[0:240, 0:320]
    pixels = np.stack([x * 255 // 319, y * 255 // 239, (x + y) * 255 // 558], axis=-1)
    pixels[90:150, 60:260] = (200, 30, 40)
    return Image.fromarray(pixels.astype(np.uint8))
