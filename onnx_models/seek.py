"""Training of the finder: on the bank's composites, where the mask is known exactly.

It begins as a body that knows what things look like (:mod:`onnx_models.hints`): one that begins at
random follows edges and colours, and takes trousers and carpets for shoe where they have the shoe's
colour.
"""

from __future__ import annotations

import copy
import json
import time
from typing import Final

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn

from onnx_models.bank import SCENE, Bank
from onnx_models.dataset import U8
from onnx_models.finder import Finder, Found, loss
from onnx_models.fit import Optimiser, agreed, average, descend, rate, split, the_first
from onnx_models.precision import bfloat16
from onnx_models.validate import Held

BATCH: Final = 32
"""Views a worker sees at once."""
PEAK: Final = 2e-3
BODY_PEAK: Final = 5e-4
DECAY: Final = 0.02
CLIP: Final = 5.0
NORMED: Final = 0.6
"""Share of the time in which norms follow the batch; after it they stand still, as in serving."""
GAIN: Final = 0.12
"""Deviation of the extra change of light, log."""


def overlap(finder: Finder, held: Held) -> dict[str, float]:
    """Intersection over union with the true masks of the studio that training never saw."""
    finder.eval()
    found = []
    shots, masks = held.shots[held.apart], held.masks[held.apart]
    with torch.inference_mode():
        for start in range(0, len(shots), 64):
            pixels = torch.from_numpy(shots[start : start + 64]).permute(0, 3, 1, 2).float() / 255
            found.append(Found(*finder(pixels)).logits > 0)
    seen = torch.cat(found).numpy()
    step = masks.shape[1] // seen.shape[1]
    true = masks[:, step // 2 :: step, step // 2 :: step] > 127
    there = true.any((1, 2)) & ~true.all((1, 2))
    shares = (seen & true).sum((1, 2)) / np.maximum((seen | true).sum((1, 2)), 1)
    low, middle = np.quantile(shares[there], [0.1, 0.5])
    return {
        "mean": round(float(shares[there].mean()), 3), "tenth": round(float(low), 3),
        "median": round(float(middle), 3),
    }  # fmt: skip


class Views:
    """The bank in its own order: it is shuffled, so neighbours are a random batch, and reading
    them in order is what a disk does fast."""

    def __init__(self, bank: Bank, seed: int) -> None:
        self.bank, self.rng = bank, np.random.default_rng(seed)
        self.place = int(self.rng.integers(len(bank.rows)))

    def draw(self) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Pictures (n, 3, s, s), masks (n, 48, 48), whether known (n,), light (n, 3), whether it
        is known (n,)."""
        bank, rng = self.bank, self.rng
        self.place = (self.place + BATCH) % (len(bank.rows) - BATCH)
        part = slice(self.place, self.place + BATCH)
        views: U8 = np.array(bank.views[part])
        pixels = torch.from_numpy(views).permute(0, 3, 1, 2).float() / 255
        masks = nn.functional.avg_pool2d(torch.from_numpy(np.array(bank.masks[part])) / 255, 2)
        light = torch.from_numpy(bank.light[part])
        known = torch.from_numpy(bank.masked[part] & bank.seen[part]).float()
        lit = known * torch.from_numpy(bank.kinds[part] != SCENE).float()
        # A change of light that is known adds to the one that the view has.
        gains = rng.normal(0, GAIN, (BATCH, 1)) + rng.normal(0, GAIN / 2, (BATCH, 3))
        gains *= rng.random((BATCH, 1)) < 0.5
        change = torch.from_numpy(gains.astype(np.float32))
        pixels = (pixels * torch.exp(change)[:, :, None, None]).clamp(0, 1)
        if rng.random() < 0.5:
            pixels, masks = pixels.flip(3), masks.flip(2)
        pixels = pixels.contiguous(memory_format=torch.channels_last)
        return pixels, masks, known, light - change, lit


def train_finder(
    bank: Bank, held: Held | None, begun: dict[str, Tensor], share: float, minutes: float, seed: int
) -> Finder:
    """Train for so many minutes; under ``torchrun`` the workers share the gradients.

    ``begun``: weights to begin with, a body's or a whole finder's; ``share`` of the peak rates,
    less than 1 for a finder that was trained before, whose norms stand still. ``held`` None: this
    worker measures nothing. Returns the average of the weights.
    """
    torch.manual_seed(seed)
    finder = Finder()
    own = finder.state_dict()
    own.update({name: value for name, value in begun.items() if name in own})
    finder.load_state_dict(own)
    slow = copy.deepcopy(finder)
    finder = finder.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    groups = [
        *split(finder.knows(), share * BODY_PEAK, DECAY),
        *split(finder.fresh(), share * PEAK, DECAY),
    ]
    trained, optimiser = list(finder.parameters()), Optimiser(groups)
    first = the_first()
    worker = dist.get_rank() if dist.is_initialized() else 0
    views = Views(bank, seed + worker)
    start, step, total, away = time.monotonic(), 0, 0.0, 0.0
    checked = start
    while (progress := agreed((time.monotonic() - start) / (minutes * 60))) < 1:
        optimiser.pace(rate(progress))
        finder.train()
        if progress > NORMED or share < 1:
            for module in finder.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.eval()
        pixels, masks, known, light, lit = views.draw()
        with bfloat16("cpu"):
            found = Found(*finder(pixels))
        wrong = loss(found, masks, known, light, lit)
        descend(wrong, optimiser, trained, CLIP)
        step += 1
        average(slow, finder, step)
        total += float(wrong.detach())
        missed = (found.light.detach() - light).abs().mean(1) * lit
        away += float(missed.sum() / lit.sum().clamp(min=1))
        if step % 100 == 0 and first:
            entry: dict[str, object] = {
                "step": step, "minutes": round((time.monotonic() - start) / 60, 2),
                "loss": round(total / 100, 4), "light": round(away / 100, 4),
            }  # fmt: skip
            if held and time.monotonic() - checked > 240:
                entry["overlap"] = overlap(slow, held)
                checked = time.monotonic()
            print(json.dumps(entry), flush=True)
            total = away = 0.0
    if held:
        print(json.dumps({"step": step, "overlap": overlap(slow, held)}), flush=True)
    trained_finder: Finder = slow.eval()
    return trained_finder
