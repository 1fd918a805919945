"""``python -m tests.benchmarks.matching [--encoder NAME]``: joining by pictures alone on real
photographs whose products are known.

Multi-view products are sold by two made-up shops, half of the views each: to be joined. The
colourways of a Footlocker model are dealt out to the two: never to be joined. Words are left out.
The rules are those of ``etl/match.py``: mutual best, margin, guards.
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from pathlib import Path

import numpy as np
from PIL.Image import Image

from app.settings import Settings, get_settings
from app.vision.image import decode
from app.vision.registry import open_encoder
from etl.match import _Groups, by_pictures, load_rules, open_verifier
from tests.conftest import data_dir

VIEWS = ("nike_vn_multiview", "es_shop_multiview", "bazaizai_multiview", "projeto_nike_multiview")
HELD_OUT = ("bazaizai_multiview", "projeto_nike_multiview")


def dealt(folder: Path) -> list[tuple[str, str, int, Path]]:
    """(source, product, shop 1 or 2, file) of each picture used."""
    views: dict[tuple[str, str], list[Path]] = defaultdict(list)
    models: dict[str, dict[str, list[Path]]] = defaultdict(lambda: defaultdict(list))
    with (folder / "labels.csv").open(encoding="utf-8") as handle:
        for row in csv.DictReader(handle):
            file = folder / row["file"]
            if row["source"] in VIEWS and row["product_id"]:
                views[row["source"], row["product_id"]].append(file)
            elif row["source"] == "footlocker_2018" and row["model_id"]:
                models[row["model_id"]][row["product_id"]].append(file)
    found = []
    for (source, product), files in views.items():
        for number, file in enumerate(sorted(files)):
            found.append((source, product, 1 + number % 2, file))
    for products in models.values():
        if len(products) > 1:
            for number, (product, files) in enumerate(sorted(products.items())):
                found.extend(("footlocker_2018", product, 1 + number % 2, f) for f in files)
    return found


def _picture(file: Path, settings: Settings) -> Image:
    return decode(
        file, max_bytes=settings.max_image_bytes, max_pixels=settings.max_image_pixels
    ).image


def main() -> None:
    """Prints pairs joined, right and wrong, by threshold."""
    parser = argparse.ArgumentParser(description=__doc__)
    settings = get_settings()
    parser.add_argument("--encoder", default=settings.encoder)
    name = parser.parse_args().encoder
    data = data_dir()
    if data is None:
        raise SystemExit("no data")
    encoder = open_encoder(name, settings)
    verifier = open_verifier(name, settings)
    rules = load_rules()
    pictures = dealt(data / "shoes")
    offers: dict[tuple[str, str, int], int] = {}
    pairs, taken = [], defaultdict(int)
    for start in range(0, len(pictures), 64):
        part = pictures[start : start + 64]
        rows = encoder.encode([_picture(file, settings) for *_, file in part])
        for (source, product, shop, _), vector in zip(part, rows, strict=True):
            offer = offers.setdefault((source, product, shop), len(offers) + 1)
            taken[offer] += 1
            if taken[offer] <= rules.pictures:
                pairs.append((offer, np.asarray(vector, np.float32)))
    facts = {offer: key for key, offer in offers.items()}
    blank = dict.fromkeys(("style_code", "gtin", "model", "colourway", "gender", "brand_id"))
    groups = _Groups(
        [{**blank, "id": o, "product_id": o, "shop_id": key[2], "origin": str(o)}
         for o, key in facts.items()], set(),
    )  # fmt: skip
    possible = [key[:2] for key in offers if key[2] == 1 and (*key[:2], 2) in offers]
    held = {key for key in possible if key[0] in HELD_OUT}
    kind = "verifier" if verifier else "cosine"
    default = rules.probability if verifier else rules.cosine.get(name, rules.cosine["default"])
    print(f"{name}, {kind}: {len(pairs)} pictures, {len(offers)} offers, {len(possible)} products")
    print(f"in both shops ({len(held)} held out of training); default threshold {default}")
    for least in sorted({default, 0.5, 0.8, 0.9, 0.95, 0.97, 0.98, 0.99, 0.995}):
        tried = type(rules)(rules.pictures, least, rules.margin, {"default": least})
        edges = by_pictures(groups, pairs, name, verifier, tried)
        right = [facts[e.one][:2] for e in edges if facts[e.one][:2] == facts[e.other][:2]]
        colours = sum(facts[e.one][0] == "footlocker_2018" for e in edges)
        precision = len(right) / len(edges) if edges else float("nan")
        mark = "  <- default" if least == default else ""
        print(f"{least:6}: {len(edges):4} joined, precision {precision:.3f}, recall"
              f" {len(right) / len(possible):.3f} (held out"
              f" {sum(r in held for r in right) / max(1, len(held)):.3f}),"
              f" {colours} with a footlocker colourway{mark}")  # fmt: skip


if __name__ == "__main__":
    main()
