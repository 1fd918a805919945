"""The catalogue of the conversations: drawn shoes, three shops, three currencies, fixed rates."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Final

from PIL import Image, ImageDraw

from app.db.pool import Database
from app.domain import Gender, ParsedOffer, Size
from app.settings import Settings
from app.sketch.catalogue import catalogue
from etl import fx, load
from etl.embed import embed_backlog
from etl.images import ImageStore, Reading
from etl.runs import Counts
from tests.bot.conversations.eye import Eye

_DRAWN: Final = catalogue(seed=7, n=40)


@dataclass(frozen=True)
class Good:
    """A product: ``key`` names it in scenarios, ``drawing`` is its number among the drawn shoes."""

    key: str
    drawing: int
    brand: str
    model: str
    category: str
    gender: Gender
    roubles: int
    """Alpha's price, RUB; a multiple of 10."""
    euros: int | None = None
    """Beta's price, EUR, where it sells it."""
    dollars: int | None = None
    """Gamma's price, USD, where it sells it."""
    sizes: tuple[str, ...] = ("41", "42", "43")
    gone: tuple[str, ...] = ()
    """Sizes that are sold out."""

    @property
    def colourway(self) -> str:
        return _DRAWN[self.drawing].colourway.split(' "')[0]

    def image(self, size: tuple[int, int] = (320, 240), view: str = "side") -> Image.Image:
        return _DRAWN[self.drawing].picture(view, size)


GOODS: Final = (
    Good("am90-black", 9, "Nike", "Air Max 90", "running", "men", 8990, 120, None, ("42", "43")),
    Good("am90-green", 10, "Nike", "Air Max 90", "running", "men", 10990, None, 130),
    Good("am90-white", 11, "Nike", "Air Max 90", "running", "men", 9990, 99, 140, gone=("43",)),
    Good("am90-olive", 12, "Nike", "Air Max 90", "running", "men", 12990),
    Good("samba-coral", 2, "adidas", "Samba OG", "lifestyle", "unisex", 7990, 95),
    Good("samba-mint", 4, "adidas", "Samba OG", "lifestyle", "unisex", 7490),
    Good("samba-sky", 5, "adidas", "Samba OG", "lifestyle", "unisex", 8490, None, 90),
    Good("dunk-red", 6, "Nike", "Dunk Low", "lifestyle", "men", 11990, 135),
    Good("dunk-white", 7, "Nike", "Dunk Low", "lifestyle", "men", 10490),
    Good("dunk-grey", 8, "Nike", "Dunk Low", "lifestyle", "men", 9490, None, 110),
    Good("nb-cream", 13, "New Balance", "574", "running", "women", 8790, sizes=("36", "37", "38")),
    Good("nb-lilac", 15, "New Balance", "574", "running", "women", 9290, 105, None, ("37", "38")),
    Good("nb-white", 16, "New Balance", "574", "running", "women", 9790, sizes=("36", "38")),
    Good("aj1-tan", 18, "Jordan", "Air Jordan 1 Mid", "basketball", "men", 14990, 160),
    Good("aj1-burgundy", 20, "Jordan", "Air Jordan 1 Mid", "basketball", "men", 15990, 170, 180),
    Good("aj1-grey", 21, "Jordan", "Air Jordan 1 Mid", "basketball", "men", 13990),
    Good("vans-blue", 22, "Vans", "Old Skool", "skate", "unisex", 6990, None, 70),
    Good("vans-white", 23, "Vans", "Old Skool", "skate", "unisex", 6490),
)
RATES_DAY: Final = date(2025, 11, 21)


@cache
def good(key: str) -> Good:
    """The product called ``key``."""
    return next(item for item in GOODS if item.key == key)


@cache
def picture(name: str) -> bytes:
    """A picture people send, as JPEG: a product by its key, or ``KEY:VIEW``, or an odd one:
    ``two-shoes``, ``three-shoes``, ``cat`` (no shoe), ``strange-shoe`` (near nothing on sale)."""
    if name in _ODD:
        image = _ODD[name]()
    else:
        key, _, view = name.partition(":")
        image = good(key).image(view=view or "side")
    packed = io.BytesIO()
    image.save(packed, "JPEG", quality=92)
    return packed.getvalue()


