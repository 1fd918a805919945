"""Where are the shoes in a photograph: boxes from a heat map.

``models_dir/localiser`` holds localiser.json and the model: (n, S, S, 3) uint8 letterboxed on white
in, the probability (n, M, M) that a cell is shoe out. Boxes are the connected regions of the map.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
from PIL import Image
from pydantic import Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from app.errors import EncoderError
from app.settings import Settings
from app.vision.session import build_session

FOLDER: Final = "localiser"
MOST: Final = 5
F32 = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Box:
    """A region in pixels of the picture, right and bottom exclusive; ``score`` = mean probability
    of its cells."""

    left: int
    top: int
    right: int
    bottom: int
    score: float

    @property
    def area(self) -> int:
        """Pixels inside."""
        return (self.right - self.left) * (self.bottom - self.top)


@dataclass(frozen=True)
class Facts:
    """What the manifest says; ``minimum_area`` = share of the map's cells, ``margin`` = share of a
    box's sides added all around."""

    file: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    threshold: Annotated[float, Field(gt=0, lt=1)]
    minimum_area: Annotated[float, Field(ge=0, lt=1)]
    margin: Annotated[float, Field(ge=0, le=1)] = 0.06


_FACTS: Final = TypeAdapter(Facts)


class Localiser:
    """Finds shoes. Thread-safe."""

    def __init__(self, facts: Facts, session: ort.InferenceSession) -> None:
        """Use :func:`open_localiser`.

        Raises:
            EncoderError: the graph takes no square uint8 picture, or gives no ``mask``.
        """
        (node, *others) = session.get_inputs()
        shape = node.shape
        if others or node.type != "tensor(uint8)" or len(shape) != 4 or shape[1] != shape[2]:
            raise EncoderError("a localiser takes (n, S, S, 3) uint8 pictures and nothing else")
        if "mask" not in {out.name for out in session.get_outputs()}:
            raise EncoderError("a localiser gives an output named mask")
        self.facts = facts
        self._session = session
        self._input, self._size = node.name, int(shape[1])

    def heat(self, image: Image.Image) -> F32:
        """The probability map (M, M) of a picture letterboxed on white."""
        fitted, left, top = _fit(image, self._size)
        canvas = np.full((1, self._size, self._size, 3), 255, np.uint8)
        canvas[0, top : top + fitted.height, left : left + fitted.width] = np.asarray(fitted)
        (mask,) = self._session.run(["mask"], {self._input: canvas})
        return np.asarray(mask, np.float32).reshape(mask.shape[1], mask.shape[2])

    def find(self, image: Image.Image) -> list[Box]:
        """Shoes in an RGB picture, largest first, at most five; none is an answer."""
        heat = self.heat(image)
        cells = len(heat)
        least = self.facts.minimum_area * cells * cells
        fitted, left, top = _fit(image, self._size)
        scale = np.array([image.width / fitted.width, image.height / fitted.height] * 2)
        offset = np.array([left, top] * 2)
        whole = np.array([image.width, image.height] * 2)
        found = []
        for region in regions(heat >= self.facts.threshold):
            rows, columns = region
            if len(rows) < least:
                continue
            score = float(heat[rows, columns].mean())
            low, high = np.array([columns.min(), rows.min()]), np.array([columns.max(), rows.max()])
            pad = (high + 1 - low) * self.facts.margin
            edges = np.concatenate([low - pad, high + 1 + pad]) * self._size / cells
            edges = np.clip((edges - offset) * scale, 0, whole)
            corners = [int(v) for v in (*np.floor(edges[:2]), *np.ceil(edges[2:]))]
            if corners[0] < corners[2] and corners[1] < corners[3]:
                left_px, top_px, right_px, bottom_px = corners
                found.append((Box(left_px, top_px, right_px, bottom_px, score), len(rows)))
        return [box for box, _ in _merged(found)[:MOST]]


def regions(mask: npt.NDArray[np.bool_]) -> list[tuple[npt.NDArray[Any], npt.NDArray[Any]]]:
    """Connected regions (sides and corners touch) of a mask, each as (rows, columns)."""
    left = {(int(y), int(x)) for y, x in zip(*np.nonzero(mask), strict=True)}
    found = []
    while left:
        stack = [left.pop()]
        region = []
        while stack:
            y, x = stack.pop()
            region.append((y, x))
            for near in [(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]:
                if near in left:
                    left.remove(near)
                    stack.append(near)
        cells = np.array(region)
        found.append((cells[:, 0], cells[:, 1]))
    return found


def _merged(found: list[tuple[Box, int]]) -> list[tuple[Box, int]]:
    """Overlapping boxes as one around both; scores averaged by cells; largest first."""
    boxes = list(found)
    again = True
    while again:
        again = False
        for i in range(len(boxes)):
            for j in range(i + 1, len(boxes)):
                (a, n), (b, m) = boxes[i], boxes[j]
                apart = (
                    a.right <= b.left or b.right <= a.left or a.bottom <= b.top or b.bottom <= a.top
                )
                if not apart:
                    both = Box(
                        min(a.left, b.left), min(a.top, b.top), max(a.right, b.right),
                        max(a.bottom, b.bottom), (a.score * n + b.score * m) / (n + m),
                    )  # fmt: skip
                    boxes[i] = (both, n + m)
                    del boxes[j]
                    again = True
                    break
            if again:
                break
    return sorted(boxes, key=lambda pair: -pair[0].area)


def _fit(image: Image.Image, size: int) -> tuple[Image.Image, int, int]:
    scale = size / max(image.size)
    width, height = (max(1, round(side * scale)) for side in image.size)
    fitted = image.convert("RGB").resize((width, height), Image.Resampling.BILINEAR)
    return fitted, (size - width) // 2, (size - height) // 2


def open_localiser(settings: Settings) -> Localiser | None:
    """The localiser under ``models_dir``; None where there is none.

    Raises:
        EncoderError: its manifest or model cannot be used.
    """
    folder: Path = settings.models_dir / FOLDER
    path = folder / "localiser.json"  # a manifest.json would make it an encoder
    if not path.is_file():
        return None
    try:
        facts = _FACTS.validate_python(json.loads(path.read_text(encoding="utf-8")))
        data = (folder / facts.file).read_bytes()
    except (OSError, ValueError, ValidationError) as error:
        raise EncoderError(f"{path} cannot be used: {error}") from error
    if hashlib.sha256(data).hexdigest() != facts.sha256:
        raise EncoderError(f"{folder / facts.file} is not the file its manifest describes")
    try:
        session = build_session(data, 1)
    except Exception as error:  # onnxruntime's exceptions have no common base
        raise EncoderError(f"{folder / facts.file} cannot be run: {error}") from error
    return Localiser(facts, session)
