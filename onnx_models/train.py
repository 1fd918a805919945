"""Train the project's own sneaker encoder from its own initialisation and export it.

    python -m onnx_models.train --data DIR --out onnx_models/solemate-s1 --minutes 70 --seed 0

The learning rate follows the wall clock, so a run ends on time on any machine. It resumes with
``--resume`` and writes a usable artifact every ``--export-every`` minutes.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from onnx_models.augment import backdrop_pool
from onnx_models.dataset import Cache, Row, build_cache, codes, read_rows, shoes_folder
from onnx_models.loader import SCENES, Batch, Batches
from onnx_models.losses import Contrast
from onnx_models.model import Encoder, Output, Shape
from onnx_models.teachers import teacher_features, whiten
from onnx_models.to_onnx import write_artifact
from onnx_models.validate import Validation

SERVED: Final = 128
# Small views first: more steps an hour. The last stretch sees nearly what serving sees (the gap
# that remains is on purpose: arXiv 1906.06423, a test size above the training size).
SIZES: Final = ((0.0, 96), (0.55, 112))
BATCH: Final = 128
PEAK: Final = 1.5e-3
WARMUP: Final = 0.03
DECAY: Final = 0.05
AVERAGE: Final = 0.998
TWIN: Final = 0.8
WEIGHTS: Final = {"shape": 0.5, "colour": 0.4, "teacher": 2.0, "mask": 0.5, "label": 0.15}


@dataclass(frozen=True)
class Targets:
    """What is known of every photograph and drawn scene (n + SCENES); -1 = unknown label.

    A scene is its own product, has an empty mask and no teacher (zeros give no gradient).
    """

    products: Tensor
    teachers: Tensor
    distil: bool
    brands: Tensor
    categories: Tensor
    masked: Tensor


def _labels(values: list[str], rows: list[Row]) -> tuple[Tensor, int]:
    """Codes of the values that occur at least 20 times in training; -1 elsewhere."""
    seen = Counter(v for v, row in zip(values, rows, strict=True) if row.split == "train" and v)
    table = {value: i for i, (value, n) in enumerate(sorted(seen.items())) if n >= 20}
    table = {value: i for i, value in enumerate(table)}
    return torch.tensor([table.get(v, -1) for v in values]), max(1, len(table))


def _targets(
    folder: Path, rows: list[Row], cache: Cache, where: Path, teachers: Path | None
) -> tuple[Targets, Shape]:
    brands, brand_count = _labels([row.brand for row in rows], rows)
    categories, category_count = _labels([row.category for row in rows], rows)
    shape = Shape(brands=brand_count, categories=category_count)
    clean = np.zeros((len(rows), shape.teacher_dim), np.float32)
    if teachers is not None:
        features = teacher_features(folder, rows, teachers, where)
        train = features[[row.split == "train" for row in rows]]
        clean = whiten(features, train, shape.teacher_dim)
    products = torch.from_numpy(codes([row.product for row in rows]))
    blank = torch.full((SCENES,), -1)
    targets = Targets(
        torch.cat([products, len(rows) + torch.arange(SCENES)]),
        torch.from_numpy(np.concatenate([clean, np.zeros((SCENES, clean.shape[1]), np.float32)])),
        teachers is not None,
        torch.cat([brands, blank]),
        torch.cat([categories, blank]),
        torch.cat([torch.from_numpy(cache.masked), torch.ones(SCENES, dtype=torch.bool)]),
    )
    return targets, shape


def _loss(
    forward: Callable[[Tensor], Output],
    weights: Tensor,
    contrast: Contrast,
    batch: Batch,
    targets: Targets,
) -> tuple[Tensor, dict[str, float]]:
    """Total loss and its parts for one batch."""
    out = forward(batch.images.float() / 255)
    half = len(batch.rows) // 2
    rows = batch.rows
    clean = targets.teachers[rows]
    products = targets.products[rows[:half]]
    parts = contrast(
        (out.shape[:half], out.colour[:half]),
        (out.shape[half:], out.colour[half:]),
        weights,
        products,
        (clean[:half], clean[half:]),
    )
    mask = nn.functional.adaptive_avg_pool2d(
        batch.masks.float()[:, None] / 255, out.mask.shape[1:]
    )[:, 0]
    wrong = nn.functional.binary_cross_entropy_with_logits(out.mask, mask, reduction="none").mean(
        (1, 2)
    )
    known = targets.masked[rows].float()
    total = {
        "both": parts[0],
        "shape": parts[1],
        "colour": parts[2],
        "mask": (wrong * known).sum() / known.sum().clamp(min=1),
        "label": nn.functional.cross_entropy(out.brand, targets.brands[rows], ignore_index=-1)
        + nn.functional.cross_entropy(out.category, targets.categories[rows], ignore_index=-1),
    }
    if targets.distil:
        total["teacher"] = (1 - nn.functional.cosine_similarity(out.teacher, clean, dim=1)).mean()
    loss = torch.stack([WEIGHTS.get(name, 1.0) * value for name, value in total.items()]).sum()
    return loss, {name: value.item() for name, value in total.items()}


def _optimiser(modules: list[nn.Module]) -> torch.optim.Optimizer:
    """AdamW (arXiv 1711.05101); no decay on biases, norms and scalars."""
    parameters = [p for module in modules for p in module.parameters()]
    return torch.optim.AdamW(
        [
            {"params": [p for p in parameters if p.ndim > 1], "weight_decay": DECAY},
            {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
        ],
        lr=PEAK,
    )


def _rate(progress: float) -> float:
    """Learning rate at a share of the wall-clock budget: linear warm-up, then a cosine to zero."""
    if progress < WARMUP:
        return PEAK * max(progress / WARMUP, 0.02)
    return PEAK * 0.5 * (1 + math.cos(math.pi * min(1.0, (progress - WARMUP) / (1 - WARMUP))))


def _side(progress: float) -> int:
    """Side of the training views, pixels, at a share of the budget."""
    return [side for start, side in SIZES if progress >= start][-1]


@torch.no_grad()
def _average(slow: Encoder, fast: Encoder, step: int) -> None:
    """Exponential moving average of weights and statistics (arXiv 1803.05407's cheap cousin)."""
    keep = min(AVERAGE, (1 + step) / (10 + step))
    for old, new in zip(slow.state_dict().values(), fast.state_dict().values(), strict=True):
        if old.dtype.is_floating_point:
            old.lerp_(new, 1 - keep)
        else:
            old.copy_(new)


def train(arguments: argparse.Namespace) -> None:
    """The whole run: cache, teachers, training, validation, export."""
    torch.manual_seed(arguments.seed)
    folder = shoes_folder(arguments.data)
    where: Path = arguments.cache
    rows = read_rows(folder)
    cache = build_cache(folder, rows, where, SERVED)
    targets, shape = _targets(folder, rows, cache, where, arguments.teachers)
    trainable = np.array([i for i, row in enumerate(rows) if row.split == "train"])
    wild = trainable[[rows[i].setting == "wild" for i in trainable]]
    backdrops = backdrop_pool(cache.rgba, wild, trainable, 1500, arguments.seed)
    held = np.array([i for i, row in enumerate(rows) if row.split == "validation"])
    held_wild = held[[rows[i].setting == "wild" for i in held]]
    fresh = backdrop_pool(cache.rgba, held_wild, held, 400, arguments.seed + 1)
    validation = Validation(rows, cache, fresh, SERVED, arguments.seed)

    encoder, slow = Encoder(shape), Encoder(shape)
    slow.load_state_dict(encoder.state_dict())
    encoder = encoder.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    contrast = Contrast(TWIN if targets.distil else 2.0)
    optimiser = _optimiser([encoder, contrast])
    forward: Callable[[Tensor], Output] = encoder
    if arguments.compile:
        forward = torch.compile(encoder, dynamic=False)
    step, before = 0, 0.0
    checkpoint = where / f"checkpoint-{arguments.out.name}.pt"
    if arguments.resume and checkpoint.exists():
        state: dict[str, Any] = torch.load(checkpoint, weights_only=True)
        encoder.load_state_dict(state["encoder"])
        slow.load_state_dict(state["slow"])
        contrast.load_state_dict(state["contrast"])
        optimiser.load_state_dict(state["optimiser"])
        step, before = state["step"], state["elapsed"]

    budget = arguments.minutes * 60
    size = multiprocessing.get_context("spawn").Value("i", _side(before / budget))
    stream = Batches(rows, cache, backdrops, BATCH, size, arguments.seed + 1000 * step)
    loader = DataLoader(
        stream, batch_size=None, num_workers=1, prefetch_factor=6, multiprocessing_context="fork"
    )
    log = (where / f"log-{arguments.out.name}.jsonl").open("a", encoding="utf-8")
    start = time.monotonic()
    saved = exported = checked = before
    running: Counter[str] = Counter()
    since, since_time = step, start

    def elapsed() -> float:
        return before + time.monotonic() - start

    def note(**entry: object) -> None:
        line = json.dumps({"step": step, "minutes": round(elapsed() / 60, 2), **entry})
        print(line, flush=True)
        log.write(line + "\n")
        log.flush()

    for batch in loader:
        progress = elapsed() / budget
        if progress >= 1:
            break
        encoder.train()
        size.value = _side(progress)
        for group in optimiser.param_groups:
            group["lr"] = _rate(progress)
        loss, parts = _loss(forward, encoder.weights(), contrast, batch, targets)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(encoder.parameters(), 5.0)
        optimiser.step()
        step += 1
        _average(slow, encoder, step)
        running.update(parts)
        if step % 50 == 0:
            now = time.monotonic()
            note(
                loss={name: round(value / (step - since), 4) for name, value in running.items()},
                pairs_per_second=round((step - since) * BATCH / (now - since_time), 1),
                shape_weight=round(encoder.weights()[0].item(), 3),
                scales=[round(v, 1) for v in contrast.scales.exp().tolist()],
            )
            running.clear()
            since, since_time = step, time.monotonic()
        if elapsed() - checked > arguments.check_every * 60:
            note(validation=validation.measure(slow))
            checked = elapsed()
        if elapsed() - saved > 180:
            _save(checkpoint, encoder, slow, contrast, optimiser, step, elapsed())
            saved = elapsed()
        if elapsed() - exported > arguments.export_every * 60:
            write_artifact(
                slow, rows, cache, arguments.out, fresh, step, elapsed() / 60, quick=True
            )
            exported = elapsed()
    _save(checkpoint, encoder, slow, contrast, optimiser, step, elapsed())
    note(validation=validation.measure(slow), final=True)
    write_artifact(slow, rows, cache, arguments.out, fresh, step, elapsed() / 60)


def _save(
    path: Path,
    encoder: Encoder,
    slow: Encoder,
    contrast: Contrast,
    optimiser: torch.optim.Optimizer,
    step: int,
    elapsed: float,
) -> None:
    """Write a checkpoint whole or not at all."""
    part = path.with_suffix(".part")
    torch.save(
        {
            "encoder": encoder.state_dict(),
            "slow": slow.state_dict(),
            "contrast": contrast.state_dict(),
            "optimiser": optimiser.state_dict(),
            "step": step,
            "elapsed": elapsed,
            "shape": encoder.sizes.as_dict(),
        },
        part,
    )
    part.replace(path)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder with shoes/labels.csv")
    parser.add_argument("--out", type=Path, required=True, help="artifact folder")
    parser.add_argument("--teachers", type=Path, help="folder of the reference models")
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "solemate" / "train")
    parser.add_argument("--minutes", type=float, default=70.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--compile", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--check-every", type=float, default=8.0, help="minutes")
    parser.add_argument("--export-every", type=float, default=20.0, help="minutes")
    train(parser.parse_args())


if __name__ == "__main__":
    main()