def _side_by_side(*keys: str) -> Image.Image:
    shoes = [good(key).image((240, 180)) for key in keys]
    sheet = Image.new("RGB", (260 * len(shoes), 200), "white")
    for number, shoe in enumerate(shoes):
        sheet.paste(shoe, (260 * number + 10, 10))
    return sheet


def _cat() -> Image.Image:
    image = Image.new("RGB", (320, 240), "white")
    draw = ImageDraw.Draw(image)
    draw.ellipse((140, 20, 200, 80), "orange")
    draw.polygon([(140, 40), (145, 5), (165, 25)], "orange")
    draw.polygon([(200, 40), (195, 5), (175, 25)], "orange")
    draw.ellipse((130, 70, 210, 230), "orange")
    draw.line((210, 200, 230, 90), "orange", 12)
    return image


def _strange() -> Image.Image:
    """Another shape in colours that no shop has."""
    image = _DRAWN[24].picture("side", (320, 240))
    red, green, blue = image.split()
    bands = [
        band.point(lambda value, level=level: value if value > 235 else level)
        for band, level in ((blue, 120), (green, 60), (red, 10))
    ]
    return Image.merge("RGB", bands)


_ODD: Final = {
    "two-shoes": lambda: _side_by_side("am90-black", "vans-blue"),
    "three-shoes": lambda: _side_by_side("dunk-red", "nb-white", "samba-mint"),
    "cat": _cat,
    "strange-shoe": _strange,
}


def fill(db: Database, settings: Settings) -> None:
    """Loads the goods by the real loader and embeds them with the fixed eye."""
    store = ImageStore(settings)
    for shop, currency in (("Alpha", "RUB"), ("Beta", "EUR"), ("Gamma", "USD")):
        chunk = load.Chunk()
        for item in GOODS:
            price = {"RUB": item.roubles, "EUR": item.euros, "USD": item.dollars}[currency]
            if price is not None:
                source = f"https://{shop.lower()}.example/pictures/{item.key}.jpg"
                chunk.items.append(load.Item(_offer(item, shop, price, currency, source)))
                chunk.readings[source] = Reading(source, store.put(_shop_picture(item, shop)))
        with db.connection() as conn:
            made = load.open_shop(conn, shop, "folder", f"https://{shop.lower()}.example")
            load.write_chunk(conn, made, chunk, Counts())
    fx.store(db, fx.Rates("cbr", RATES_DAY, "RUB", {"RUB": Decimal(1), "USD": Decimal(80),
                                                    "EUR": Decimal(90)}))  # fmt: skip
    embed_backlog(db, Eye(), settings)
    with db.connection() as conn:
        conn.execute(
            "UPDATE offer SET last_seen_at = now() - CASE shop.name WHEN 'Alpha' THEN"
            " interval '2 hours 5 minutes' WHEN 'Beta' THEN interval '26 hours'"
            " ELSE interval '3 days 1 hour' END FROM shop WHERE shop.id = offer.shop_id"
        )


def _shop_picture(item: Good, shop: str) -> bytes:
    size = {"Alpha": (320, 240), "Beta": (300, 225), "Gamma": (280, 210)}[shop]
    packed = io.BytesIO()
    item.image(size).save(packed, "JPEG", quality=90)
    return packed.getvalue()


def _offer(item: Good, shop: str, price: int, currency: str, source: str) -> ParsedOffer:
    return ParsedOffer(
        external_id=item.key,
        url=f"https://{shop.lower()}.example/{item.key}",
        title=f"{item.brand} {item.model} {item.colourway}",
        brand=item.brand,
        model=item.model,
        colourway=item.colourway,
        price=Decimal(price),
        list_price=Decimal(price + 2000) if item.key == "dunk-white" else None,
        currency=currency,
        availability="in_stock",
        images=(source,),
        style_code=f"SM{int(hashlib.sha256(item.key.encode()).hexdigest()[:6], 16) % 10**6:06d}",
        sizes=tuple(Size(label, "EU", label not in item.gone) for label in item.sizes),
        category=f"sneaker/{item.category}",
        gender=item.gender,
    )
