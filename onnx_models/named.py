"""Which pictures show one model in several colours, by what their shops call them.

Few shops state it, but many names tell. A family of one shape (a Dunk Low, a Stan Smith) is one
model whoever sells it; and where a title is brand, audience, name, colour and kind («Puma Men Drift
Cat III SF NM Black Sports Shoes»), what is left without the colour is the model. Shoes that are one
model and are taken for several are driven apart where they should come together.
"""

from __future__ import annotations

import re
from typing import Final

from app.vision.colours import parse_colours
from onnx_models.dataset import Row
from onnx_models.heads.labels import shapes
from onnx_models.same import sold

TITLED: Final = frozenset({"fashion_products_224", "fashion_products_60x80", "empire_multiview"})
"""Sources whose names are such titles."""
_BESIDE: Final = """
men mens women womens unisex kids kid boy boys girl girls shoe shoes sport sports casual sandal
sandals sneaker sneakers slipper slippers running heels flats leather synthetic canvas
"""
BESIDE: Final = frozenset(_BESIDE.split())
"""Words that stand beside a name: for whom, what kind, of what."""
_PLAIN: Final = """
baby infant teen teens junior jr casuals heel flat flip flops flop formal boot boots loafer loafers
run runner training trainer trainers walking hiking tennis basketball football cricket outdoor
indoor gym work party wear suede mesh nubuck patent denim velvet rubber pu faux genuine textile
classy classic lifestyle fancy toned textured printed solid basic comfort comfortable premium
fashion stylish style semi new femmes lace up slip on open toe peep strap straps wedge wedges pump
pumps platform ballerina ballerinas clogs clog mule mules floaters high low mid top hi lo ii iii iv
v vi s and the of with in for by air max zoom gel plus pro cushioning u us assn polo london light
dark multi coloured metallic tan steel mushroom nude fluorescent neon
"""
PLAIN: Final = BESIDE | frozenset(_PLAIN.split())
"""Words that name no model by themselves."""
_WORD: Final = re.compile(r"\w+")


def titled(name: str, brand: str) -> str:
    """What a title says of the model: brand and name, without colours; "" where it says nothing of
    its own."""
    own = set(_WORD.findall(brand))
    words = _WORD.findall(re.sub(r"['’]s?\b", "", name.casefold()))
    kept = [w for w in words if w not in own and w not in BESIDE and not parse_colours(w)]
    if all(word in PLAIN or word.isdigit() for word in kept):
        return ""
    return f"{brand}: {' '.join(kept)}"


def models(rows: list[Row]) -> list[str]:
    """The model of each row: its family, what its shop states, what its title says, what another
    shop that sells the product says, or the product itself."""
    found: list[str] = []
    told: dict[str, str] = {}
    products = sold(rows)
    for shape, product, row in zip(shapes(rows), products, rows, strict=True):
        stated = f"{row.source}/{row.model}" if row.model else ""
        title = titled(row.name, row.brand) if row.source in TITLED else ""
        name = shape or stated or title
        found.append(name)
        if name:
            told.setdefault(product, name)
    return [
        name or told.get(product, product) for name, product in zip(found, products, strict=True)
    ]
