"""Train an encoder's heads: ``python -m onnx_models.heads.train --encoder DIR --data DIR``.

The encoder is frozen and run once over the pictures (kept in the cache); then the heads take about
two minutes on one core. Writes heads.onnx and heads.json into the encoder's folder, and pair.onnx
and pair.json unless ``--no-pair``.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from app.vision.colours import COLOURS
from onnx_models.dataset import F32, I64, Row, build_cache, read_rows, shoes_folder
from onnx_models.heads.export import write_facts, write_onnx
from onnx_models.heads.frozen import Frozen
from onnx_models.heads.labels import CATEGORIES, GENDERS, OUTLIER, UNKNOWN, Labels, read_labels
from onnx_models.heads.network import WIDTHS, Exported, HeadsNetwork
from onnx_models.heads.pair import train_pair
from onnx_models.heads.pictures import Pictures, look

SEED: Final = 11
BATCH: Final = 512
STRANGE_BATCH: Final = 96
QUALITY: Final = (0.97, 0.4)
"""Targets by copy: as the shop shows it, then re-shot at rising strength. A stand-in: no one has
graded these photographs."""
KNOWN_SHARE: Final = 0.90
"""Of what is said of brand or silhouette on validation pictures, at least so much is right."""
PEER_BRANDS: Final = 13
SAID: Final = ("brand", "silhouette", "category", "gender")


@dataclass(frozen=True)
class Setup:
    """Training material: features (copies, n, F), vectors that ask (copies, n, D) and that are kept
    (n, D), rows by split, targets."""

    features: F32
    asking: F32
    kept: F32
    strange: F32
    strange_validation: F32
    heldout: F32
    train: I64
    validation: I64
    labels: Labels


def setup(rows: list[Row], labels: Labels, pictures: Pictures) -> Setup:
    """Arrays by split; every tenth drawn picture validates."""
    copies = (pictures.clean, *pictures.shots)
    split = np.array([row.split for row in rows])
    tenth = np.arange(len(pictures.strange.features)) % 10 == 0
    return Setup(
        np.stack([copy.features for copy in copies]),
        np.stack([copy.asking for copy in copies]),
        pictures.clean.kept,
        pictures.strange.features[~tenth],
        pictures.strange.features[tenth],
        pictures.heldout.features,
        np.flatnonzero(split == "train"),
        np.flatnonzero(split == "validation"),
        labels,
    )


def _weights(codes: I64, count: int) -> Tensor:
    """Class weights by the inverse root of frequency, mean 1."""
    counts = np.bincount(codes[codes >= 0], minlength=count)
    weights = 1 / np.sqrt(counts + 1.0)
    return torch.tensor(weights / weights.mean(), dtype=torch.float32)


def fit(task: Setup, steps: int, seed: int = SEED) -> HeadsNetwork:
    """Train all heads at once on one stream of batches."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    labels = task.labels
    everything = task.features[:, task.train].reshape(-1, task.features.shape[2])
    mean, deviation = everything.mean(axis=0), everything.std(axis=0) + 1e-4
    counts = {
        "brand": len(labels.brands), "silhouette": len(labels.silhouettes),
        "colours": len(COLOURS), "category": len(CATEGORIES), "gender": len(GENDERS),
    }  # fmt: skip
    network = HeadsNetwork(torch.tensor(mean), torch.tensor(deviation), counts)
    optimiser = torch.optim.AdamW(network.parameters(), 2e-3, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2e-3, total_steps=steps)
    targets = {name: getattr(labels, name) for name in SAID}
    balance = {name: _weights(targets[name][task.train], counts[name]) for name in SAID}
    few = float((labels.sneaker[task.train] == 0).mean() + 1e-3)
    # Half at random over rows, half over brands alike: rare brands must come by.
    brand = labels.brand[task.train]
    rarity = np.where(brand >= 0, 1 / np.sqrt(np.bincount(np.maximum(brand, 0))[brand]), 0.02)
    rarity /= rarity.sum()
    network.train()
    for _ in range(steps):
        half = BATCH // 2
        picked = np.concatenate(
            [rng.choice(task.train, half), rng.choice(task.train, half, p=rarity)]
        )
        copy = np.where(rng.random(BATCH) < 0.4, 0, rng.integers(0, len(task.features), BATCH))
        shoes = task.features[copy, picked]
        drawn = task.strange[rng.integers(0, len(task.strange), STRANGE_BATCH)]
        out = network(torch.from_numpy(np.concatenate([shoes, drawn])))
        own = {name: value[:BATCH] for name, value in out.items()}
        loss = _single_losses(out, own, labels, picked, copy, few)
        for name in SAID:
            loss = loss + _class_loss(own[name], targets[name][picked], balance[name])
        # Outlier exposure (Hendrycks et al. 2019, arXiv 1812.04606): no shoe, no brand.
        loss = loss - 0.1 * functional.log_softmax(out["brand"][BATCH:], 1).mean()
        share = torch.from_numpy(labels.colours[picked])
        told = share.sum(dim=1) > 0
        spread = functional.log_softmax(own["colours"][told], 1)
        loss = loss - (share[told] * spread).sum(dim=1).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    network.eval()
    return network


