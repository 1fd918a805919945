"""``python -m tests.benchmarks.matching [--look FILE]``: offers of two shops joined, on real
photographs whose products are known.

Both shops sell the goods of seven sources, four fifths of them in common. The first tells of them
as the data do. The second uses other words (:mod:`tests.benchmarks.retold`), and shows other views
of the multi-view products, the same photograph handled once more of the rest. All colourways of a
model (``model_id``) are there, so that each has rivals that must not be joined; a fifth of the
goods is sold by one shop only, so that a rival is all there is.

The rules are those of ``etl/match``, at their shipped thresholds. ``--look`` writes a sheet of the
joins that the labels call wrong.
"""

from __future__ import annotations

import argparse
import csv
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL.Image import Image

from app.settings import Settings, get_settings
from app.vision.image import decode
from etl.match.groups import Groups
from etl.match.keys import by_words
from etl.match.photographs import Looks, Shown, by_photographs
from etl.match.prints import Prints, take_print
from etl.match.rules import load_rules
from tests.benchmarks.retold import photograph, words
from tests.conftest import data_dir

VIEWS = ("nike_vn_multiview", "es_shop_multiview", "bazaizai_multiview", "projeto_nike_multiview")
SINGLE = ("footlocker_2018", "nike_com_2023", "restocks_nike_jordan")


@dataclass
class Offer:
    """An offer of one of the two shops, and which product it is in truth."""

    id: int
    shop: int
    truth: tuple[str, str]
    model: str
    facts: dict[str, Any]
    files: list[Path] = field(default_factory=list)
    prints: list[bytes] = field(default_factory=list)


def offers(folder: Path, settings: Settings) -> list[Offer]:
    """What both shops sell."""
    labels: dict[tuple[str, str], list[dict[str, str]]] = defaultdict(list)
    with (folder / "labels.csv").open(encoding="utf-8") as handle:
        for label in csv.DictReader(handle):
            if label["source"] in (*VIEWS, *SINGLE):
                labels[label["source"], label["product_id"]].append(label)
    found: list[Offer] = []
    for truth, group in sorted(labels.items()):
        rng = random.Random(f"{truth}")
        first = group[0]
        where = rng.choices(((1, 2), (1,), (2,)), (8, 1, 1))[0]
        pictures = sorted(folder / label["file"] for label in group)
        for shop in where:
            views = pictures[shop - 1 :: 2] if len(pictures) > 1 else pictures
            told = words(rng, first) if shop == 2 else {
                "title": first["text"], "brand": first["brand"], "colourway": first["colour"],
                "gender": None,
            }  # fmt: skip
            taken = [_picture(file, settings) for file in views]
            if shop == 2 and truth[0] in SINGLE:
                taken = [photograph(rng, picture) for picture in taken]
            facts = {name: value or None for name, value in told.items()}
            found.append(
                Offer(len(found) + 1, shop, truth, first["model_id"], facts, views,
                      [take_print(picture) for picture in taken])
            )  # fmt: skip
    return found


def _picture(file: Path, settings: Settings) -> Image:
    return decode(
        file, max_bytes=settings.max_image_bytes, max_pixels=settings.max_image_pixels
    ).image


def joined(found: Sequence[Offer], *, by: str) -> list[tuple[Offer, Offer]]:
    """Pairs of the two shops' offers that end under one product."""
    rules = load_rules()
    silent = dict.fromkeys(("title", "brand", "colourway", "gender"))
    groups = Groups(
        [
            {**(o.facts if by != "pictures" else silent), "id": o.id, "product_id": o.id,
             "shop_id": o.shop, "origin": str(o.id), "style_code": None, "gtin": None,
             "model": None}
            for o in found
        ],
        set(),
    )  # fmt: skip
    shown, prints = [], []
    for offer in found:
        for one in offer.prints[: rules.pictures]:
            shown.append(Shown(offer.id, len(prints)))
            prints.append(one)
    taken = Prints(prints)
    if by != "words":
        groups.plan(by_photographs(groups, shown, taken, rules))
    if by != "pictures":
        looks = None if by == "words" else Looks(shown, taken, rules)
        edges = list(by_words(groups))
        groups.plan(e for e in edges if looks is None or not looks.apart(e))
    by_id = {o.id: o for o in found}
    pairs = []
    for group in {id(g): g for g in groups.of.values()}.values():
        members = [by_id[o] for o in group.offers]
        pairs += [(a, b) for a in members for b in members if a.shop < b.shop]
    return pairs


def main() -> None:
    """Prints precision and recall of words, of pictures, and of both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--look", type=Path, help="where to write a sheet of the wrong joins")
    asked = parser.parse_args()
    data = data_dir()
    if data is None:
        raise SystemExit("no data")
    found = offers(data / "shoes", get_settings())
    both = {o.truth for o in found if o.shop == 1} & {o.truth for o in found if o.shop == 2}
    pictures = sum(len(o.prints) for o in found)
    print(f"{len(found)} offers, {pictures} pictures, {len(both)} products in both shops")
    for by in ("words", "pictures", "words and pictures"):
        pairs = joined(found, by=by)
        right = [a for a, b in pairs if a.truth == b.truth]
        wrong = [(a, b) for a, b in pairs if a.truth != b.truth]
        colourways = sum(bool(a.model) and a.model == b.model for a, b in wrong)
        precision = len(right) / max(1, len(pairs))
        print(f"{by}: {len(pairs)} joined, precision {precision:.4f}, recall"
              f" {len(right) / len(both):.3f}; {colourways} pairs of colourways")  # fmt: skip
        for source in (*VIEWS, *SINGLE):
            possible = sum(t[0] == source for t in both)
            mine = sum(a.truth[0] == source for a in right)
            bad = sum(source in (a.truth[0], b.truth[0]) for a, b in wrong)
            print(f"    {source:24} {mine:5} of {possible:5} found, {bad} wrong")
        if by == "words and pictures" and asked.look:
            from tests.benchmarks.sheet import pairs_sheet

            pairs_sheet([(a.files[0], b.files[0]) for a, b in wrong[:30]], asked.look)
        for a, b in wrong[:8]:
            print(f"    wrong: {a.facts['title']} | {b.facts['title']}")


if __name__ == "__main__":
    main()
