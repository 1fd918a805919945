"""What a pretrained network sees along the way teaches the finder's body, stage by stage.

Answers alone teach a network what to say of the pictures it trains on, and half of it is lost on a
studio it never saw. What a network pretrained on ImageNet computes at the end of each of its stages
says far more, at every place of any picture (FitNets, Romero et al. 2015, arXiv 1412.6550; block by
block, each stage given the teacher's input, as in Li et al. 2020, arXiv 1911.13053), and needs no
label. The teacher is the reference MobileNetV1; no weight of it is taken over or shipped: the body
starts from its own initialisation.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import onnx
import torch
from torch import Tensor, nn

from onnx_models.bank import Bank
from onnx_models.crops import Crops
from onnx_models.dataset import U8
from onnx_models.finder import HEIGHT, WIDTH
from onnx_models.fit import Optimiser, agreed, descend, rate, split, store, tell, the_first
from onnx_models.precision import bfloat16
from onnx_models.sampler import jitter
from onnx_models.separable import PLAN, Body, same

MOBILENET: Final = Path("mobilenet_v1_imagenet") / "model.onnx"
BATCH: Final = 24
"""Pictures a worker sees at once."""
PATCH: Final = 64
"""Pixels a side of what the first stage learns from: it looks at no more than a few."""
FIRST: Final = 0.15
"""Share of the time that is the first stage's alone: on patches its steps are short."""
NORMED: Final = 0.45
"""Share of the time in which norms follow the batch. After it they stand still at the mean of many
pictures, as in serving: what a stage learns with a batch's own statistics it partly unlearns there
(unexplained of the first stage's map .09 with them, .43 without, patches all at one place)."""
SHARES: Final = (FIRST, 0.85, 1.0, 1.0, 1.0)
"""Share of the time after which a stage stays as it is: the first ones are small and dear."""
ALONE: Final = 0.7
"""Share of the time in which every stage is given the teacher's map; after it, its own."""
SETTLING: Final = 16
"""Batches that norms settle on."""
CUT: Final = 0.5
"""Share of pictures that are a shoe cut out; the others are a piece of a whole picture."""
PEAK: Final = 3e-3
DECAY: Final = 0.02
CLIP: Final = 1.0


class Pretrained(nn.Module):
    """MobileNetV1 by stages, frozen."""

    def __init__(self, model: Path) -> None:
        """Raises:
        ValueError: the file is another network.
        """
        super().__init__()
        graph = onnx.load(str(model)).graph
        values = {t.name: onnx.numpy_helper.to_array(t) for t in graph.initializer}
        convs = [node for node in graph.node if node.op_type == "Conv"]
        weights = [[torch.from_numpy(values[n].copy()) for n in c.input[1:3]] for c in convs]
        if len(weights) < 1 + 2 * sum(map(len, PLAN)) or weights[0][0].shape[0] != PLAN[0][0][0]:
            raise ValueError(f"{model} is not MobileNetV1")
        self.weights = nn.ParameterList(
            nn.Parameter(value, requires_grad=False) for pair in weights for value in pair
        )
        low, scale = (
            float(values[next(n for n in graph_node.input if n in values)])
            for graph_node in graph.node[1:3]
        )
        self.low, self.scale = low, scale

    def _conv(self, x: Tensor, at: int, stride: int, groups: int) -> Tensor:
        weight, bias = self.weights[2 * at], self.weights[2 * at + 1]
        wide = weight.shape[2] == 3
        if wide and stride == 2:
            x = same(x)
        y = nn.functional.conv2d(x, weight, bias, stride, int(wide and stride == 1), 1, groups)
        return nn.functional.relu6(y)

    @torch.no_grad()
    def forward(self, x: Tensor, stages: int = len(PLAN)) -> list[Tensor]:
        """Pictures (n, 3, h, w) in 0..1 to the maps at the ends of the first ``stages``."""
        x = self._conv((x * 255 - self.low) * self.scale, 0, 2, 1)
        maps, at = [], 1
        for layers in PLAN[:stages]:
            for inputs, _, stride in layers:
                x = self._conv(x, at, stride, inputs)
                x = self._conv(x, at + 1, 1, 1)
                at += 2
            maps.append(x)
        return maps


class Pictures:
    """Batches of shoes cut out and of pieces of whole views, (n, 3, HEIGHT, WIDTH) in 0..1."""

    def __init__(self, bank: Bank, seed: int) -> None:
        self.bank, self.rng = bank, np.random.default_rng(seed)
        self.places = np.flatnonzero(bank.seen)
        self.crops = Crops(bank, seed)

    def draw(self) -> Tensor:
        """The next batch."""
        rng = self.rng
        places = rng.choice(self.places, BATCH, replace=False)
        cut = int(BATCH * CUT)
        shoes = self.crops[places[:cut]]
        pieces = np.stack([self._piece(np.array(self.bank.views[at])) for at in places[cut:]])
        whole = np.full((*pieces.shape[:3], 1), 255, np.uint8)
        return jitter(np.concatenate([shoes, np.concatenate([pieces, whole], axis=3)]), rng)[:, :3]

    def _piece(self, view: U8) -> U8:
        side = len(view)
        wide = int(side * self.rng.uniform(0.35, 1.0))
        high = min(side, int(wide * HEIGHT / WIDTH * self.rng.uniform(0.8, 1.25)))
        x, y = int(self.rng.integers(side - wide + 1)), int(self.rng.integers(side - high + 1))
        piece = view[y : y + high, x : x + wide]
        return np.asarray(cv2.resize(piece, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR))


