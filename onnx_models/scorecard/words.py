"""Words and pictures: text to image in both languages, image to text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from app.vision.colours import parse_colours
from onnx_models.metrics import bootstrap_mean
from onnx_models.scorecard.bench import Array, Bench, Photo, Result
from onnx_models.scorecard.entrants import Entrant
from onnx_models.scorecard.optional import attributes, photographs, text_tower
from onnx_models.told import PLAIN

COLOURS: Final = {
    "black": "чёрные", "white": "белые", "grey": "серые", "blue": "синие", "red": "красные",
    "green": "зелёные", "brown": "коричневые", "orange": "оранжевые", "yellow": "жёлтые",
    "purple": "фиолетовые", "pink": "розовые", "silver": "серебристые", "beige": "бежевые",
}  # fmt: skip
BRANDS: Final = {
    "nike": "найк", "adidas": "адидас", "jordan": "джордан", "vans": "ванс", "puma": "пума",
    "fila": "фила", "converse": "конверс", "reebok": "рибок", "skechers": "скечерс",
    "asics": "асикс", "lotto": "лотто",
}  # fmt: skip
TYPES: Final = {
    "sneaker": "кроссовки", "heels": "туфли на каблуке", "sandals": "сандалии",
    "flip flops": "шлёпанцы", "cleat": "бутсы", "boot": "ботинки", "formal shoes": "туфли",
}  # fmt: skip
SAID: Final = {"sports": "sneaker", "formal": "formal shoes"}
"""Types by the heads' categories, where these do not begin with the type's name: a running shoe is
a sneaker."""
PRODUCTS: Final = 5
"""An attribute value is asked for where at least so many held-out products have it."""
K: Final = 10


def _colours(photo: Photo) -> tuple[str, ...]:
    """Of a label's words those that name a colour: "Shattered Backboard" tells none."""
    return tuple(word for word in photo.colours if parse_colours(word))


def _types(photo: Photo) -> tuple[str, ...]:
    """None where all that is known is what every shoe of these shops is called: football boots are
    among those."""
    kind = photo.row.category
    return () if kind == PLAIN else tuple(one for one in TYPES if kind.startswith(one))


_HAS: Final[dict[str, Callable[[Photo], tuple[str, ...]]]] = {
    "brand": lambda photo: (photo.row.brand,) if photo.row.brand else (),
    "colour": _colours,
    "type": _types,
}


def phrases(kind: str, value: str) -> dict[str, str]:
    """How the attribute is asked for, by language."""
    if kind == "brand":
        return {"en": f"{value} sneakers", "ru": f"кроссовки {BRANDS.get(value, value)}"}
    if kind == "colour":
        return {"en": f"{value} shoes", "ru": f"{COLOURS.get(value, value)} кроссовки"}
    return {"en": value, "ru": TYPES[value]}


def russian_title(photo: Photo) -> str:
    """The title in a Russian buyer's words: Russian colour, Cyrillic brand, model as is."""
    model = photo.model.lower().replace(photo.row.brand, "").strip()
    colour = " ".join(COLOURS.get(word, "") for word in photo.colours)
    brand = BRANDS.get(photo.row.brand, photo.row.brand)
    return " ".join(f"{colour} кроссовки {brand} {model}".split())


def _first(scores: Array, codes: Array, rows: Array) -> Array:
    """Rows of the first K products by score, one picture a product."""
    order = np.argsort(-scores, kind="stable")[: K * 40]
    _, at = np.unique(codes[rows[order]], return_index=True)
    return np.asarray(rows[order[np.sort(at)[:K]]])


