"""Train the project's own sneaker encoder from its own initialisation.

    python -m onnx_models.train --data DIR --teachers DIR --out onnx_models/solemate-s2 --minutes 60

Stages, each kept under ``--cache`` and skipped when it is there: decode the photographs; teachers'
features; the bank of views; the finder; the bank through the finder; the trunk; then weights of
the parts, export, calibration and card (:mod:`onnx_models.finish`). ``--resume`` goes on with the
trunk. The learning rate follows the wall clock, so a run ends on time on any machine.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from onnx_models.augment import backdrop_pool
from onnx_models.bank import DRAWN_VIEWS, Bank, build_bank
from onnx_models.crops import build_crops
from onnx_models.dataset import Cache, Row, build_cache, read_rows, shoes_folder
from onnx_models.finder import Finder, train_finder
from onnx_models.labels import read_labels
from onnx_models.losses import Contrast, Labels
from onnx_models.model import Parts, Sizes, Trunk
from onnx_models.sampler import Batch, Sampler
from onnx_models.teachers import style_target, teacher_features, whiten
from onnx_models.validate import Validation

BATCH: Final = 128
PEAK: Final = 2e-3
WARMUP: Final = 0.03
DECAY: Final = 0.05
AVERAGE: Final = 0.999
TWIN: Final = 0.8
TEACHER: Final = 256
WEIGHTS: Final = {
    "both": 1.0, "detail": 0.5, "colour": 0.3, "model": 0.4, "style": 2.0, "teacher": 1.5,
    "label": 0.3,
}  # fmt: skip


@dataclass(frozen=True)
class Stage:
    """Everything that comes before the trunk."""

    rows: list[Row]
    cache: Cache
    bank: Bank
    finder: Finder
    where: Path


@dataclass(frozen=True)
class Targets:
    """By row: style (r, s), teacher (r, t), labels; drawn rows and the last (scenes) unknown."""

    style: Tensor
    teacher: Tensor
    labels: Tensor
    names: list[list[str]]


class Heads(nn.Module):
    """Training-only outputs: the teachers' components and the labels."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.teacher = nn.Linear(sizes.features, TEACHER)
        self.labels = Labels(sizes.attributes, sizes.labels)


def prepare(arguments: argparse.Namespace) -> Stage:
    """Cache, bank and finder, each made or opened."""
    where: Path = arguments.cache
    folder = shoes_folder(arguments.data)
    rows = read_rows(folder)
    cache = build_cache(folder, rows, where)
    teacher_features(folder, rows, arguments.teachers, where)
    trainable = np.array([i for i, row in enumerate(rows) if row.split == "train"])
    wild = trainable[[rows[i].setting == "wild" for i in trainable]]
    backdrops = backdrop_pool(cache.rgba, wild, trainable, 3000, arguments.seed)
    bank = build_bank(rows, cache, where, backdrops, arguments.seed)
    path = where / "finder.pt"
    if not path.exists():
        torch.save(train_finder(bank, arguments.finder_minutes, arguments.seed).state_dict(), path)
    finder = Finder()
    finder.load_state_dict(torch.load(path, weights_only=True))
    return Stage(rows, cache, bank, finder.eval(), where)


def targets(stage: Stage, sizes: Sizes) -> Targets:
    """What is known of every row; statistics of the training rows only."""
    features = np.load(stage.where / "teachers.npy")
    train = features[[row.split == "train" for row in stage.rows]]
    labels, names = read_labels(stage.rows)
    drawn = int(stage.bank.rows.max()) + 1 - len(stage.rows) + 1

    def padded(values: Any, fill: float) -> Tensor:
        more = np.full((drawn, values.shape[1]), fill, values.dtype)
        return torch.from_numpy(np.concatenate([values, more]))

    return Targets(
        padded(style_target(features, train, sizes.style), 0),
        padded(whiten(features, train, TEACHER), 0),
        padded(labels, -1),
        names,
    )


def _loss(
    parts: Parts, heads: Heads, contrast: Contrast, batch: Batch, known: Targets
) -> tuple[Tensor, dict[str, float]]:
    rows = batch.rows
    teacher, style = known.teacher[rows], known.style[rows]
    total = contrast(parts, batch.products, batch.models, teacher)
    real = (style.abs().sum(1) > 0).float()
    share = real.sum().clamp(min=1)
    total["style"] = ((1 - (parts.style * style).sum(1)) * real).sum() / share
    guess = nn.functional.cosine_similarity(heads.teacher(parts.features), teacher, dim=1)
    total["teacher"] = ((1 - guess) * real).sum() / share
    total["label"] = heads.labels(parts.attributes, known.labels[rows])
    loss = torch.stack([WEIGHTS[name] * value for name, value in total.items()]).sum()
    return loss, {name: value.item() for name, value in total.items()}


def _rate(progress: float) -> float:
    """Learning rate at a share of the wall-clock budget: linear warm-up, then a cosine to zero."""
    if progress < WARMUP:
        return PEAK * max(progress / WARMUP, 0.02)
    return PEAK * 0.5 * (1 + math.cos(math.pi * min(1.0, (progress - WARMUP) / (1 - WARMUP))))


