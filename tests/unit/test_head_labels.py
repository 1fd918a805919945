"""What labels.csv teaches the heads."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from onnx_models.dataset import read_rows
from onnx_models.heads.labels import OUTLIER, UNKNOWN, Labels, read_labels

COLUMNS = (
    "file", "source", "product_id", "brand", "model", "colour", "category", "view", "setting",
    "text", "price", "currency", "model_id", "gender", "orig_size",
)  # fmt: skip


def labels(folder: Path, several: list[tuple[str, str, str]]) -> Labels:
    """Of pictures by source, brand and model."""
    with (folder / "labels.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, COLUMNS, restval="")
        table.writeheader()
        for at, (source, brand, model) in enumerate(several):
            table.writerow({
                "file": f"{at}.jpg", "source": source, "product_id": f"p{at}", "brand": brand,
                "model": model, "category": "sneaker", "setting": "studio",
            })  # fmt: skip
    return read_labels(folder, read_rows(folder))[0]


def test_what_a_silhouette_is_not(tmp_path: Path) -> None:
    known = [("footlocker_2018", "Nike", "Nike Air Max 90")] * 40
    told = labels(tmp_path, [
        *known,
        ("footlocker_2018", "Nike", "Nike Air Max Tavas"),
        ("fashion_products_224", "Playboy", "Playboy Men Blue Shoes"),
        ("fashion_products_224", "Vans", "Vans Men Black & Brown Shoes"),
        ("kaggle_nike_adidas_converse", "Nike", ""),
        ("micah5_unlabelled", "", ""),
    ])  # fmt: skip
    assert told.silhouettes == ("Nike Air Max 90",)
    assert np.unique(told.silhouette[:40]).tolist() == [0]
    # A shop's full name that is no family, and a brand that makes none of them.
    assert told.silhouette[40:42].tolist() == [OUTLIER, OUTLIER]
    # A title that does not say which, no name, nothing.
    assert told.silhouette[42:].tolist() == [UNKNOWN] * 3
