"""What tutor and trunk are taught alike: targets by picture, and the losses they share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from onnx_models.bank import Bank
from onnx_models.dataset import I64, Cache, Row
from onnx_models.labels import read_labels
from onnx_models.losses import Contrast, Labels
from onnx_models.model import Parts, Sizes
from onnx_models.sampler import Batch
from onnx_models.teachers import neighbours, style_axes, style_target, whiten

TWIN: Final = 0.8
"""Cosine of the pretrained network's view from which two pictures may show one shoe."""
WHITE: Final = 128
NEAR: Final = 24
LIKENESS: Final = 30.0
"""Scale of the style's cosines before the softmax: they lie close together."""


@dataclass(frozen=True)
class Stage:
    """What tutor and trunk both need."""

    rows: list[Row]
    cache: Cache
    bank: Bank
    where: Path


@dataclass(frozen=True)
class Targets:
    """By row: style (r, s), whitened class token (r, t), labels; drawn rows and the last (scenes)
    unknown."""

    style: Tensor
    white: Tensor
    labels: Tensor
    trained: Tensor
    """Rows (t,) whose pictures training may see."""
    near: I64
    """Training pictures most like each row, (n, NEAR)."""
    axes: Tensor
    """Directions of the class token (t, s) that the style is told in."""

    def to(self, where: torch.device) -> Targets:
        """The same there."""
        moved = {
            name: value.to(where)
            for name, value in vars(self).items() if isinstance(value, Tensor)
        }  # fmt: skip
        return replace(self, **moved)


def targets(stage: Stage, sizes: Sizes) -> Targets:
    """What is known of every row; statistics of the training rows only."""
    features = np.load(stage.where / "teachers.npy")
    train = features[[row.split == "train" for row in stage.rows]]
    labels, _ = read_labels(stage.rows)
    drawn = int(stage.bank.rows.max()) + 1 - len(stage.rows) + 1

    def padded(values: Any, fill: float) -> Tensor:
        more = np.full((drawn, values.shape[1]), fill, values.dtype)
        return torch.from_numpy(np.concatenate([values, more]))

    white = whiten(features, train, WHITE)
    axes = style_axes(train, sizes.style)
    trained = np.array([i for i, row in enumerate(stage.rows) if row.split == "train"])
    return Targets(
        padded(style_target(features, axes), 0),
        padded(white, 0),
        padded(labels, -1),
        torch.from_numpy(trained),
        neighbours(white, trained, NEAR),
        torch.from_numpy(axes),
    )


class Common:
    """The losses that tutor and trunk share."""

    def __init__(self, known: Targets, sizes: Sizes) -> None:
        self.known, self.memory = known, known.style[known.trained]
        self.contrast = Contrast(TWIN).to(known.style.device)
        self.labels = Labels(sizes.attributes, sizes.labels).to(known.style.device)

    def __call__(self, parts: Parts, batch: Batch) -> dict[str, Tensor]:
        """Contrast, style and labels."""
        rows, known = batch.rows, self.known
        total: dict[str, Tensor] = self.contrast(
            parts, batch.products, batch.models, known.white[rows]
        )
        style = known.style[rows]
        real = (style.abs().sum(1) > 0).float()
        off = (1 - (parts.style * style).sum(1)) * real
        total["style"] = off.sum() / real.sum().clamp(min=1)
        # The order of all pictures by likeness: most of the cosine above is one direction that all
        # shoes share.
        wanted = torch.softmax(style @ self.memory.T * LIKENESS, dim=1)
        chance = torch.log_softmax(parts.style @ self.memory.T * LIKENESS, dim=1)
        apart = (wanted * (torch.log(wanted + 1e-9) - chance)).sum(1) * real
        total["likeness"] = apart.sum() / real.sum().clamp(min=1)
        total["label"] = self.labels(parts.attributes, known.labels[rows])
        return total

    @property
    def modules(self) -> dict[str, nn.Module]:
        """What learns beside the network."""
        return {"contrast": self.contrast, "labels": self.labels}

    @property
    def parameters(self) -> list[nn.Parameter]:
        """Of all of them."""
        return [p for module in self.modules.values() for p in module.parameters()]