@torch.no_grad()
def _average(slow: nn.Module, fast: nn.Module, step: int) -> None:
    """Exponential moving average of weights and statistics (arXiv 1803.05407's cheap cousin)."""
    keep = min(AVERAGE, (1 + step) / (10 + step))
    for old, new in zip(slow.state_dict().values(), fast.state_dict().values(), strict=True):
        if old.dtype.is_floating_point:
            old.lerp_(new, 1 - keep)
        else:
            old.copy_(new)


def train(arguments: argparse.Namespace) -> None:
    """The whole run."""
    torch.manual_seed(arguments.seed)
    stage = prepare(arguments)
    crops = build_crops(stage.bank, stage.where, stage.where / "finder.pt")
    names = read_labels(stage.rows)[1]
    sizes = Sizes(labels=tuple(max(1, len(found)) for found in names))
    known = targets(stage, sizes)
    sampler = Sampler(stage.rows, stage.bank, crops, len(DRAWN_VIEWS), BATCH, arguments.seed)
    validation = Validation(stage.rows, stage.cache, stage.finder, stage.where, arguments.seed)
    trunk, slow = Trunk(sizes), Trunk(sizes)
    slow.load_state_dict(trunk.state_dict())
    trunk = trunk.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    heads, contrast = Heads(sizes), Contrast(TWIN)
    modules: dict[str, nn.Module] = {
        "trunk": trunk, "slow": slow, "heads": heads, "contrast": contrast,
    }  # fmt: skip
    trained = [p for name in ("trunk", "heads", "contrast") for p in modules[name].parameters()]
    optimiser = torch.optim.AdamW(
        [
            {"params": [p for p in trained if p.ndim > 1], "weight_decay": DECAY},
            {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
        ],
        lr=PEAK,
    )
    path = stage.where / f"trunk-{arguments.out.name}.pt"
    step, before = 0, 0.0
    if arguments.resume and path.exists():
        state: dict[str, Any] = torch.load(path, weights_only=False)
        for name, module in modules.items():
            module.load_state_dict(state[name])
        optimiser.load_state_dict(state["optimiser"])
        step, before = state["step"], state["elapsed"]
        sampler.rng = np.random.default_rng((arguments.seed, step))
    forward = torch.compile(trunk, dynamic=False) if arguments.compile else trunk
    log = (stage.where / f"log-{arguments.out.name}.jsonl").open("a", encoding="utf-8")
    start = time.monotonic()
    checked = saved = before
    running: Counter[str] = Counter()
    since, since_time = step, start
    budget = arguments.minutes * 60

    def elapsed() -> float:
        return before + time.monotonic() - start

    def note(**entry: object) -> None:
        line = json.dumps({"step": step, "minutes": round(elapsed() / 60, 2), **entry})
        print(line, flush=True)
        log.write(line + "\n")
        log.flush()

    def save() -> None:
        part = path.with_suffix(".part")
        held = {name: module.state_dict() for name, module in modules.items()}
        facts = {"step": step, "elapsed": elapsed(), "sizes": sizes.as_dict()}
        torch.save({**held, "optimiser": optimiser.state_dict(), **facts}, part)
        part.replace(path)

    while (progress := elapsed() / budget) < 1:
        for group in optimiser.param_groups:
            group["lr"] = _rate(progress)
        batch = sampler.draw()
        trunk.train()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            parts = forward(batch.crops.contiguous(memory_format=torch.channels_last))
        loss, losses = _loss(Parts(*parts), heads, contrast, batch, known)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(trained, 5.0)
        optimiser.step()
        step += 1
        _average(slow, trunk, step)
        running.update(losses)
        if step % 50 == 0:
            now = time.monotonic()
            note(
                loss={name: round(value / (step - since), 3) for name, value in running.items()},
                pairs_per_second=round((step - since) * BATCH / (now - since_time), 1),
                weights=[round(v, 3) for v in contrast.weights().tolist()],
                scales=[round(v, 1) for v in contrast.scales.exp().tolist()],
            )
            running.clear()
            since, since_time = step, time.monotonic()
        if elapsed() - checked > arguments.check_every * 60:
            note(validation=validation.measure(slow, contrast.weights()))
            checked = elapsed()
        if elapsed() - saved > 180:
            save()
            saved = elapsed()
    save()
    note(validation=validation.measure(slow, contrast.weights()), final=True)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder with shoes/labels.csv")
    parser.add_argument("--out", type=Path, required=True, help="artifact folder")
    parser.add_argument("--teachers", type=Path, required=True, help="the reference models")
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "solemate" / "train")
    parser.add_argument("--minutes", type=float, default=60.0, help="of the trunk")
    parser.add_argument("--finder-minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--compile", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--check-every", type=float, default=8.0, help="minutes")
    train(parser.parse_args())


if __name__ == "__main__":
    main()