def spread(values: Tensor, over: tuple[int, ...]) -> Tensor:
    """Deviation of each channel, taken ``over`` the other axes, no less than a tenth of the mean
    one."""
    deviation = values.float().std(over, keepdim=True)
    return deviation.clamp(min=float(deviation.mean()) * 0.1)


def _patches(x: Tensor, rng: np.random.Generator) -> Tensor:
    """A random piece (n, 3, PATCH, PATCH) of every picture."""
    high, wide = x.shape[2:]
    tops, lefts = (rng.integers(0, side - PATCH + 1, len(x)) for side in (high, wide))
    pieces = [
        picture[:, top : top + PATCH, left : left + PATCH]
        for picture, top, left in zip(x, tops, lefts, strict=True)
    ]
    return torch.stack(pieces).contiguous(memory_format=torch.channels_last)


@torch.no_grad()
def settle(body: Body, knows: Pretrained, batches: list[Tensor], stages: slice) -> None:
    """Set the norms' statistics of ``stages`` to the mean over ``batches``, each stage given what
    it learns from."""
    for at in range(len(PLAN))[stages]:
        norms = [m for m in body.stages[at].modules() if isinstance(m, nn.BatchNorm2d)]
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None
        body.stages[at].train()
        for x in batches:
            body.stages[at](knows(x, at)[-1] if at else x)
        for norm in norms:
            norm.momentum = 0.1
        body.stages[at].eval()


def train_body(bank: Bank, teacher: Path, minutes: float, seed: int, where: Path) -> Body:
    """Train a body for so many minutes; under ``torchrun`` the workers share the gradients.

    The first stage learns alone on patches. Then each one learns the teacher's map from the
    teacher's map before it, later from what its own stages before make of the picture. Distances
    count in deviations of a channel. Goes on with ``where / "body.part"`` where an interrupted run
    left it.
    """
    torch.manual_seed(seed)
    first = the_first()
    knows = Pretrained(teacher).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    body = Body().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    part, before, settled = where / "body.part", 0.0, 0
    if part.exists():
        state = torch.load(part, weights_only=True)
        body.load_state_dict(state["body"])
        before, settled = state["elapsed"], state["settled"]
    pictures = Pictures(bank, seed + (0 if first else 1000))
    alike = Pictures(bank, seed)  # the same for all workers
    spreads = [spread(values, (0, 2, 3)) for values in knows(alike.draw())]
    trained = list(body.parameters())
    optimiser = Optimiser(split(trained, PEAK, DECAY))
    start, step = time.monotonic(), 0
    lost = np.zeros(len(PLAN))
    while (progress := agreed((before + time.monotonic() - start) / (minutes * 60))) < 1:
        optimiser.pace(rate(progress))
        due = (progress >= FIRST) + (len(PLAN) - 1) * (progress >= NORMED)
        if due > settled:
            batches = [alike.draw() for _ in range(SETTLING)]
            settle(body, knows, batches, slice(settled, due))
            settled = due
        for at, stage in enumerate(body.stages):
            stage.train(at >= settled)
        x = pictures.draw().contiguous(memory_format=torch.channels_last)
        with bfloat16("cpu"):
            losses = _losses(body, knows, x, spreads, progress, pictures.rng)
        loss = torch.stack([value for value in losses if value.requires_grad]).sum()
        descend(loss, optimiser, trained, CLIP)
        step += 1
        lost += [float(value.detach()) for value in losses]
        if step % 50 == 0 and first:
            elapsed = before + time.monotonic() - start
            entry = {
                "step": step, "minutes": round(elapsed / 60, 2),
                "unexplained": [round(value / 50, 3) for value in lost],
            }  # fmt: skip
            tell(entry, where / "log-body.jsonl")
            lost[:] = 0
            state = {"body": body.state_dict(), "elapsed": elapsed, "settled": settled}
            store(state, part)
    found: Body = body.eval()
    return found


def _losses(
    body: Body, knows: Pretrained, x: Tensor, spreads: list[Tensor], progress: float,
    rng: np.random.Generator,
) -> list[Tensor]:  # fmt: skip
    """What each stage leaves unexplained of the teacher's map; zero where it was not asked."""
    if progress < FIRST:
        pieces = _patches(x, rng)
        away = body.stages[0](pieces).float() - knows(pieces, 1)[0].float()
        return [((away / spreads[0]) ** 2).mean()] + [torch.zeros(())] * (len(PLAN) - 1)
    maps, own, losses = knows(x), x, []
    for at, stage in enumerate(body.stages):
        learning, alone = progress < SHARES[at], progress < ALONE
        if alone and not learning:
            losses.append(torch.zeros(()))
            continue
        with torch.set_grad_enabled(learning):
            own = stage(maps[at - 1] if at and alone else own)
        losses.append((((own.float() - maps[at].float()) / spreads[at]) ** 2).mean())
    return losses
