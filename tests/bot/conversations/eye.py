"""A fixed eye for scripted conversations: what it sees of the drawn catalogue never changes.

The bot, the search and the database of these conversations are the real ones. The encoder alone is
this one, a silhouette and a colour histogram, because transcripts must not change whenever a better
encoder is shipped; the shipped one speaks in ``tests/bot/test_end_to_end.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace

import numpy as np
from PIL import Image

from app.domain import Attributes
from app.vision.colours import parse_colours
from app.vision.localise import Box, regions
from app.vision.manifest import Parts
from app.words import vocabulary

SHAPE, COLOUR = 192, 64
_GRID = (16, 12)
_KNOWN = 0.93
_SHOE = 0.80
# One of the 4 x 4 x 4 cells of RGB for each basic colour.
_CELLS = {
    "black": (0, 0, 0), "white": (3, 3, 3), "grey": (2, 2, 2), "red": (3, 0, 0),
    "orange": (3, 2, 0), "yellow": (3, 3, 0), "green": (0, 2, 0), "blue": (0, 1, 3),
    "purple": (2, 1, 3), "pink": (3, 1, 2), "brown": (1, 1, 0), "beige": (3, 3, 2),
}  # fmt: skip


def _mask(image: Image.Image, size: tuple[int, int]) -> np.ndarray:
    small = np.asarray(image.convert("RGB").resize(size, Image.Resampling.BOX), np.int16)
    return (small.min(axis=2) < 235) | (small.max(axis=2) - small.min(axis=2) > 20)


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / max(float(np.linalg.norm(vector)), 1e-6)


class Eye:
    """Pictures to vectors: half of the weight is the silhouette's, half the colours'."""

    name = "conversation-eye"
    revision = "1"
    dim = SHAPE + COLOUR
    sha256 = "e1" * 32
    thresholds = (0.975, 0.8)
    has_catalogue = False
    manifest = SimpleNamespace(parts=Parts((0, SHAPE), (SHAPE, SHAPE + COLOUR)))

    def encode(self, images: Sequence[Image.Image]) -> np.ndarray:
        return np.stack([self._one(image) for image in images])

    def preprocess(self, image: Image.Image) -> np.ndarray:
        return self._one(image)

    def catalogue_batch(self, pixels: np.ndarray) -> np.ndarray:
        return self.encode_batch(pixels)

    def encode_batch(self, pixels: np.ndarray) -> np.ndarray:
        return pixels

    def encode_features(self, images: Sequence[Image.Image]) -> tuple[np.ndarray, np.ndarray]:
        vectors = self.encode(images)
        return vectors, vectors

    def _one(self, image: Image.Image) -> np.ndarray:
        size = (96, 72)
        mask = _mask(image, size)
        pixels = np.asarray(image.convert("RGB").resize(size, Image.Resampling.BOX))[mask]
        cut = image
        if mask.any():
            rows, columns = np.nonzero(mask)
            box = (columns.min() / size[0], rows.min() / size[1],
                   (columns.max() + 1) / size[0], (rows.max() + 1) / size[1])  # fmt: skip
            sides = (image.width, image.height) * 2
            cut = image.crop(tuple(int(part * side) for part, side in zip(box, sides, strict=True)))
        shape = _mask(cut, _GRID).astype(np.float32).ravel() - 0.5
        cells = (pixels >> 6).astype(int)
        index = cells @ np.array([16, 4, 1]) if len(cells) else np.array([63])
        colour = np.sqrt(np.bincount(index, minlength=COLOUR) / max(len(index), 1))
        both = np.concatenate([_unit(shape), _unit(colour)])
        return (both * np.sqrt(0.5)).astype(np.float32)


class Heads:
    """Knows again what it was shown; what is far from all of that is no shoe."""

    facts = SimpleNamespace(vote=SimpleNamespace(mix=0.0, neighbours=1))

    def __init__(self, eye: Eye, known: Sequence[tuple[Image.Image, str, str, str]]) -> None:
        """``known``: picture, brand, model, colourway."""
        self._vectors = eye.encode([picture for picture, *_ in known])
        self._names = [names for _, *names in known]

    def predict(self, features: np.ndarray) -> list[Attributes]:
        return [self._one(row) for row in features]

    def _one(self, row: np.ndarray) -> Attributes:
        scores = self._vectors @ row
        best = int(scores.argmax())
        shape = self._vectors[:, :SHAPE] @ row[:SHAPE] * 2
        shoe = float(shape.max()) >= _SHOE
        brand, model, colourway = self._names[best]
        known = shoe and float(scores[best]) >= _KNOWN
        return Attributes(
            is_shoe=0.99 if shoe else 0.02,
            is_sneaker=0.98 if shoe else 0.02,
            shoe=shoe,
            sneaker=shoe,
            brand=brand if known else None,
            brand_probabilities={brand: 0.9} if known else {},
            silhouette=model if known else None,
            silhouette_probabilities={model: 0.9} if known else {},
            colours=parse_colours(colourway)[:2] if shoe else (),
            category="sneaker" if shoe else None,
            gender=None,
            quality=0.9,
        )


class Lexicon:
    """The vocabulary's words, as a trained tower would have learned them."""

    def __contains__(self, word: str) -> bool:
        return vocabulary().knows(word)


class Tower:
    """Words to vectors: colours alone."""

    tokenizer = SimpleNamespace(
        words=lambda text: text.casefold().split(), aliases={}, lexicon=Lexicon()
    )

    def understands(self, text: str) -> bool:
        return any(char.isalnum() for char in text)

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        return np.stack([self._one(text) for text in texts]).astype(np.float32)

    def _one(self, text: str) -> np.ndarray:
        vector = np.full(SHAPE + COLOUR, 1e-3)
        for colour in parse_colours(text):
            red, green, blue = _CELLS[colour]
            vector[SHAPE + 16 * red + 4 * green + blue] += 1
        return _unit(vector)


class Finder:
    """Shoes in a picture: its regions that are not white."""

    def find(self, image: Image.Image) -> list[Box]:
        """Boxes in pixels, largest first."""
        size = (64, 48)
        scale = (image.width / size[0], image.height / size[1])
        boxes = []
        for rows, columns in regions(_mask(image, size)):
            if len(rows) >= 60:
                boxes.append(
                    Box(int(columns.min() * scale[0]), int(rows.min() * scale[1]),
                        int((columns.max() + 1) * scale[0]), int((rows.max() + 1) * scale[1]), 0.9)
                )  # fmt: skip
        return sorted(boxes, key=lambda box: -box.area)
