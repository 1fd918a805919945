"""What stands in the table: picture encoders, label tables, and several of them put together."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final, Protocol

import numpy as np
from PIL import Image

from app.vision.encoder import ImageEncoder
from onnx_models.features import file_features, made_features
from onnx_models.scorecard.bench import Array, Bench
from onnx_models.scorecard.pictures import PICTURES

Span = tuple[int, int]


class Entrant(Protocol):
    """One row of the scorecard. All vectors are rows of L2 norm 1."""

    name: str
    revision: str
    sha256: str
    dim: int
    parts: tuple[Span, Span] | None
    """Where its vector holds shape, and colour."""

    def gallery(self, bench: Bench) -> Array:
        """(n, dim): every photograph as a catalogue keeps it."""

    def asking(self, bench: Bench, rows: Array) -> Array:
        """(len(rows), dim): those photographs as they ask."""

    def shots(self, bench: Bench, rows: Array) -> Array:
        """(len(rows), dim): those photographs re-shot."""

    def made(self, bench: Bench, name: str) -> Array | None:
        """Vectors of the pictures PICTURES[name] makes; None where it sees no pictures."""


class Pictures:
    """An encoder of pictures."""

    def __init__(self, encoder: ImageEncoder, name: str | None = None) -> None:
        self.encoder = encoder
        self.name = name or encoder.name
        self.revision, self.sha256, self.dim = encoder.revision, encoder.sha256, encoder.dim
        parts = encoder.manifest.parts
        self.parts = (parts.shape, parts.colour) if parts else None

    def gallery(self, bench: Bench) -> Array:
        """See :class:`Entrant`."""
        return file_features(
            [self.encoder], bench.folder, bench.files, catalogue=True, cache=bench.cache
        )[0]

    def asking(self, bench: Bench, rows: Array) -> Array:
        """See :class:`Entrant`."""
        if not self.encoder.has_catalogue:
            return np.asarray(self.gallery(bench)[rows])
        files = [bench.files[row] for row in rows]
        return file_features([self.encoder], bench.folder, files, cache=bench.cache)[0]

    def shots(self, bench: Bench, rows: Array) -> Array:
        """See :class:`Entrant`."""
        files = [bench.files[row] for row in rows]
        return file_features(
            [self.encoder], bench.folder, files, seed=bench.seed, cache=bench.cache
        )[0]

    def made(self, bench: Bench, name: str) -> Array | None:
        """See :class:`Entrant`."""

        def make() -> list[Image.Image]:
            return PICTURES[name][1](bench)

        return made_features(
            self.encoder, f"{name} {PICTURES[name][0]} {bench.digest}", make, cache=bench.cache
        )


class Joined:
    """Vectors of several entrants side by side, each weighing the same."""

    parts: tuple[Span, Span] | None = None

    def __init__(self, name: str, members: Sequence[Entrant]) -> None:
        self.name, self.members = name, members
        self.revision = "+".join(member.revision for member in members)
        self.dim = sum(member.dim for member in members)
        text = "+".join(member.sha256 for member in members)
        self.sha256 = hashlib.sha256(text.encode()).hexdigest()

    def gallery(self, bench: Bench) -> Array:
        """See :class:`Entrant`."""
        return self._joined([member.gallery(bench) for member in self.members])

    def asking(self, bench: Bench, rows: Array) -> Array:
        """See :class:`Entrant`."""
        return self._joined([member.asking(bench, rows) for member in self.members])

    def shots(self, bench: Bench, rows: Array) -> Array:
        """See :class:`Entrant`."""
        return self._joined([member.shots(bench, rows) for member in self.members])

    def made(self, bench: Bench, name: str) -> Array | None:
        """See :class:`Entrant`."""
        found = [vectors for m in self.members if (vectors := m.made(bench, name)) is not None]
        return self._joined(found) if len(found) == len(self.members) else None

    def _joined(self, vectors: list[Array]) -> Array:
        return np.concatenate(vectors, axis=1) / np.float32(np.sqrt(len(vectors)))


TABLE_DIM: Final = 256


class Table:
    """No picture at all: category, colour words, gender and price of the labels, one-hot by hash.

    The brand and the model are left out, or classifying them would be reading them. Re-shooting
    changes no label, so it changes nothing here.
    """

    name, revision, dim = "tabular", "1", TABLE_DIM
    parts: tuple[Span, Span] | None = None
    sha256 = hashlib.sha256(b"tabular r1").hexdigest()

    def gallery(self, bench: Bench) -> Array:
        """See :class:`Entrant`."""
        out = np.zeros((len(bench.photos), TABLE_DIM), np.float32)
        for row, photo in zip(out, bench.photos, strict=True):
            row[0] = 0.1  # a photograph without any label still needs a direction
            words = [f"category {photo.row.category}", f"gender {photo.gender[:3]}"]
            words += [f"colour {colour}" for colour in photo.colours]
            try:
                words.append(f"price {photo.currency} {round(2 * np.log2(float(photo.price)))}")
            except (ValueError, OverflowError):
                words.append("price unknown")
            for word in words:
                digest = hashlib.sha256(word.encode()).digest()
                row[1 + int.from_bytes(digest[:4], "big") % (TABLE_DIM - 1)] = 1
        return np.asarray(out / np.linalg.norm(out, axis=1, keepdims=True))

    def asking(self, bench: Bench, rows: Array) -> Array:
        """See :class:`Entrant`."""
        return np.asarray(self.gallery(bench)[rows])

    def shots(self, bench: Bench, rows: Array) -> Array:
        """See :class:`Entrant`."""
        return np.asarray(self.gallery(bench)[rows])

    def made(self, bench: Bench, name: str) -> Array | None:
        """None: there is no label to read."""
        del bench, name
        return None
