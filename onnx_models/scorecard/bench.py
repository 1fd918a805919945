"""The labelled photographs and what every protocol needs to know of them."""

from __future__ import annotations

import csv
import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from app.errors import BadInput
from app.settings import Settings
from onnx_models.dataset import Row
from onnx_models.metrics import Interval

TEST_SOURCES: Final = ("bazaizai_multiview", "projeto_nike_multiview")
"""Sources whose products ask the retrieval queries; never trained on."""
TRIPLETS: Final = "zappos_triplets"
WILD_SOURCES: Final = ("kaggle_nike_adidas_converse", "unsplash_wild")

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Result:
    """What one entrant got in one protocol; a figure it has no way to get is left out.

    ``series`` holds the points of curves; ``notes`` says why figures are missing.
    """

    figures: dict[str, Interval] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    series: dict[str, list[list[float]]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Photo:
    """One row of labels.csv; blank means unknown."""

    file: str
    row: Row
    """The same photograph as training reads it: its ``split`` is the training's."""
    colours: tuple[str, ...]
    model: str
    text: str
    gender: str
    price: str
    currency: str

    @property
    def group(self) -> str:
        """What must not stand on both sides of a split: the model where known, else the product."""
        return f"{self.row.source}/{self.row.model or self.row.product}"

    @property
    def sneaker(self) -> bool:
        """Whether it is labelled one."""
        return self.row.category.startswith("sneaker")


@dataclass
class Bench:
    """The photographs (all of ``photos``, in order) and how they are measured.

    ``thin`` > 1 keeps every ``thin``-th photograph that was trained on: a quick look, marked so.
    """

    folder: Path
    photos: list[Photo]
    settings: Settings
    cache: Path | None
    seed: int = 0
    thin: int = 1
    digest: str = ""

    def __post_init__(self) -> None:
        """Arrays over the photographs, (n,) each."""
        self.files = [photo.file for photo in self.photos]
        self.sources = np.array([photo.row.source for photo in self.photos])
        self.products = np.array([photo.row.product for photo in self.photos])
        self.groups = np.array([photo.group for photo in self.photos])
        self.splits = np.array([photo.row.split for photo in self.photos])
        self.brands = np.array([photo.row.brand for photo in self.photos])
        self.views = np.array([photo.row.view for photo in self.photos])
        self.codes = np.unique(self.products, return_inverse=True)[1]
        self.digest = hashlib.sha256(
            json.dumps([self.files, self.seed, self.thin]).encode()
        ).hexdigest()

    @property
    def held_out(self) -> Array:
        """(n,) bool: products that no training saw."""
        return np.asarray(self.splits != "train")

    def without(self, bad: Array) -> Bench:
        """The same without the photographs marked in ``bad`` (n,)."""
        kept = [photo for photo, drop in zip(self.photos, bad, strict=True) if not drop]
        return Bench(self.folder, kept, self.settings, self.cache, self.seed, self.thin)

    def several(self, asking: Array) -> Array:
        """Rows of ``asking`` (n,) bool whose product has more than one photograph."""
        counts = np.bincount(self.codes, minlength=self.codes.max() + 1)
        return np.flatnonzero(asking & (counts[self.codes] > 1))

    def queries(self) -> Array:
        """Rows that ask the retrieval queries: multi-view products of TEST_SOURCES."""
        return self.several(np.isin(self.sources, TEST_SOURCES))


def colour_words(text: str) -> tuple[str, ...]:
    """Colour words of a label such as ``Black / Navy Blue``: the last word of each part."""
    same = {"gray": "grey", "maroon": "red", "navy": "blue", "olive": "green", "tan": "brown"}
    parts = [part.split() for part in text.lower().replace(",", "/").split("/")]
    words = [part[-1] for part in parts if part]
    return tuple(dict.fromkeys(same.get(word, word) for word in words))


def read_bench(
    data_dir: Path, settings: Settings, *, cache: Path | None = None, seed: int = 0, thin: int = 1
) -> Bench:
    """The photographs under ``data_dir`` (its ``shoes/labels.csv``).

    Raises:
        BadInput: there are none, or none has several views.
    """
    folder = data_dir / "shoes"
    try:
        with (folder / "labels.csv").open(encoding="utf-8", newline="") as handle:
            rows = list(csv.DictReader(handle))
    except OSError as error:
        raise BadInput(
            f"no data to evaluate on: {folder / 'labels.csv'} cannot be read; "
            "set SOLEMATE_DATA or pass its folder"
        ) from error
    photos = [_photo(row) for row in rows]
    if thin > 1:
        photos = [p for at, p in enumerate(photos) if p.row.split != "train" or at % thin == 0]
    bench = Bench(folder, photos, settings, cache, seed, thin)
    if not photos or not len(bench.queries()):
        raise BadInput(f"no product with several pictures in {', '.join(TEST_SOURCES)}")
    return bench


def _photo(row: dict[str, str]) -> Photo:
    def get(key: str) -> str:
        return (row.get(key) or "").strip()

    # Blank ids stand for products of their own.
    product = f"{row['source']}/{get('product_id') or row['file']}"
    colours = () if row["source"] == "bazaizai_multiview" else colour_words(get("colour"))
    return Photo(
        row["file"],
        Row(
            row["file"], row["source"], product, get("model_id"), get("brand").lower(),
            get("category"), get("view"), get("setting"),
        ),
        colours, get("model"), get("text"), get("gender").lower(), get("price"), get("currency"),
    )  # fmt: skip
