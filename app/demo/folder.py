"""The third shop, a folder of photographs with a table, and pictures to search with."""

from __future__ import annotations

import csv
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PIL import Image

from app.demo.goods import FOLDER, Listing, Shot, draw_jpeg, listings, picture_key
from app.sketch.catalogue import CatalogueItem
from app.sketch.render import phone_photo
from app.sketch.scene import FLOORS

COLUMNS: Final = (
    "file", "source", "product_id", "brand", "model", "colour", "category", "view", "setting",
    "text", "price", "currency", "model_id", "gender", "orig_size",
)  # fmt: skip
_VIEWS: Final = {"side": "side", "three_quarter": "3q-side"}
_GENDERS: Final = {"men": "Men", "women": "Women", "unisex": "Unisex", "kids": "Kids"}


@dataclass(frozen=True, slots=True)
class QueryPicture:
    """A phone photograph (RGB) that no shop has, and the product it shows."""

    item: CatalogueItem
    image: Image.Image


def query_pictures(catalogue: Sequence[CatalogueItem], n: int, seed: int = 0) -> list[QueryPicture]:
    """Phone photographs of n different products, deterministic; ValueError for n out of range."""
    if not 0 <= n <= len(catalogue):
        raise ValueError(f"n: {n!r} is outside 0..{len(catalogue)}")
    chosen = random.Random(f"queries:{seed}").sample(range(len(catalogue)), n)
    return [
        QueryPicture(catalogue[k], phone_photo(catalogue[k].design, seed * 100_003 + k))
        for k in chosen
    ]


def write_folder(catalogue: Sequence[CatalogueItem], path: Path) -> int:
    """Writes photographs under path/images and path/labels.csv; the number of photographs.

    Pictures already there are kept, since their names follow from what they show. OSError when
    the folder cannot be written."""
    (path / "images").mkdir(parents=True, exist_ok=True)
    rows = [
        _row(path, listing, shot) for listing in listings(catalogue, FOLDER)
        for shot in listing.shots
    ]  # fmt: skip
    part = path / "labels.csv.part"
    with part.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
    part.replace(path / "labels.csv")
    return len(rows)


def _row(path: Path, listing: Listing, shot: Shot) -> dict[str, str]:
    item = listing.item
    name = f"images/{item.handle}-{picture_key(listing, shot)[:10]}.jpg"
    target = path / name
    if not target.exists():
        part = target.with_suffix(".part")
        part.write_bytes(draw_jpeg(listing, shot))
        part.replace(target)
    return {
        "file": name,
        "source": "demo_folder",
        "product_id": item.style_code,
        "brand": item.brand,
        "model": item.model,
        "colour": item.colourway,
        "category": item.category,
        "view": _VIEWS[shot.view],
        "setting": "wild" if shot.background.kind in FLOORS else "studio",
        "text": item.description_ru or item.description_en,
        "price": f"{listing.price:.2f}",
        "currency": listing.currency,
        "model_id": item.model_id,
        "gender": _GENDERS[item.gender],
        "orig_size": f"{shot.size[0]}x{shot.size[1]}",
    }
