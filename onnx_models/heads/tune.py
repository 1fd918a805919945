"""Temperatures, thresholds, the neighbours' share, and the figures, all on validation products."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from app.vision.colours import COLOURS
from onnx_models.dataset import F32, I64, Row
from onnx_models.heads import scores
from onnx_models.heads.labels import CATEGORIES, GENDERS, OUTLIER, UNKNOWN
from onnx_models.heads.network import HeadsNetwork
from onnx_models.heads.scores import Array
from onnx_models.heads.train import KNOWN_SHARE, PEER_BRANDS, SAID, Setup, predict
from onnx_models.metrics import roc_auc

NEIGHBOURS: Final = 10
KEPT_SHOES: Final = 0.99
COPIES: Final = (0, 1)
"""Calibrated on: the shop's pictures and the mildest re-shot copy."""


def neighbour_votes(task: Setup, copy: int, codes: I64, count: int, heat: float) -> F32:
    """Shares (validation, count) that the nearest training products give each class; without their
    own product by the split."""
    gallery = task.kept[task.train]
    result = np.zeros((len(task.validation), count), np.float32)
    for line, row in enumerate(task.validation):
        similarity = gallery @ task.asking[copy, row]
        near = np.argpartition(-similarity, NEIGHBOURS)[:NEIGHBOURS]
        weights = np.exp((similarity[near] - similarity[near].max()) / heat)
        weights /= weights.sum()
        for weight, code in zip(weights, codes[task.train[near]], strict=True):
            if code >= 0:
                result[line, code] += weight
    return result


def _colour_shares(logits: Array, truth: Array) -> tuple[float, float, float, float]:
    """(colour_2, colour_3, F1 of the named sets, share of first colours among the told)."""
    shares = scores.softmax(logits)
    order = np.argsort(-shares, axis=1)
    top = np.take_along_axis(shares, order, 1)
    ratio = top[:, 1:3] / top[:, :1]
    told = np.take_along_axis(truth > 0, order, 1)
    best = (1.0, 1.0, -1.0)
    for second in np.linspace(0.2, 1.0, 17):
        for third in np.linspace(0.3, 1.0, 15):
            use2 = ratio[:, 0] >= second
            use3 = use2 & (ratio[:, 1] >= third)
            hits = told[:, 0].sum() + (told[:, 1] & use2).sum() + (told[:, 2] & use3).sum()
            said = len(told) + use2.sum() + use3.sum()
            value = float(2 * hits / (said + told.sum()))
            if value > best[2]:
                best = (round(float(second), 3), round(float(third), 3), value)
    return (*best, float(told[:, 0].mean()))


def report(network: HeadsNetwork, task: Setup, rows: list[Row]) -> dict[str, Any]:
    """Everything heads.json says but the digests."""
    labels, held = task.labels, task.validation
    logits = {copy: predict(network, task.features[copy, held]) for copy in COPIES}
    strange, unseen = predict(network, task.strange_validation), predict(network, task.heldout)
    metrics: dict[str, Any] = {"validation_pictures": len(held)}
    products = np.array([rows[i].product for i in held])
    heats: dict[str, float] = {}
    least: dict[str, float] = {}

    shoes = np.concatenate([logits[copy]["shoe"] for copy in COPIES])
    both = np.concatenate([shoes, strange["shoe"]])
    is_shoe = np.r_[np.ones(len(shoes)), np.zeros(len(strange["shoe"]))].astype(int)
    heats["shoe"] = scores.temperature(both, is_shoe)
    lowest = np.quantile(shoes, 1 - KEPT_SHOES) / heats["shoe"]
    least["shoe"] = round(float(scores.sigmoid(lowest)), 4)
    for name, other in (("drawn", strange["shoe"]), ("unseen_kinds", unseen["shoe"])):
        for copy in COPIES:
            own = logits[copy]["shoe"]
            value = roc_auc(np.r_[own, other], np.arange(len(own) + len(other)) < len(own))
            metrics[f"is_shoe_auroc_{name}_{'reshot' if copy else 'clean'}"] = round(value, 4)
        passed = scores.sigmoid(other / heats["shoe"]) >= least["shoe"]
        metrics[f"is_shoe_false_accepts_{name}"] = round(float(passed.mean()), 4)
    kind = labels.sneaker[held]
    told = kind != UNKNOWN
    many = np.concatenate([logits[copy]["sneaker"][told] for copy in COPIES])
    heats["sneaker"] = scores.temperature(many, np.tile(kind[told], len(COPIES)))
    kept = many[np.tile(kind[told], len(COPIES)) == 1]
    least["sneaker"] = round(float(scores.sigmoid(np.quantile(kept, 0.05) / heats["sneaker"])), 4)
    for copy in COPIES:
        shot = "reshot" if copy else "clean"
        own = logits[copy]["sneaker"][told]
        metrics[f"is_sneaker_auroc_{shot}"] = round(roc_auc(own, kind[told] == 1), 4)
        others = scores.sigmoid(own[kind[told] == 0] / heats["sneaker"])
        metrics[f"is_sneaker_false_accepts_at_95_{shot}"] = round(
            float((others >= least["sneaker"]).mean()), 4
        )
    metrics["other_shoes"] = int((kind == 0).sum())

    vote = _tune(task, logits, heats, least, metrics, products)
    told_colours = labels.colours[held].sum(axis=1) > 0
    for copy in reversed(COPIES):
        shot = "reshot" if copy else "clean"
        second, third, value, first = _colour_shares(
            logits[copy]["colours"][told_colours], labels.colours[held][told_colours]
        )
        metrics[f"colours_f1_{shot}"] = round(value, 3)
        metrics[f"first_colour_told_{shot}"] = round(first, 3)
    least["colour_2"], least["colour_3"] = second, third
    return {
        "width": int(task.features.shape[2]),
        "classes": {
            "brand": labels.brands, "silhouette": labels.silhouettes, "colours": COLOURS,
            "category": CATEGORIES, "gender": GENDERS,
        },
        "temperatures": heats,
        "thresholds": least,
        "vote": vote,
        "how": "Calibrated on the validation products, their pictures as they are and re-shot by "
        f"the training camera at its mildest. shoe: {KEPT_SHOES:.0%} of shoes pass; brand, "
        f"silhouette: {KNOWN_SHARE:.0%} of what is said is right; sneaker: 95 % of sneakers pass.",
        "metrics": metrics,
    }  # fmt: skip


