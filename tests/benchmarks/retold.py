"""How a second shop tells of the same shoe: other words for the same facts, and the maker's
photograph handled once more. All from one seed."""

from __future__ import annotations

import io
import random
import re
from collections.abc import Mapping

from PIL import Image, ImageEnhance, ImageOps

from etl import normalise

_COLOURS_RU = {
    "black": "чёрный", "white": "белый", "grey": "серый", "gray": "серый", "red": "красный",
    "blue": "синий", "navy": "синий", "green": "зелёный", "yellow": "жёлтый", "orange": "оранжевый",
    "pink": "розовый", "purple": "фиолетовый", "brown": "коричневый", "beige": "бежевый",
}  # fmt: skip
_PEOPLE_RU = {"men": "мужские", "women": "женские", "kids": "детские", "unisex": "унисекс"}


def words(rng: random.Random, label: Mapping[str, str]) -> dict[str, str | None]:
    """Title, brand, colourway and gender as another shop puts them; what it leaves out is None."""
    brand, colour = label["brand"], label["colour"]
    name = re.sub(re.escape(brand), "", label["model"] or label["text"], flags=re.I).strip(" -")
    if colour:
        name = re.sub(r"\b" + re.escape(colour) + r"\b", "", name, flags=re.I).strip(" -")
    if colour and rng.random() < 0.15:
        colour = re.split(r"\s*[/,]\s*", colour)[0]  # the main colour only
    gender = normalise.gender(label["gender"]) if rng.random() < 0.7 else None
    if rng.random() < 0.4:
        brand_text = next(
            (a for a in normalise.BRANDS.get(brand, ()) if re.search("[а-я]", a)), brand
        )
        people = _PEOPLE_RU.get(gender or "", "")
        shades = [
            " ".join(_COLOURS_RU.get(w.lower(), w) for w in part.split())
            for part in re.split(r"\s*/\s*", colour) if part
        ]  # fmt: skip
        title = f"Кроссовки {brand_text.title()} {name} {people} {'/'.join(shades)}"
    else:
        # The label's own words for people: a shop that says "kids" says which.
        people = (label["gender"] or "") if gender else ""
        parts = [f"{brand} {name}", people, colour]
        if rng.random() < 0.3:
            parts = [colour, f"{name}", "by " + brand, people]
        title = " ".join(p for p in parts if p)
        title = rng.choice((title, title.upper(), title.lower(), f"{title} Sneakers"))
    return {
        "title": " ".join(title.split()),
        "brand": brand if rng.random() < 0.85 else None,
        "colourway": (colour or None) if rng.random() < 0.5 else None,
        "gender": gender,
    }


def photograph(rng: random.Random, image: Image.Image) -> Image.Image:
    """The same photograph in another shop: mirrored, padded, scaled, a little brighter or darker,
    compressed again."""
    if rng.random() < 0.2:
        image = ImageOps.mirror(image)
    if rng.random() < 0.5:
        ground = image.getpixel((0, 0))
        pad = [round(side * rng.uniform(0, 0.25)) for side in (*image.size, *image.size)]
        image = ImageOps.expand(image, (pad[0], pad[1], pad[2], pad[3]), fill=ground)  # type: ignore[arg-type]
    scale = rng.uniform(0.6, 1.4)
    size = (max(64, round(image.width * scale)), max(48, round(image.height * scale)))
    image = image.resize(size, Image.Resampling.BICUBIC)
    image = ImageEnhance.Brightness(image).enhance(rng.uniform(0.97, 1.03))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=rng.randrange(60, 92))
    return Image.open(out).convert("RGB")
