"""What likens shoes, read again from what the trunk gathers once it has learned all else.

While a trunk learns, its style is one loss among ten and ends short of what its tokens hold. So
when training is over the style is read anew, by a small perceptron, from what was gathered of the
training pictures: before the features, which are cut off at zero and hold less of it.

It is taught what two pretrained networks and a histogram of oriented gradients say together of the
clean picture. Three unlike witnesses err unlike (Hansen and Salamon 1990, "Neural network
ensembles"): which shoes of fashion_products_224 are of one type they tell better than any of them,
and those that tell it better agree more with people as well. EXPERIMENTS.md has the figures.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from app.settings import Settings
from app.vision.encoder import ImageEncoder
from app.vision.registry import open_encoder
from onnx_models.adopt import REFERENCES, adopted
from onnx_models.dataset import F32, Flags
from onnx_models.features import file_features
from onnx_models.teachers import style_axes, style_target

VOICES: Final = {"vit-tiny": 1.0, "mobilenet": 0.5, "hog": 0.5}
"""Who is asked, and how much each counts: by so much do its cosines deviate between pictures."""
PAIRS: Final = 100_000
HIDDEN: Final = 96
"""Of the perceptron, .10 MB. Agreement with the voices .942; .944, .945 and .946 at 128, 192 and
512, which weigh .12, .16 and .37 MB."""
EPOCHS: Final = 25
BATCH: Final = 512
RATE: Final = 2e-3
DECAY: Final = 0.05
DROPPED: Final = 0.1
WARM: Final = 100
"""Steps until the rate is reached."""
CLOSE: Final = 4.0
"""What the distance of a picture from its target counts beside the order of all pairs."""


class Likes(NamedTuple):
    """What the voices say of n pictures, side by side (n, t), all of one length; and the style that
    is made of it (n, s), of unit length."""

    views: F32
    style: F32


def heard(
    folder: Path, files: Sequence[str], train: Flags, teachers: Path, where: Path, dims: int
) -> Likes:
    """What VOICES say of pictures ``files`` in ``folder``; scales and directions from those of
    ``train`` (n,). Kept under ``where``.

    Raises:
        EncoderError: a voice is not in the folder ``teachers``.
        ValueError: a picture cannot be read.
    """
    voices = [_voice(name, teachers, where) for name in VOICES]
    return joined(file_features(voices, folder, files, cache=where), train, dims)


def joined(said: Sequence[F32], train: Flags, dims: int) -> Likes:
    """Unit vectors (n, t) of every voice side by side, as loud as VOICES has them, and their
    ``dims`` strongest directions. The mean stays in: see :func:`style_axes`.

    Raises:
        ValueError: a row is not finite.
    """
    known = np.flatnonzero(train)
    rng = np.random.default_rng(0)
    one, two = known[rng.integers(0, len(known), (2, PAIRS))]
    apart = one != two
    blocks = []
    for vectors, share in zip(said, VOICES.values(), strict=True):
        if not np.isfinite(vectors).all():
            raise ValueError("a picture could not be read, so nothing is known of its likeness")
        spread = (vectors[one[apart]] * vectors[two[apart]]).sum(axis=1).std()
        blocks.append(vectors * np.float32(math.sqrt(share / spread)))
    views = np.concatenate(blocks, axis=1)
    return Likes(views, style_target(views, style_axes(views[train], dims)))


def _voice(name: str, teachers: Path, where: Path) -> ImageEncoder:
    if name not in REFERENCES:
        return open_encoder(name, Settings())
    return adopted(name, teachers, where)


class Reading(nn.Module):
    """What a trunk gathers (n, d) to a style (n, s): linear, and what a perceptron adds. One matrix
    reads both, as :mod:`onnx_models.before` looks for it."""

    def __init__(self, width: int, style: int) -> None:
        super().__init__()
        self.register_buffer("middle", torch.zeros(width))
        self.register_buffer("spread", torch.ones(width))
        self.middle: Tensor
        self.spread: Tensor
        self.hidden = nn.Linear(width, HIDDEN)
        self.out = nn.Linear(width + HIDDEN, style)
        self.drop = nn.Dropout(DROPPED)

    def forward(self, gathered: Tensor) -> Tensor:
        """Not yet of unit length."""
        seen = self.drop((gathered - self.middle) / self.spread)
        style: Tensor = self.out(torch.cat([seen, self.drop(torch.relu(self.hidden(seen)))], dim=1))
        return style


def read_style(gathered: F32, style: F32, seed: int) -> Reading:
    """The reading of ``style`` (n, s), unit rows, from what was gathered (n, d): of each picture
    its target, and of all pairs in a batch the order of their cosines."""
    torch.manual_seed(seed)
    seen, right = torch.from_numpy(gathered), torch.from_numpy(style)
    reading = Reading(seen.shape[1], right.shape[1])
    reading.middle.copy_(seen.mean(dim=0))
    reading.spread.copy_(seen.std(dim=0) + 1e-3)
    optimiser = torch.optim.AdamW(reading.parameters(), lr=RATE, weight_decay=DECAY)
    size = min(BATCH, len(seen))
    each = len(seen) // size
    steps = EPOCHS * each
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser,
        lambda step: min(1.0, (step + 1) / WARM) * (1 + math.cos(math.pi * step / steps)) / 2,
    )
    for _ in range(EPOCHS):
        order = torch.randperm(len(seen))
        for start in range(0, each * size, size):
            some = order[start : start + size]
            told = nn.functional.normalize(reading(seen[some]), dim=1)
            optimiser.zero_grad()
            _away(told, right[some]).backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
    reading.eval()
    return reading


def _away(told: Tensor, right: Tensor) -> Tensor:
    """How far unit rows (n, s) are from what they should be, and the cosines of their pairs."""
    pairs = torch.triu_indices(len(told), len(told), 1)
    cosines = [(x @ x.T)[pairs[0], pairs[1]] for x in (told, right)]
    found, wanted = ((c - c.mean()) / (c.std() + 1e-6) for c in cosines)
    return CLOSE * (1 - (told * right).sum(dim=1)).mean() + ((found - wanted) ** 2).mean()