def _tune(
    task: Setup,
    logits: dict[int, dict[str, F32]],
    heats: dict[str, float],
    least: dict[str, float],
    metrics: dict[str, Any],
    products: Array,
) -> dict[str, Any]:
    """Temperature and threshold of each class head, the vote's share; fills the dicts given."""
    held = task.validation
    for name in SAID:
        codes = getattr(task.labels, name)[held]
        known = codes >= 0
        many = np.concatenate([logits[copy][name][known] for copy in COPIES])
        heats[name] = scores.temperature(many, np.tile(codes[known], len(COPIES)))
    brand = task.labels.brand[held]
    peer = (brand >= 0) & (brand < PEER_BRANDS)
    shares = {copy: scores.softmax(logits[copy]["brand"], heats["brand"]) for copy in COPIES}
    count = shares[0].shape[1]
    best: tuple[float, float, float] = (-1.0, 0.0, 0.1)
    for heat in (0.02, 0.05, 0.1, 0.2):
        votes = {c: neighbour_votes(task, c, task.labels.brand, count, heat) for c in COPIES}
        for mix in (0.0, 0.15, 0.3, 0.45, 0.6, 0.75):
            value = 0.0
            for copy in COPIES:
                mixed = (1 - mix) * shares[copy] + mix * votes[copy]
                guess = mixed[peer][:, :PEER_BRANDS].argmax(axis=1)
                value += scores.macro_f1(guess, brand[peer]) / len(COPIES)
            if value > best[0] + 1e-4:
                best = (value, mix, heat)
    _, mix, heat = best
    for name in SAID:
        codes = getattr(task.labels, name)[held]
        told = (codes >= 0) | (codes == OUTLIER)
        classes = logits[0][name].shape[1]
        plain, blended = [], []
        for copy in COPIES:
            own = scores.softmax(logits[copy][name], heats[name])
            plain.append(own)
            if name in ("brand", "silhouette"):
                voted = neighbour_votes(task, copy, getattr(task.labels, name), classes, heat)
                blended.append((1 - mix) * own + mix * voted)
        for kind, tables in (("", plain), ("_blended", blended)):
            if not tables:
                continue
            top = np.concatenate([table[told].max(axis=1) for table in tables])
            right = np.concatenate([table[told].argmax(axis=1) == codes[told] for table in tables])
            share = KNOWN_SHARE if name in ("brand", "silhouette") else 0.8
            least[name + kind] = scores.precise(top, right, share)
            for copy, table in zip(COPIES, tables, strict=True):
                shot = ("reshot" if copy else "clean") + kind
                _figures(name, shot, table, codes, products, least[name + kind], metrics)
    return {"mix": mix, "temperature": heat, "neighbours": NEIGHBOURS}


def _figures(
    name: str, shot: str, table: Array, codes: I64, products: Array, least: float,
    metrics: dict[str, Any],
) -> None:  # fmt: skip
    known = codes >= 0
    guess = table.argmax(axis=1)
    top = table.max(axis=1)
    metrics[f"{name}_accuracy_{shot}"] = round(float((guess == codes)[known].mean()), 3)
    metrics[f"{name}_macro_f1_{shot}"] = round(scores.macro_f1(guess[known], codes[known]), 3)
    metrics[f"{name}_n"] = int(known.sum())
    told = known | (codes == OUTLIER)
    said = told & (top >= least)
    metrics[f"{name}_said_{shot}"] = round(float(said.sum() / max(told.sum(), 1)), 3)
    metrics[f"{name}_right_when_said_{shot}"] = (
        round(float((guess == codes)[said].mean()), 3) if said.any() else None
    )
    if (codes == OUTLIER).any():
        value = roc_auc(top[told], codes[told] >= 0)
        metrics[f"{name}_open_set_auroc_{shot}"] = round(value, 3)
    if name == "brand":
        peer = known & (codes < PEER_BRANDS)
        among = table[:, :PEER_BRANDS].argmax(axis=1)
        metrics[f"brand13_macro_f1_{shot}"] = round(scores.macro_f1(among[peer], codes[peer]), 3)
        metrics[f"brand13_interval_{shot}"] = scores.f1_interval(
            among[peer], codes[peer], products[peer]
        )
        metrics["brand13_n"] = int(peer.sum())
