"""What the trunk learns from: contrast between products and between models, and labels."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from onnx_models.model import Parts, Told
from onnx_models.precision import bfloat16
from onnx_models.teachers import directions

IGNORE = -1e4
FLOOR = 0.08
"""Least weight of a part in the training cosine: no part may starve."""


def rivals(products: Tensor, twins: Tensor) -> tuple[Tensor, Tensor]:
    """Of 2n views, n first ones, then the n second ones: the place (2n,) of each one's other view,
    and which pairs (2n, 2n) are no negatives: itself, its product's others, ``twins``."""
    count = len(products)
    own = (torch.arange(count, device=products.device) + count // 2) % count
    skip = (products[:, None] == products[None]) | twins
    skip[torch.arange(count, device=products.device), own] = False
    skip.fill_diagonal_(True)
    return own, skip


class Contrast(nn.Module):
    """InfoNCE (van den Oord et al. 2018, arXiv 1807.03748) over the parts together and apart.

    Negatives are both views of all other products of the batch, as in SimCLR (arXiv 2002.05709). A
    pair of different products counts as a negative unless the teachers see nearly the same clean
    picture: the same shoe stands in several sources under different ids.
    """

    def __init__(self, twin: float) -> None:
        super().__init__()
        self.scales = nn.Parameter(torch.log(torch.tensor([16.0, 12.0, 10.0, 10.0])))
        self.balance = nn.Parameter(torch.zeros(4))
        self.twin = twin

    def weights(self) -> Tensor:
        """Weights (4,) of style, model, detail and colour in the training cosine; sum 1."""
        return FLOOR + (1 - 4 * FLOOR) * torch.softmax(self.balance, dim=0)

    def forward(
        self, parts: Parts, products: Tensor, models: Tensor, teachers: Tensor
    ) -> dict[str, Tensor]:
        """Losses of 2n views: n first views, then the n second ones.

        ``products`` (2n,), ``models`` (2n,): codes, equal for colourways of one model;
        ``teachers`` (2n, t): clean features of the pictures behind the views, unit length.
        """
        scales = self.scales.exp().clamp(max=60.0)
        cosines = [x @ x.T for x in (parts.style, parts.model, parts.detail, parts.colour)]
        both = sum(w * c for w, c in zip(self.weights(), cosines, strict=True))
        twins = teachers @ teachers.T > self.twin
        own, skip = rivals(products, twins)
        losses = {
            name: nn.functional.cross_entropy((part * scale).masked_fill(skip, IGNORE), own)
            for name, part, scale in (
                ("both", both, scales[0]),
                ("detail", cosines[2], scales[1]),
                ("colour", cosines[3], scales[2]),
            )
        }
        losses["model"] = _by_model(cosines[1] * scales[3], models, products, twins)
        return losses


def _by_model(logits: Tensor, models: Tensor, products: Tensor, twins: Tensor) -> Tensor:
    """Supervised contrast (Khosla et al. 2020, arXiv 2004.11362): colourways attract each other."""
    self_ = torch.eye(len(models), dtype=torch.bool, device=models.device)
    same = ((models[:, None] == models[None]) | (products[:, None] == products[None])) & ~self_
    logits = logits.masked_fill(self_ | (twins & ~same), IGNORE)
    chance = torch.log_softmax(logits, dim=1)
    return -((chance * same).sum(1) / same.sum(1).clamp(min=1)).mean()


class Labels(nn.Module):
    """Linear classifiers on the attribute part, one for each kind of label; -1 is unknown."""

    def __init__(self, dim: int, sizes: tuple[int, ...]) -> None:
        super().__init__()
        self.heads = nn.ModuleList(nn.Linear(dim, size) for size in sizes)
        self.scale = nn.Parameter(torch.tensor(12.0).log())
        self.begun = [False] * len(sizes)
        """Which classifiers know something already."""

    def take(self, state: dict[str, Tensor]) -> None:
        """Go on from those of another run that have as many classes."""
        with torch.no_grad():
            self.scale.copy_(state["scale"])
            for column, head in enumerate(self.heads):
                weight, bias = (state[f"heads.{column}.{name}"] for name in ("weight", "bias"))
                if weight.shape == head.weight.shape:
                    head.weight.copy_(weight)
                    head.bias.copy_(bias)
                    self.begun[column] = True

    @torch.no_grad()
    def begin(self, attributes: Tensor, labels: Tensor) -> None:
        """Let the others begin at the means of their classes: at random they would spoil what is
        behind them. ``attributes`` (n, d) and ``labels`` (n, kinds) of pictures."""
        around = attributes - attributes.mean(dim=0)
        for column, head in enumerate(self.heads):
            if self.begun[column]:
                continue
            known = labels[:, column] >= 0
            sums = torch.zeros_like(head.weight)
            sums.index_add_(0, labels[known, column], around[known])
            head.weight.copy_(nn.functional.normalize(sums, dim=1))
            head.bias.zero_()
            self.begun[column] = True

    def forward(self, attributes: Tensor, labels: Tensor) -> Tensor:
        """Mean cross-entropy; ``attributes`` (n, d) unit rows, ``labels`` (n, kinds)."""
        losses = []
        for column, head in enumerate(self.heads):
            known = labels[:, column] >= 0
            if known.any():
                logits = self.scale.exp() * head(attributes[known])
                losses.append(
                    nn.functional.cross_entropy(logits, labels[known, column], label_smoothing=0.05)
                )
        return torch.stack(losses).mean() if losses else attributes.sum() * 0


class Fine(nn.Module):
    """A part in the whitened directions in which search looks at it: there the cosine of two
    answers is not decided by what all shoes share."""

    def __init__(self, width: int, kept: int) -> None:
        """Of parts (n, width) the ``kept`` strongest directions; :meth:`fit` finds them."""
        super().__init__()
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("axes", torch.zeros(width, kept))
        self.mean: Tensor
        self.axes: Tensor

    def fit(self, answers: Tensor, power: float) -> Fine:
        """Take them from ``answers`` (n, width), n >= kept, divided by ``power`` of their
        deviation."""
        mean, axes = directions(answers.cpu().numpy(), power)
        self.mean.copy_(torch.from_numpy(mean))
        self.axes.copy_(torch.from_numpy(axes[:, : self.axes.shape[1]]))
        return self

    def forward(self, part: Tensor) -> Tensor:
        """Unit vectors (n, d)."""
        return nn.functional.normalize((part - self.mean) @ self.axes, dim=1)


class Follow(nn.Module):
    """Learn what the tutor says of the clean picture, from any view of it.

    ``follow`` pulls each part to the tutor's; ``order`` asks for the tutor's ranking of all clean
    pictures (Fang et al. 2021, arXiv 2101.04731: soft targets over a memory), which is what a
    search does: photograph in, catalogue ranked. ``match`` asks for what the tutor says of the very
    same crop, and of mixtures of crops that no collection of pictures holds (mixup, Zhang et al.
    2018, arXiv 1710.09412; the same input for both, as Beyer et al. 2022, arXiv 2106.05237): so
    the tutor's function is learned and not its answers alone.
    """

    SCALE = 20.0
    """Of the cosines before the softmax."""
    NAMES = ("style", "model", "detail", "colour")
    """In the order of the tutor's weights."""
    FOLLOWED = ("model", "detail", "attributes")
    """Style has a target of its own; of the colour under the light the tutor knows little."""
    JOINED = ("model", "detail")
    MIXED = 0.25
    """Of a batch's crops, how many mixtures are made, where nothing else is said."""

    def __init__(
        self, answers: dict[str, Tensor], seen: Tensor, weights: Tensor, powers: dict[str, float],
        tutor: nn.Module, mixed: float = MIXED,
    ) -> None:  # fmt: skip
        """``answers`` by part (rows, d), ``seen``: rows that training may see; ``weights`` (4,) of
        NAMES; ``powers`` as :class:`Fine` takes them."""
        super().__init__()
        self.answers, self.tutor, self.mixed = answers, tutor.eval(), mixed
        self.roots = dict(zip(self.NAMES, torch.sqrt(weights).tolist(), strict=False))
        self.memory = self._join({name: values[seen] for name, values in answers.items()})
        self.fine = nn.ModuleDict()
        for name in self.FOLLOWED:
            told = answers[name][seen]
            self.fine[name] = Fine(told.shape[1], min(told.shape)).fit(told, powers[name])

    def _join(self, parts: dict[str, Tensor]) -> Tensor:
        joined = torch.cat([parts[name] * self.roots[name] for name in self.JOINED], dim=1)
        return nn.functional.normalize(joined, dim=1)

    def _away(self, own: dict[str, Tensor], right: dict[str, Tensor]) -> Tensor:
        away = [
            1 - (fine(own[name]) * fine(right[name])).sum(1).mean()
            for name, fine in self.fine.items()
        ]
        return torch.stack(away).mean()

    def forward(self, parts: Parts, rows: Tensor) -> dict[str, Tensor]:
        """Losses of views of ``rows`` (n,); -1, a scene, has no answer."""
        known = rows >= 0
        rows = rows[known]
        own = {name: getattr(parts, name)[known] for name in self.FOLLOWED}
        right = {name: self.answers[name][rows] for name in self.FOLLOWED}
        wanted = torch.softmax(self._join(right) @ self.memory.T * self.SCALE, dim=1)
        chance = torch.log_softmax(self._join(own) @ self.memory.T * self.SCALE, dim=1)
        order = (wanted * (torch.log(wanted + 1e-9) - chance)).sum(1).mean()
        return {"follow": self._away(own, right), "order": order}

    def match(self, network: nn.Module, crops: Tensor) -> dict[str, Tensor]:
        """The loss on mixtures of ``crops`` (n, 4, h, w); statistics of norms stay as they are."""
        count = int(len(crops) * self.mixed)
        one, two = torch.randperm(len(crops))[: 2 * count].reshape(2, count)
        share = torch.rand(count, 1, 1, 1, device=crops.device)
        mixed = crops[one] * share + crops[two] * (1 - share)
        mixed = mixed.contiguous(memory_format=torch.channels_last)
        network.eval()
        with bfloat16(crops.device.type):
            with torch.no_grad():
                told = self.tutor(mixed)
            said = Parts(*network(mixed))
        network.train()
        own, right = ({n: getattr(x, n) for n in Told._fields} for x in (said, told))
        style = 1 - (own["style"] * right["style"]).sum(1).mean()
        return {"match": (len(self.FOLLOWED) * self._away(own, right) + style) / len(own)}
