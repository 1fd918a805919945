"""Plain descriptors with an encoder's interface: the rows every learned encoder must beat.

Colour histograms (Swain and Ballard 1991, "Color indexing") and histograms of oriented gradients
(Dalal and Triggs 2005). They need no model file, so they also serve where none is at hand.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from app.errors import EncoderError
from app.vision.encoder import Pixels, Vectors, l2_normalise
from app.vision.manifest import ByManifest, ClassicManifest, Method

SIDE: Final = 128
"""Pictures are stretched to SIDE x SIDE: colours have no shape to distort, HOG has a fixed grid."""
BINS: Final = 8
CELL: Final = 16
ORIENTATIONS: Final = 9

U8 = npt.NDArray[np.uint8]
F32 = npt.NDArray[np.float32]


def _cv2() -> Any:
    try:
        import cv2
    except ImportError as error:
        raise EncoderError(
            "this descriptor needs OpenCV: pip install solemate[evaluate]"
        ) from error
    return cv2


def foreground(pixels: U8) -> npt.NDArray[np.bool_]:
    """Mask (H, W) of what the even border does not flood into; all true where that fails.

    ``pixels`` is (H, W, 3) uint8 RGB. Flood fill (fixed range, 10 levels) from border points whose
    colour is near the border's median: white studio backdrops with their soft shadows go, shoes
    stay. It fails on a backdrop that is not even, and where nothing or nearly all would be left.
    """
    cv2 = _cv2()
    height, width = pixels.shape[:2]
    flood = np.zeros((height + 2, width + 2), np.uint8)
    canvas = pixels.copy()
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]]).astype(np.int16)
    median = np.median(border, axis=0)
    flags = 4 | cv2.FLOODFILL_FIXED_RANGE | cv2.FLOODFILL_MASK_ONLY | (255 << 8)
    points = [(x, y) for x in np.linspace(0, width - 1, 9, dtype=int) for y in (0, height - 1)]
    points += [(x, y) for y in np.linspace(0, height - 1, 9, dtype=int) for x in (0, width - 1)]
    for x, y in points:
        near = np.abs(pixels[y, x].astype(np.int16) - median).max() <= 20
        if near and not flood[y + 1, x + 1]:
            point = (int(x), int(y))
            cv2.floodFill(canvas, flood, point, (0, 0, 0), (10,) * 3, (10,) * 3, flags)
    mask = flood[1:-1, 1:-1] == 0
    edge = np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]])
    sound = 0.02 < mask.mean() < 0.95 and edge.mean() < 0.5
    return mask if sound else np.ones_like(mask)


def _histogram(values: U8, mask: npt.NDArray[np.bool_] | None) -> F32:
    """Joint 8 x 8 x 8 histogram (512,) of a (H, W, 3) uint8 colour space; square root of shares.

    The square root makes cosine the Bhattacharyya coefficient of the two histograms.
    """
    cells = (values >> 5).astype(np.int64)
    index = (cells[..., 0] * BINS + cells[..., 1]) * BINS + cells[..., 2]
    chosen = index.ravel() if mask is None else index[mask]
    counts = np.bincount(chosen, minlength=BINS**3)
    return np.sqrt(counts / chosen.size).astype(np.float32)


def _hsv(pixels: U8) -> U8:
    return np.asarray(Image.fromarray(pixels).convert("HSV"))


def _lab(pixels: U8) -> U8:
    cv2 = _cv2()
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2LAB), np.uint8)


def _hog(pixels: U8) -> F32:
    """HOG (Dalal and Triggs 2005): 9 unsigned orientations, 16-pixel cells, 2 x 2 blocks, L2-Hys.

    Orientation votes are split linearly between neighbouring bins; cells are not blurred into
    each other. The gradient is that of the channel where it is largest.
    """
    values = np.sqrt(pixels.astype(np.float32) / 255)
    dx, dy = np.zeros_like(values), np.zeros_like(values)
    dx[:, 1:-1] = values[:, 2:] - values[:, :-2]
    dy[1:-1] = values[2:] - values[:-2]
    strength = np.hypot(dx, dy)
    channel = strength.argmax(axis=2)[..., None]
    size = np.take_along_axis(strength, channel, 2)[..., 0]
    across = np.take_along_axis(dx, channel, 2)[..., 0]
    down = np.take_along_axis(dy, channel, 2)[..., 0]
    position = (np.arctan2(down, across) % np.pi) / np.pi * ORIENTATIONS
    low = np.floor(position)
    share = position - low
    grid = SIDE // CELL
    cell = np.arange(SIDE) // CELL
    base = (cell[:, None] * grid + cell[None, :]) * ORIENTATIONS
    votes = np.zeros(grid * grid * ORIENTATIONS)
    for step, weight in ((0, size * (1 - share)), (1, size * share)):
        index = base + (low.astype(np.int64) + step) % ORIENTATIONS
        votes += np.bincount(index.ravel(), weights=weight.ravel(), minlength=votes.size)
    cells = votes.reshape(grid, grid, ORIENTATIONS)
    blocks = np.concatenate(
        [cells[:-1, :-1], cells[:-1, 1:], cells[1:, :-1], cells[1:, 1:]], axis=2
    ).reshape(-1, 4 * ORIENTATIONS)
    blocks = blocks / (np.linalg.norm(blocks, axis=1, keepdims=True) + 1e-3)
    blocks = np.minimum(blocks, 0.2)
    blocks = blocks / (np.linalg.norm(blocks, axis=1, keepdims=True) + 1e-3)
    # A picture without any edge has no gradients; a constant keeps its vector off zero.
    return np.append(blocks.ravel(), 1e-3).astype(np.float32)


def _histogram_of(space: Callable[[U8], U8], cut: bool) -> Callable[[U8], F32]:
    return lambda pixels: _histogram(space(pixels), foreground(pixels) if cut else None)


_BLOCKS: Final = (SIDE // CELL - 1) ** 2
_METHODS: Final[dict[Method, tuple[int, Callable[[U8], F32]]]] = {
    "hsv-histogram": (BINS**3, _histogram_of(_hsv, cut=False)),
    "hsv-histogram-foreground": (BINS**3, _histogram_of(_hsv, cut=True)),
    "lab-histogram": (BINS**3, _histogram_of(_lab, cut=False)),
    "lab-histogram-foreground": (BINS**3, _histogram_of(_lab, cut=True)),
    "hog": (_BLOCKS * 4 * ORIENTATIONS + 1, _hog),
}
NAMES: Final[tuple[Method, ...]] = tuple(_METHODS)
"""Names that the registry knows without a folder."""


@dataclass(frozen=True)
class ClassicEncoder(ByManifest[ClassicManifest]):
    """A descriptor as an encoder; see :class:`app.vision.encoder.ImageEncoder`."""

    manifest: ClassicManifest

    @classmethod
    def named(cls, method: Method) -> ClassicEncoder:
        """The descriptor under its own name; cv2 is only asked for when it encodes."""
        return cls(
            ClassicManifest(
                schema=1, kind="classic", name=method, revision="1", dim=_METHODS[method][0],
                licence="MIT", training_data="none", method=method, calibration=None,
            )
        )  # fmt: skip

    @property
    def has_catalogue(self) -> bool:
        """No: a descriptor has one vector for what asks and what is asked for."""
        return False

    def __post_init__(self) -> None:
        """Raises EncoderError when a manifest states another dimension than the method has."""
        dim = _METHODS[self.manifest.method][0]
        if self.manifest.dim != dim:
            raise EncoderError(
                f"encoder {self.name}: {self.manifest.method} has {dim} dimensions, "
                f"its manifest says {self.manifest.dim}"
            )

    def preprocess(self, image: Image.Image) -> Pixels:
        """The picture stretched to (SIDE, SIDE, 3) uint8 RGB."""
        resized = image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BOX)
        return np.asarray(resized)

    def encode_batch(self, pixels: Pixels) -> Vectors:
        """(n, SIDE, SIDE, 3) uint8 to (n, dim) float32, each row of L2 norm 1.

        Raises:
            EncoderError: wrong shape or dtype, or OpenCV is needed and absent.
        """
        if pixels.shape[1:] != (SIDE, SIDE, 3) or pixels.dtype != np.uint8:
            raise EncoderError(
                f"encoder {self.name} takes uint8 {(SIDE, SIDE, 3)}, "
                f"given {pixels.dtype} {pixels.shape[1:]}"
            )
        describe = _METHODS[self.manifest.method][1]
        out = np.empty((len(pixels), self.dim), np.float32)
        for row, picture in zip(out, pixels, strict=True):
            row[:] = describe(picture)
        return l2_normalise(out, self.name)

    def catalogue_batch(self, pixels: Pixels) -> Vectors:
        """The same as :meth:`encode_batch`."""
        return self.encode_batch(pixels)

    def encode(self, images: Sequence[Image.Image]) -> Vectors:
        """RGB pictures to (n, dim) float32, each row of L2 norm 1, in order."""
        if not images:
            return np.empty((0, self.dim), np.float32)
        return self.encode_batch(np.stack([self.preprocess(image) for image in images]))