def text_to_image(bench: Bench, entrant: Entrant, vectors: Array) -> Result:
    """R@10 of titles of held-out products among all held-out pictures; precision@10 of brand,
    colour and type words there, over pictures whose attribute is known. Some values have fewer than
    ten products: what could be had at best is noted, and those that ten have stand by themselves as
    well."""
    tower, why = text_tower(bench, entrant)
    if tower is None:
        return Result(notes=[why])
    result = Result()
    rows = np.flatnonzero(bench.held_out)
    titles: dict[str, tuple[Photo, set[int]]] = {}
    for row in rows:
        photo = bench.photos[row]
        if photo.text and photo.model and photo.row.brand:
            titles.setdefault(photo.text, (photo, set()))[1].add(int(bench.codes[row]))
    groups = np.array([photo.group for photo, _ in titles.values()])
    for language in ("en", "ru") if titles else ():
        asked = [t if language == "en" else russian_title(p) for t, (p, _) in titles.items()]
        queries = np.asarray(tower.encode(asked))
        found = [
            bool(set(bench.codes[_first(vectors[rows] @ query, bench.codes, rows)]) & right)
            for query, (_, right) in zip(queries, titles.values(), strict=True)
        ]
        result.figures[f"titles {language} R@10"] = bootstrap_mean(
            np.array(found, float), groups, bench.seed
        )
    result.counts.update(titles=len(titles), pictures=len(rows))
    for kind, has in _HAS.items():
        for language in ("en", "ru"):
            precision, chance, best, owners = [], [], [], []
            known, values = _values(bench, rows, has)
            for value in values:
                query = np.asarray(tower.encode([phrases(kind, value)[language]]))[0]
                for row in _first(vectors[known] @ query, bench.codes, known):
                    precision.append(value in has(bench.photos[row]))
                    owners.append(value)
                right = np.array([value in has(bench.photos[row]) for row in known])
                chance.append(right.mean())
                best.append(min(len(set(bench.codes[known[right]])), K) / K)
            if precision:
                hits, whose = np.array(precision, float), np.array(owners)
                result.figures[f"{kind} {language} P@10"] = bootstrap_mean(hits, whose, bench.seed)
                result.counts[f"{kind} values"] = len(chance)
                ten = [value for value, share in zip(values, best, strict=True) if share == 1]
                if ten:
                    full = np.isin(whose, ten)
                    result.figures[f"{kind} {language} P@10 of ten"] = bootstrap_mean(
                        hits[full], whose[full], bench.seed
                    )
                    result.counts[f"{kind} values of ten"] = len(ten)
                note = f"{kind} by chance {np.mean(chance):.3f}, at best {np.mean(best):.3f}"
                if note not in result.notes:
                    result.notes.append(note)
    return result


def image_to_text(bench: Bench, entrant: Entrant, vectors: Array) -> Result:
    """Accuracy on held-out pictures of what the heads say, and of the nearest attribute phrase."""
    result = Result()
    rows = np.flatnonzero(bench.held_out)
    tower, why = text_tower(bench, entrant)
    said = attributes(bench, entrant, photographs(bench, rows))
    for name, missing in (("text tower", tower is None), ("heads", said is None)):
        if missing:
            result.notes.append(why if name == "text tower" else "no heads")
    for kind, has in _HAS.items():
        known, values = _values(bench, rows, has)
        if len(values) < 2:
            continue
        known = np.array([r for r in known if set(has(bench.photos[r])) & set(values)])
        result.counts[kind] = len(known)
        if tower is not None:
            prompts = np.asarray(tower.encode([phrases(kind, value)["en"] for value in values]))
            best = (vectors[known] @ prompts.T).argmax(axis=1)
            right = [values[b] in has(bench.photos[r]) for b, r in zip(best, known, strict=True)]
            result.figures[f"{kind} phrase"] = bootstrap_mean(
                np.array(right, float), bench.groups[known], bench.seed
            )
        if said is not None:
            by_row = dict(zip(rows.tolist(), said, strict=True))
            right = [_agrees(kind, by_row[int(r)], has(bench.photos[r])) for r in known]
            result.figures[f"{kind} head"] = bootstrap_mean(
                np.array(right, float), bench.groups[known], bench.seed
            )
    return result


def _agrees(kind: str, said: Any, labels: tuple[str, ...]) -> bool:
    if kind == "brand":
        return (said.brand or "").lower() in labels
    if kind == "type":
        category = (said.category or "").lower()
        return SAID.get(category, category).startswith(labels)
    return bool({colour.lower() for colour in said.colours} & set(labels))


def _values(
    bench: Bench, rows: Array, has: Callable[[Photo], tuple[str, ...]]
) -> tuple[Array, list[str]]:
    """Held-out rows whose attribute is known, and its values with PRODUCTS products or more.

    The projeto source names colours by their shade, which no other does: left out with the rest
    of the one-product values."""
    known = np.array([row for row in rows if has(bench.photos[row])], np.int64)
    owners = {(value, int(bench.codes[row])) for row in known for value in has(bench.photos[row])}
    size = Counter(value for value, _ in owners)
    return known, sorted(value for value, count in size.items() if count >= PRODUCTS)
