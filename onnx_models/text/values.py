"""Brands, colours and types: asked for by themselves, and what a vector must have of them."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from onnx_models.dataset import F32
from onnx_models.gates import logistic
from onnx_models.text.words import Asked, Facts, Writer

FIELDS: Final = ("brand", "colour", "type", "gender", "title", "model")
VALUES: Final = ("brand", "colour", "type")
LEAST: Final = 10
"""Pictures that a value must have to be asked for by itself."""
RARE: Final = 0.3
"""Power of a value's frequency by which it is asked for."""
TOLD: Final = (*VALUES, "gender")
USUAL: Final = ("type", "sneaker")
"""What most pictures are, and what buyers call them beside a brand without asking for it."""
USUAL_WEIGHT: Final = 0.1
"""Of its log-odds beside one other value. At 1 validation pictures' precision@10 of brands falls
from .63 to .48: "puma sneakers" then finds what is most a sneaker."""
RIDGE: Final = 0.1
NEGATIVES: Final = 4_000
"""At most so many pictures without a value stand against those that have it."""


class Fits:
    """Which pictures fit a text: facts as integer codes, -1 unknown."""

    def __init__(self, facts: list[Facts]) -> None:
        self.tables: dict[str, dict[str, int]] = {}
        self.codes: dict[str, np.ndarray[Any, Any]] = {}
        for field in FIELDS:
            table: dict[str, int] = {}
            values = [getattr(fact, field) for fact in facts]
            self.codes[field] = np.array(
                [table.setdefault(v, len(table)) if v else -1 for v in values]
            )
            self.tables[field] = table
        colours = self.tables["colour"]
        self.open = np.zeros((len(facts), len(colours)), bool)
        for row, fact in zip(self.open, facts, strict=True):
            row[[colours[colour] for colour in fact.also if colour in colours]] = True
        models, brands = self.codes["model"], self.codes["brand"]
        self.makers = np.zeros((len(self.tables["model"]), len(self.tables["brand"])), bool)
        both = (models >= 0) & (brands >= 0)
        self.makers[models[both], brands[both]] = True

    def targets(self, asked: list[Asked], pool: np.ndarray[Any, Any]) -> tuple[F32, F32]:
        """(n, pool) shares that sum to 1 a row, and (n, pool) 1 where the picture counts."""
        fits = np.ones((len(asked), len(pool)), bool)
        known = np.ones_like(fits)
        for field in FIELDS:
            codes = self.codes[field][pool]
            wanted = np.array([self.tables[field].get(getattr(a, field), -1) for a in asked])
            on = wanted >= 0
            fits[on] &= codes[None] == wanted[on, None]
            if field == "model":  # whoever never made it has not made this one either
                brands = self.codes["brand"][pool]
                others = (brands >= 0) & ~self.makers[wanted[on]][:, brands]
                known[on] &= (codes[None] >= 0) | others
            elif field != "title":  # a picture without a title is another product, not an unknown
                known[on] &= codes[None] >= 0
            if field == "colour":
                known[on] &= ~self.open[pool][:, wanted[on]].T
        share = fits / np.maximum(fits.sum(1, keepdims=True), 1)
        return share.astype(np.float32), (known | fits).astype(np.float32)

    def named(
        self, asked: list[Asked], pool: np.ndarray[Any, Any], field: str
    ) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], F32]:
        """What pictures say: which of the texts ask for a value of ``field`` (t,), which of
        ``pool`` have a value that is asked for (p,), and the shares (p, t) of these texts that name
        it, a row's sum 1."""
        wanted = np.array([self.tables[field].get(getattr(a, field), -1) for a in asked])
        texts = np.flatnonzero(wanted >= 0)
        codes = self.codes[field][pool]
        pictures = np.flatnonzero((codes >= 0) & np.isin(codes, wanted[texts]))
        right = codes[pictures][:, None] == wanted[texts][None]
        share = right / np.maximum(right.sum(1, keepdims=True), 1)
        return texts, pictures, share.astype(np.float32)


class Values:
    """Brands, colours and types, each by itself: rare ones are asked for nearly as often."""

    def __init__(self, facts: list[Facts]) -> None:
        self.rows: dict[str, dict[str, list[int]]] = {}
        for field in VALUES:
            rows: dict[str, list[int]] = defaultdict(list)
            for row, fact in enumerate(facts):
                if value := getattr(fact, field):
                    rows[value].append(row)
            self.rows[field] = {v: r for v, r in rows.items() if len(r) >= LEAST}

    def ask(self, writer: Writer, rng: np.random.Generator) -> tuple[int, Asked]:
        """A picture, and a text that asks for one thing of it."""
        field = str(rng.choice([field for field, rows in self.rows.items() if rows]))
        rows = self.rows[field]
        chance = np.array([len(some) for some in rows.values()]) ** RARE
        value = list(rows)[int(rng.choice(len(rows), p=chance / chance.sum()))]
        asked = {field: value}
        if field == "brand" and rng.random() < 0.6:
            asked["type"] = "sneaker"
        return int(rng.choice(rows[value])), writer.phrase(asked, str(rng.choice(["en", "ru"])))


class Directions:
    """What a linear classifier looks for in a picture's vector where one value is asked for, and
    the sum of these log-odds where several are (naive Bayes).

    Contrast of texts with pictures alone learns values worse than the classifiers do: of validation
    pictures precision@10 was .58, .69 and .56 for .63, .79 and .66 (brand, colour, type)."""

    def __init__(self, vectors: F32, fits: Fits, seed: int) -> None:
        """``vectors`` (n, d) of pictures as a catalogue keeps them, and what is known of them."""
        rng = np.random.default_rng(seed)
        self.dim, self.weights = vectors.shape[1], {}
        for field in TOLD:
            codes, table = fits.codes[field], fits.tables[field]
            for value in sorted(table):
                has = np.flatnonzero(codes == table[value])
                lacking = (codes >= 0) & (codes != table[value])
                if field == "colour":
                    lacking &= ~fits.open[:, table[value]]
                lacks = np.flatnonzero(lacking)
                if len(has) < LEAST or len(lacks) < LEAST:
                    continue
                lacks = rng.permutation(lacks)[:NEGATIVES]
                rows = np.concatenate([has, lacks])
                found, _ = logistic(vectors[rows], np.arange(len(rows)) < len(has), RIDGE)
                self.weights[field, value] = found

    def targets(self, asked: list[Asked]) -> tuple[Tensor, Tensor]:
        """Unit vectors (n, d), and how many values (n,) a text asks for beside USUAL, at least one:
        0 where it has none: an unknown value, or a title."""
        told = np.zeros((len(asked), self.dim), np.float32)
        values = np.zeros(len(asked), np.int64)
        for row, text in enumerate(asked):
            wanted = [(field, getattr(text, field)) for field in TOLD if getattr(text, field)]
            if text.title or not wanted or not all(one in self.weights for one in wanted):
                continue
            others = len(wanted) - (USUAL in wanted)
            usual = USUAL_WEIGHT if others == 1 else 1.0
            total = np.sum(
                [self.weights[one] * (usual if one == USUAL else 1.0) for one in wanted], axis=0
            )
            told[row], values[row] = total / np.linalg.norm(total), max(others, 1)
        return torch.from_numpy(told), torch.from_numpy(values)
