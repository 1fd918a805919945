"""Which demo shop sells what, for how much, and how it photographs it."""

from __future__ import annotations

import hashlib
import io
import os
import random
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Final

from app.sketch.catalogue import CatalogueItem, Size
from app.sketch.render import REVISION
from app.sketch.scene import FLOORS, Background

HARBOUR: Final = "harbour"
BOXFRESH: Final = "boxfresh"
FOLDER: Final = "folder"
SHOPS: Final = (HARBOUR, BOXFRESH, FOLDER)

# Share of products and the shops that sell them; the same shoe in two shops is the case that
# matching by style code has to get right.
_SOLD_BY: Final = (
    (0.36, (HARBOUR,)),
    (0.28, (BOXFRESH,)),
    (0.14, (FOLDER,)),
    (0.12, (HARBOUR, BOXFRESH)),
    (0.05, (HARBOUR, FOLDER)),
    (0.05, SHOPS),
)
_USD: Final = Decimal("1.08")


@dataclass(frozen=True, slots=True)
class Shot:
    """One photograph a shop has of a product; size in pixels."""

    view: str
    background: Background
    size: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Listing:
    """A product as one shop sells it. number counts the shop's products from 0."""

    number: int
    item: CatalogueItem
    price: Decimal
    list_price: Decimal | None
    currency: str
    sizes: tuple[Size, ...]
    shots: tuple[Shot, ...]

    @property
    def available(self) -> bool:
        return any(size.stock for size in self.sizes)


def sold_by(item: CatalogueItem) -> tuple[str, ...]:
    """The shops that sell a product, at least one."""
    draw = random.Random(f"sold:{item.style_code}:{item.seed}").random()
    for share, shops in _SOLD_BY:
        draw -= share
        if draw < 0:
            return shops
    return _SOLD_BY[0][1]


def listings(catalogue: Sequence[CatalogueItem], shop: str) -> list[Listing]:
    """What one of SHOPS sells, in catalogue order; ValueError for an unknown shop."""
    if shop not in SHOPS:
        raise ValueError(f"unknown shop {shop!r}; known: {', '.join(SHOPS)}")
    chosen = [item for item in catalogue if shop in sold_by(item)]
    return [_listing(number, item, shop) for number, item in enumerate(chosen)]


def _listing(number: int, item: CatalogueItem, shop: str) -> Listing:
    rng = random.Random(f"{shop}:{item.style_code}:{item.seed}")
    if shop == HARBOUR:
        place = Background(rng.choice(("white", "white", "grey")))
        shots = tuple(Shot(view, place, (480, 360)) for view in item.views)
        return Listing(number, item, item.price, item.list_price, "EUR", item.sizes, shots)
    if shop == BOXFRESH:
        rate = _USD * Decimal(rng.choice(("0.94", "1.00", "1.05")))
        place = Background(rng.choice(("warm", "cool", "grey")))
        views = ("three_quarter", rng.choice(("medial", "side")))
        shots = tuple(Shot(view, place, (440, 440)) for view in views)
        full = _whole(item.list_price, rate) if item.list_price else None
        sizes = tuple(Size(s.eu, s.stock if rng.random() < 0.8 else 0) for s in item.sizes)
        return Listing(number, item, _whole(item.price, rate), full, "USD", sizes, shots)
    kind = rng.choice(FLOORS) if rng.random() < 0.6 else "white"
    place = Background(kind, rng.randrange(1000), rng.randrange(4) if kind in FLOORS else 0)
    shots = tuple(Shot(view, place, (480, 400)) for view in ("side", "three_quarter"))
    price = (item.price * Decimal(rng.choice(("0.85", "0.92", "1.00")))).quantize(Decimal("0.01"))
    return Listing(number, item, price, None, "EUR", item.sizes, shots)


def _whole(price: Decimal, rate: Decimal) -> Decimal:
    return (price * rate).quantize(Decimal(1)) + Decimal("0.00")


def picture_key(listing: Listing, shot: Shot) -> str:
    """Names the bytes of a picture without drawing it, 20 hexadecimal digits."""
    item = listing.item
    what = f"{REVISION}|{item.design.to_json()}|{item.seed}|{shot!r}"
    return hashlib.sha256(what.encode()).hexdigest()[:20]


class Pictures:
    """Draws pictures when they are first asked for and keeps the JPEGs in a folder.

    Safe with several threads or processes at once: a file appears whole or not at all.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def jpeg(self, listing: Listing, shot: Shot) -> bytes:
        """The photograph as JPEG bytes."""
        path = self.folder / f"{picture_key(listing, shot)}.jpg"
        try:
            return path.read_bytes()
        except FileNotFoundError:
            packed = draw_jpeg(listing, shot)
        number, name = tempfile.mkstemp(dir=self.folder, suffix=".part")
        with os.fdopen(number, "wb") as file:
            file.write(packed)
        Path(name).replace(path)
        return packed


def draw_jpeg(listing: Listing, shot: Shot) -> bytes:
    """Draws a photograph, JPEG bytes."""
    picture = listing.item.picture(shot.view, shot.size, shot.background)
    packed = io.BytesIO()
    picture.save(packed, "JPEG", quality=88)
    return packed.getvalue()
