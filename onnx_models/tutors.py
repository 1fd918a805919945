"""The tutors: one that knows shoes, and ViT-Tiny and MobileNetV1 as they were pretrained.

Who knows shoes is a transformer fine-tuned on them (:mod:`onnx_models.tutor`) or the artifact that
came before (:mod:`onnx_models.before`). What a few thousand shoes teach is partly those shoes. A
network that never saw them knows less about shoes and errs elsewhere; together they find more than
either (an ensemble as the teacher of one network, Hinton et al. 2015, arXiv 1503.02531). What
likens shoes as people do is the transformer as it was pretrained (:mod:`onnx_models.teachers`): of
style it speaks alone. No pretrained network is ever shipped.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from onnx_models.bank import Bank, clean_places
from onnx_models.before import Before
from onnx_models.blocks import weighted_mean
from onnx_models.crops import by_mask
from onnx_models.dataset import F32, U8
from onnx_models.finder import HEIGHT, WIDTH
from onnx_models.fit import device
from onnx_models.hints import MOBILENET, Pretrained
from onnx_models.losses import Fine, Follow
from onnx_models.model import Sizes, Told
from onnx_models.separable import LAST
from onnx_models.transformer import DIM, VIT, Transformer
from onnx_models.tutor import VIT_TINY, Tutor, pretrained
from onnx_models.validate import embed

WHITENED: Final = 0.5
"""Power of the deviation that directions of either are divided by."""
SEEN: Final = 128
"""Directions of what the pretrained network sees."""
SHARE: Final = 0.4
"""What it counts beside the other."""
SAMPLE: Final = 8_000
BATCH: Final = 64


class Tutors(nn.Module):
    """Focused shoes (n, 4, HEIGHT, WIDTH) to the tutor's model and attributes, detail by two, style
    by the third."""

    def __init__(self, tutor: Tutor | Before, sizes: Sizes, teachers: Path) -> None:
        super().__init__()
        self.tutor, self.knows = tutor.eval(), Pretrained(teachers / MOBILENET)
        self.likens = Transformer(VIT, HEIGHT, WIDTH)
        self.register_buffer("style", torch.eye(DIM)[:, : sizes.style].clone())
        self.style: Tensor
        width = sizes.detail
        self.own, self.seen = Fine(width, width), Fine(LAST, SEEN)
        self.both = Fine(width + SEEN, width)

    def _seen(self, x: Tensor) -> Tensor:
        deep = self.knows(x[:, :3].contiguous(memory_format=torch.channels_last))[-1].float()
        share = nn.functional.adaptive_avg_pool2d(x[:, 3:].float(), deep.shape[2:])
        return torch.sqrt(weighted_mean(deep, share))

    def _joined(self, own: Tensor, seen: Tensor) -> Tensor:
        return torch.cat([self.own(own), self.seen(seen) * SHARE**0.5], dim=1)

    @torch.inference_mode()
    def fit(self, crops: Tensor, style: Tensor) -> None:
        """Take the directions of both from ``crops`` (n, h, w, 4) uint8; those of style (DIM, s)
        are given."""
        self.style.copy_(style)
        told, looked = [], []
        for block in crops.split(BATCH):
            x = block.to(self.style.device).permute(0, 3, 1, 2).float() / 255
            with torch.autocast(x.device.type, dtype=torch.bfloat16):
                told.append(self.tutor(x).detail.float())
                looked.append(self._seen(x))
        own, seen = torch.cat(told), torch.cat(looked)
        self.own.fit(own, WHITENED)
        self.seen.fit(seen, WHITENED)
        joined = self._joined(own, seen)
        self.both.fit(joined, 0.0)
        # Turned towards the tutor's own directions (Schoenemann 1966), which changes no cosine: a
        # trunk that followed it alone can go on.
        towards = ((joined - self.both.mean) @ self.both.axes).T @ own
        one, _, two = torch.linalg.svd(towards)
        self.both.axes.copy_(self.both.axes @ one @ two)

    def forward(self, x: Tensor) -> Told:
        """The parts; bfloat16 only under the caller's autocast."""
        said = self.tutor(x)
        seen = self._seen(x)
        likened = self.likens.tokens(x[:, :3])[:, 0]
        with torch.autocast(x.device.type, enabled=False):
            detail = self.both(self._joined(said.detail.float(), seen.float()))
            style = nn.functional.normalize(likened.float() @ self.style, dim=1)
        return Told(style, said.model, detail, said.attributes)


def ask(
    tutor: Tutor | Before, sizes: Sizes, bank: Bank, teachers: Path, style: Tensor, seed: int
) -> tuple[Tutors, dict[str, F32]]:
    """The tutors, directions fitted on pictures that training sees, ``style`` as
    :meth:`Tutors.fit`; and the parts that a trunk follows, of every row's clean picture and its
    mirror image, by name."""
    places = clean_places(bank)
    crops = by_mask(bank.views[places], bank.masks[places], 0)
    trained = np.flatnonzero(bank.seen[places])
    some = np.random.default_rng(seed).choice(trained, min(SAMPLE, len(trained)), replace=False)
    tutors = fitted(tutor, sizes, teachers, torch.from_numpy(crops[np.sort(some)]), style)
    return tutors, answered(tutors, crops)


def fitted(
    tutor: Tutor | Before, sizes: Sizes, teachers: Path, crops: Tensor, style: Tensor
) -> Tutors:
    """The tutors, directions fitted on ``crops`` and ``style`` as :meth:`Tutors.fit` takes them."""
    tutors = Tutors(tutor, sizes, teachers).eval()
    pretrained(tutors.likens, teachers / VIT_TINY)
    tutors.to(device())
    tutors.fit(crops, style)
    return tutors


def answered(tutors: Tutors, crops: U8) -> dict[str, F32]:
    """The parts (n, d) that a trunk follows, of focused shoes (n, h, w, 4) and their mirror
    images."""
    found, mirrored = embed(tutors, crops), embed(tutors, np.ascontiguousarray(crops[:, :, ::-1]))
    kept = {}
    for name in Follow.FOLLOWED:
        both = found[name] + mirrored[name]
        kept[name] = np.asarray(both / np.linalg.norm(both, axis=1, keepdims=True), np.float32)
    return kept
