"""The tutors: those that know shoes, and ViT-Tiny and MobileNetV1 as they were pretrained.

Who knows shoes is a transformer fine-tuned on them (:mod:`onnx_models.tutor`), the trunk that came
before, or its artifact (:mod:`onnx_models.before`); several know more than each. What a few
thousand shoes teach is partly those shoes. A network that never saw them knows less about shoes and
errs elsewhere; together they find more than either (an ensemble as the teacher of one network,
Hinton et al. 2015, arXiv 1503.02531). What likens shoes as people do is the transformer as it was
pretrained (:mod:`onnx_models.teachers`): of style it speaks alone. No pretrained network is ever
shipped.
"""

from __future__ import annotations

from collections.abc import Sequence
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
from onnx_models.model import Sizes, Told, Trunk
from onnx_models.precision import bfloat16
from onnx_models.separable import LAST
from onnx_models.transformer import DIM, VIT, Transformer
from onnx_models.tutor import VIT_TINY, pretrained
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
    """Focused shoes (n, 4, HEIGHT, WIDTH) to model, attributes and detail by those who know shoes,
    detail by MobileNetV1 as well, style by the transformer as it was pretrained.

    What several say stands side by side, whitened, and is packed into as many numbers as one says.
    """

    def __init__(self, tutors: Sequence[Trunk | Before], sizes: Sizes, teachers: Path) -> None:
        """``tutors`` know shoes; a trunk that followed the first can go on."""
        super().__init__()
        self.tutors = nn.ModuleList(tutors).eval()
        self.knows = Pretrained(teachers / MOBILENET)
        self.likens = Transformer(VIT, HEIGHT, WIDTH)
        self.register_buffer("style", torch.eye(DIM)[:, : sizes.style].clone())
        self.style: Tensor
        self.seen = Fine(LAST, SEEN)
        self.own, self.both = nn.ModuleDict(), nn.ModuleDict()
        for name in Follow.FOLLOWED if len(tutors) > 1 else ("detail",):
            width = int(getattr(sizes, name))
            self.own[name] = nn.ModuleList(Fine(width, width) for _ in tutors)
            more = SEEN if name == "detail" else 0
            self.both[name] = Fine(len(tutors) * width + more, width)

    def _seen(self, x: Tensor) -> Tensor:
        deep = self.knows(x[:, :3].contiguous(memory_format=torch.channels_last))[-1].float()
        share = nn.functional.adaptive_avg_pool2d(x[:, 3:].float(), deep.shape[2:])
        return torch.sqrt(weighted_mean(deep, share))

    def _joined(self, name: str, own: list[Tensor], seen: Tensor) -> Tensor:
        parts = [fine(one.float()) for fine, one in zip(self.own[name], own, strict=True)]
        if name == "detail":
            parts.append(self.seen(seen) * SHARE**0.5)
        return torch.cat(parts, dim=1)

    @torch.inference_mode()
    def fit(self, crops: Tensor, style: Tensor) -> None:
        """Take the directions of all from ``crops`` (n, h, w, 4) uint8; those of style (DIM, s)
        are given."""
        self.style.copy_(style)
        told: list[list[Told]] = [[] for _ in self.tutors]
        looked = []
        for block in crops.split(BATCH):
            x = block.to(self.style.device).permute(0, 3, 1, 2).float() / 255
            with bfloat16(x.device.type):
                for said, tutor in zip(told, self.tutors, strict=True):
                    found = tutor(x)
                    said.append(Told(*(getattr(found, name).float() for name in Told._fields)))
                looked.append(self._seen(x))
        seen = torch.cat(looked)
        self.seen.fit(seen, WHITENED)
        for name, fines in self.own.items():
            own = [torch.cat([getattr(one, name) for one in said]) for said in told]
            for fine, one in zip(fines, own, strict=True):
                fine.fit(one, WHITENED)
            joined, both = self._joined(name, own, seen), self.both[name]
            both.fit(joined, 0.0)
            # Turned towards the first's own directions (Schoenemann 1966), which changes no cosine:
            # a trunk that followed it alone can go on.
            towards = ((joined - both.mean) @ both.axes).T @ own[0]
            one, _, two = torch.linalg.svd(towards)
            both.axes.copy_(both.axes @ one @ two)

    def knowing(self, x: Tensor) -> Told:
        """What a trunk follows; style is the first's own."""
        said, seen = [tutor(x) for tutor in self.tutors], self._seen(x)
        with torch.autocast(x.device.type, enabled=False):
            found = {
                name: both(self._joined(name, [getattr(one, name) for one in said], seen.float()))
                for name, both in self.both.items()
            }
        first = Told(*(getattr(said[0], name) for name in Told._fields))
        return first._replace(**found)

    def forward(self, x: Tensor) -> Told:
        """The parts; bfloat16 only under the caller's autocast."""
        found = self.knowing(x)
        likened = self.likens.tokens(x[:, :3])[:, 0]
        with torch.autocast(x.device.type, enabled=False):
            style = nn.functional.normalize(likened.float() @ self.style, dim=1)
        return found._replace(style=style)


class Knowing(nn.Module):
    """What tutors know of shoes, without style, which costs a transformer more."""

    def __init__(self, tutors: Tutors) -> None:
        super().__init__()
        self.tutors = tutors

    def forward(self, x: Tensor) -> Told:
        """As :meth:`Tutors.knowing`."""
        return self.tutors.knowing(x)


def ask(
    tutors: Sequence[Trunk | Before], sizes: Sizes, bank: Bank, teachers: Path, style: Tensor,
    seed: int,
) -> tuple[Tutors, dict[str, F32]]:  # fmt: skip
    """The tutors, directions fitted on pictures that training sees, ``style`` as
    :meth:`Tutors.fit`; and the parts that a trunk follows, of every row's clean picture and its
    mirror image, by name."""
    places = clean_places(bank)
    crops = by_mask(bank.views[places], bank.masks[places], 0)
    trained = np.flatnonzero(bank.seen[places])
    some = np.random.default_rng(seed).choice(trained, min(SAMPLE, len(trained)), replace=False)
    sample = torch.from_numpy(crops[np.sort(some)])
    found = fitted(tutors, sizes, teachers, sample, style)
    return found, answered(found, crops)


def fitted(
    tutors: Sequence[Trunk | Before], sizes: Sizes, teachers: Path, crops: Tensor, style: Tensor
) -> Tutors:
    """All tutors, directions fitted on ``crops`` and ``style`` as :meth:`Tutors.fit` takes them."""
    found = Tutors(tutors, sizes, teachers)
    found.eval()
    pretrained(found.likens, teachers / VIT_TINY)
    found.to(device())
    found.fit(crops, style)
    return found


def answered(tutors: Tutors, crops: U8) -> dict[str, F32]:
    """The parts (n, d) that a trunk follows, of focused shoes (n, h, w, 4) and their mirror
    images."""
    knowing = Knowing(tutors)
    found, mirrored = embed(knowing, crops), embed(knowing, np.ascontiguousarray(crops[:, :, ::-1]))
    kept = {}
    for name in Follow.FOLLOWED:
        both = found[name] + mirrored[name]
        kept[name] = np.asarray(both / np.linalg.norm(both, axis=1, keepdims=True), np.float32)
    return kept