def _single_losses(
    out: dict[str, Tensor],
    own: dict[str, Tensor],
    labels: Labels,
    picked: I64,
    copy: I64,
    few: float,
) -> Tensor:
    truth = torch.cat([torch.ones(BATCH), torch.zeros(STRANGE_BATCH)])
    weight = torch.cat([torch.ones(BATCH), torch.full((STRANGE_BATCH,), BATCH / STRANGE_BATCH / 2)])
    shoe = functional.binary_cross_entropy_with_logits(out["shoe"], truth, weight=weight)
    sneaker = torch.from_numpy(labels.sneaker[picked])
    told = sneaker != UNKNOWN
    balance = torch.where(sneaker == 0, min(10.0, 0.5 / few), 1.0)[told]
    kind = functional.binary_cross_entropy_with_logits(
        own["sneaker"][told], sneaker[told].float(), weight=balance
    )
    grade = torch.tensor([QUALITY[min(int(c), len(QUALITY) - 1)] for c in copy])
    return shoe + kind + 0.5 * functional.binary_cross_entropy_with_logits(own["quality"], grade)


def _class_loss(logits: Tensor, codes: I64, balance: Tensor) -> Tensor:
    truth = torch.from_numpy(codes)
    known, strange = truth >= 0, truth == OUTLIER
    loss = logits.sum() * 0
    if known.any():
        loss = loss + functional.cross_entropy(
            logits[known], truth[known], weight=balance, label_smoothing=0.05
        )
    if strange.any():
        uniform = -functional.log_softmax(logits[strange], 1).mean(dim=1)
        loss = loss + 0.5 * uniform.sum() / len(logits)
    return loss


def predict(network: HeadsNetwork, features: F32) -> dict[str, F32]:
    """Logits by head."""
    with torch.inference_mode():
        out = network(torch.from_numpy(np.ascontiguousarray(features)))
    return {name: value.numpy() for name, value in out.items()}


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--encoder", type=Path, required=True)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "solemate" / "train")
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--out", type=Path, help="folder to write to; default: the encoder's")
    parser.add_argument("--no-pair", action="store_true", help="heads only")
    given = parser.parse_args()
    from onnx_models.heads.tune import report

    torch.set_num_threads(1)
    start = time.perf_counter()

    def say(text: str) -> None:
        print(f"[{time.perf_counter() - start:6.0f} s] {text}", flush=True)

    encoder = Frozen.load(given.encoder)
    folder = shoes_folder(given.data)
    rows = read_rows(folder)
    cache = build_cache(folder, rows, given.cache)
    labels, _ = read_labels(folder, rows)
    pictures = look(encoder, rows, cache, given.cache / "heads", say=say)
    out = given.out or given.encoder
    out.mkdir(parents=True, exist_ok=True)
    task = setup(rows, labels, pictures)
    network = fit(task, given.steps)
    say("heads trained")
    facts = report(network, task, rows)
    sample = torch.from_numpy(np.ascontiguousarray(task.features[0, :3]))
    write_onnx(Exported(network), (sample,), ["features"], list(WIDTHS), out / "heads.onnx")
    write_facts(out / "heads.json", out / "heads.onnx", encoder.sha256, facts)
    for name, value in facts["metrics"].items():
        say(f"{name}: {value}")
    if not given.no_pair:
        described: dict[str, Any] = train_pair(encoder, rows, task.asking, task.kept, out)
        for name, value in described["metrics"].items():
            say(f"pair {name}: {value}")


if __name__ == "__main__":
    main()
