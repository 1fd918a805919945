"""The tutor teaches the trunk's transformer layer by layer.

Answers alone teach a trunk what to say of the pictures it trains on. What a teacher computes at
each of its layers says far more, at every place of any picture, and needs no label (FitNets, Romero
et al. 2015, arXiv 1412.6550; block by block, each given the teacher's input, as in Li et al. 2020,
arXiv 1911.13053; where attention looks, as in TinyBERT, Jiao et al. 2020, arXiv 1909.10351). The
trunk's layers start from their own initialisation: no weight of the tutor is taken over.
"""

from __future__ import annotations

import copy
import time
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import torch
from torch import Tensor

from onnx_models.bank import Bank
from onnx_models.fit import (
    Optimiser,
    agreed,
    average,
    descend,
    device,
    matrices,
    rate,
    store,
    tell,
    the_first,
)
from onnx_models.hints import Pictures, spread
from onnx_models.precision import bfloat16
from onnx_models.transformer import DEPTH, Transformer

ALONE: Final = 0.65
"""Share of the time in which every layer is given the tutor's tokens; after it, its own."""
PEAK: Final = 2e-3
TOGETHER: Final = 0.4
"""Share of the peak while layers are given their own tokens."""
DECAY: Final = 0.01
CLIP: Final = 1.0
LOOKING: Final = 1.0
"""What the divergence of where attention looks counts beside what is unexplained."""


class Taught(NamedTuple):
    """Tokens before each layer and after the last; what attention adds; its logits; and the last
    tokens behind the norm."""

    tokens: list[Tensor]
    added: list[Tensor]
    looked: list[Tensor]
    last: Tensor


@torch.no_grad()
def taught(tutor: Transformer, rgb: Tensor) -> Taught:
    """What the tutor computes along the way."""
    tokens, added, looked = [tutor.cut(rgb)], [], []
    for layer in tutor.layers:
        more, logits = layer.attend(tokens[-1])
        added.append(more)
        looked.append(logits)
        middle = tokens[-1] + more
        tokens.append(middle + layer.think(middle))
    return Taught(tokens, added, looked, tutor.norm(tokens[-1].float()))


def unexplained(own: Tensor, right: Tensor) -> Tensor:
    """Share of the variance of ``right`` (n, t, d) that ``own`` leaves, the channels' mean; a
    channel varies no less than a tenth of the mean one."""
    return (((own.float() - right.float()) / spread(right, (0, 1))) ** 2).mean()


def _diverges(own: Tensor, right: Tensor) -> Tensor:
    wanted, chance = torch.softmax(right.float(), 3), torch.log_softmax(own.float(), 3)
    return (wanted * (torch.log(wanted + 1e-9) - chance)).sum(3).mean()


def losses(body: Transformer, tutor: Transformer, rgb: Tensor, alone: bool) -> tuple[Tensor, ...]:
    """What is left unexplained of the first tokens (), of what attention and perceptron add (2 *
    DEPTH,), and how far attention looks elsewhere (DEPTH,). Not ``alone``: of the tokens after each
    layer, each given its own."""
    tokens, added, looked, end = taught(tutor, rgb)
    own = body.cut(rgb)
    first = unexplained(own, tokens[0])
    left, away = [], []
    for at, layer in enumerate(body.layers):
        given = tokens[at] if alone else own
        more, logits = layer.attend(given)
        away.append(_diverges(logits, looked[at]))
        if alone:
            middle = tokens[at] + added[at]
            left += [unexplained(more, added[at])]
            left += [unexplained(layer.think(middle), tokens[at + 1] - middle)]
        else:
            own = given + more
            own = own + layer.think(own)
            left.append(unexplained(own, tokens[at + 1]))
    last = unexplained(body.norm(tokens[-1] if alone else own), end)
    return first, torch.stack(left), torch.stack(away), last


def train_layers(
    bank: Bank, tutor: Transformer, body: Transformer, minutes: float, seed: int, where: Path
) -> None:
    """Teach ``body`` for so many minutes; under ``torchrun`` the workers share the gradients. It
    ends as the average of its weights. Goes on with ``where / "layers.part"`` where an interrupted
    run left it."""
    torch.manual_seed(seed)
    first, there = the_first(), device()
    body.to(there)
    part, before = where / "layers.part", 0.0
    slow = copy.deepcopy(body)
    trained = list(body.parameters())
    optimiser = Optimiser(matrices(trained, PEAK, DECAY))
    step = 0
    if part.exists():
        state = torch.load(part, weights_only=True, map_location=there)
        body.load_state_dict(state["body"])
        slow.load_state_dict(state["slow"])
        optimiser.load_state_dict(state["optimiser"])
        before, step = state["elapsed"], state["step"]
    pictures = Pictures(bank, seed + step + (0 if first else 1000))
    tutor = tutor.eval().to(there)
    start = time.monotonic()
    lost: list[list[float]] = []
    alone = True
    while (progress := agreed((before + time.monotonic() - start) / (minutes * 60))) < 1:
        if alone != (progress < ALONE):
            alone = not alone
            lost.clear()  # what follows has another shape
        share = (
            rate(progress / ALONE) if alone else TOGETHER * rate((progress - ALONE) / (1 - ALONE))
        )
        optimiser.pace(max(share, 0.01))
        x = pictures.draw().to(there)
        with bfloat16(there.type):
            found = losses(body, tutor, x, alone)
        loss = found[0] + found[1].sum() + LOOKING * found[2].sum() + found[3]
        descend(loss, optimiser, trained, CLIP)
        step += 1
        average(slow, body, step)
        lost.append([float(found[0]), *found[1].tolist(), *found[2].tolist(), float(found[3])])
        if step % 50 == 0 and first:
            elapsed = before + time.monotonic() - start
            told = np.mean(lost, axis=0)
            entry = {
                "step": step, "minutes": round(elapsed / 60, 2), "first": round(told[0], 3),
                "left": [round(v, 3) for v in told[1 : -DEPTH - 1]],
                "away": [round(v, 3) for v in told[-DEPTH - 1 : -1]], "last": round(told[-1], 3),
            }  # fmt: skip
            tell(entry, where / "log-layers.jsonl")
            lost.clear()
            state = {
                "body": body.state_dict(), "slow": slow.state_dict(), "step": step,
                "optimiser": optimiser.state_dict(), "elapsed": elapsed,
            }  # fmt: skip
            store(state, part)
    body.load_state_dict(slow.state_dict())
