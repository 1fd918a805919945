"""The encoder: a finder in front, a trunk on the focused shoe, parts of one vector.

Each part has unit length; side by side and scaled they make a vector of unit length. The cosine of
a vector that asks and one that is kept is the sum of the parts' cosines, each by the product of its
two scales (:class:`onnx_models.assemble.Served`):

* ``style``: what a pretrained teacher says of the clean picture (learned by regression), the part
  that agrees best with people; read anew when training is over (:mod:`onnx_models.likeness`);
* ``model``: the same for all colourways of a model (supervised contrast by model);
* ``detail``: tells products apart (contrast between views of one product);
* ``colour``: a soft histogram over learned colour bins (soft assignment as in NetVLAD, Arandjelovic
  et al. 2016, arXiv 1511.07247) of the shoe's pixels under the finder's light correction, square
  root taken (Hellinger kernel, Arandjelovic and Zisserman 2012); learned beside the others and no
  longer in the vector, where the palette stands for it;
* ``attributes``: brand, category, colour and gender as near-orthogonal directions, so that a text
  can name them;
* ``outline``: principal components of oriented gradients of the focused shoe;
* ``palette``: what a network reads from histograms of the shoe's colours under guesses of the light
  (:mod:`onnx_models.palette`);
* ``plain`` and ``scene``: principal components of colour histograms as photographed, of the shoe
  and of the whole picture. Between pictures of one studio they are the strongest signal there is,
  elsewhere noise; what asks leaves them out where the backdrop is no studio's.

``style``, ``model`` and ``outline`` together are the shape part; ``palette``, ``plain`` and
``scene`` the colour part. Outline, plain and scene are fixed functions
(:mod:`onnx_models.assemble`).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Final, NamedTuple

import torch
from torch import Tensor, nn

from onnx_models.blocks import weighted_mean
from onnx_models.finder import HEIGHT, WIDTH
from onnx_models.transformer import DIM, OWN, PATCH, Kind, Transformer

UNIT: Final = 1e-6
GATHERED: Final = 3 * DIM
"""Numbers of what the transformer sees of a shoe: see :meth:`Trunk.gathered`."""
SEEN: Final = 0.7
"""Share of the patches that a view keeps in training (as in arXiv 2212.00794): cheaper, and no view
can be told by one place alone."""
READS: Final = ("to_", "colour")
"""How the names of what reads the transformer's tokens begin."""


@dataclass(frozen=True)
class Sizes:
    """Sizes of the network; stored in the checkpoint."""

    features: int = 512
    style: int = 64
    model: int = 64
    detail: int = 96
    colour: int = 48
    attributes: int = 48
    bins: int = 96
    labels: tuple[int, ...] = (1, 1, 1, 1, 1)

    def as_dict(self) -> dict[str, object]:
        """Plain values for a checkpoint or a manifest."""
        return asdict(self)


def unit(x: Tensor) -> Tensor:
    """Rows (n, d) divided by their length."""
    return x / torch.sqrt((x * x).sum(dim=1, keepdim=True) + UNIT)


class ColourHead(nn.Module):
    """Soft colour histogram of the shoe under a learned white balance."""

    def __init__(self, context: int, bins: int, dim: int) -> None:
        super().__init__()
        self.pixel = nn.Conv2d(6, 48, 1)
        self.scene = nn.Linear(context + 3, 48)
        self.bins = nn.Conv2d(48, bins, 1)
        # Bins that differ from the first step on; near-uniform shares would give no gradient.
        nn.init.normal_(self.bins.weight, std=0.3)
        self.out = nn.Linear(bins, dim, bias=False)

    def forward(self, rgb: Tensor, weight: Tensor, context: Tensor) -> Tensor:
        """rgb (n, 3, h, w) in 0..1, weight (n, 1, h, w), context (n, c) to (n, dim)."""
        logs = torch.log(rgb + 0.03)
        mean = weighted_mean(logs, weight)
        relative = logs - mean[:, :, None, None]
        scene = self.scene(torch.cat([context, mean], dim=1))
        hidden = torch.relu(
            self.pixel(torch.cat([rgb * 4 - 2, relative], dim=1)) + scene[:, :, None, None]
        )
        share = torch.softmax(self.bins(hidden), dim=1)
        histogram = weighted_mean(share, weight)
        roots = torch.sqrt(histogram + 1e-6) - self.bins.out_channels**-0.5
        return unit(self.out(roots))


class Parts(NamedTuple):
    """What training needs; each (n, ...)."""

    style: Tensor
    model: Tensor
    detail: Tensor
    colour: Tensor
    attributes: Tensor
    features: Tensor


class Told(NamedTuple):
    """Parts that tutors answer with; each (n, ...)."""

    style: Tensor
    model: Tensor
    detail: Tensor
    attributes: Tensor


class Trunk(Transformer):
    """Focused shoes (n, 4, height, width) to the learned parts."""

    kind: Kind = OWN
    frozen = 0
    """Layers that stay as they are while the parts are learned."""

    def __init__(self, sizes: Sizes, height: int = HEIGHT, width: int = WIDTH) -> None:
        super().__init__(self.kind, height, width)
        self.sizes = sizes
        self.to_features = nn.Sequential(
            nn.Linear(GATHERED, sizes.features, bias=False), nn.BatchNorm1d(sizes.features)
        )
        self.to_style = nn.Linear(sizes.features, sizes.style)
        self.to_model = nn.Linear(sizes.features, sizes.model)
        self.to_detail = nn.Linear(sizes.features, sizes.detail)
        self.to_attributes = nn.Linear(sizes.features, sizes.attributes)
        self.colour = ColourHead(DIM, sizes.bins, sizes.colour)

    def fresh(self) -> list[nn.Parameter]:
        """Parameters that nothing has taught before, and that may learn faster."""
        named = self.named_parameters()
        return [p for name, p in named if name.startswith(READS)]

    def taught(self) -> list[nn.Parameter]:
        """Parameters of the transformer that learn on."""
        layers = [p for layer in self.layers[self.frozen :] for p in layer.parameters()]
        before = [] if self.frozen else [*self.patch.parameters(), self.cls, self.position]
        return [*before, *layers, *self.norm.parameters()]

    def seen(self, share: Tensor) -> Tensor | None:
        """Which patches (n, t) are looked at, by how much of the shoe each holds (n, p, 1): in
        training SEEN of them, those of the shoe first; otherwise None, all."""
        if not self.training:
            return None
        count = int(share.shape[1] * SEEN)
        return (share[:, :, 0] + torch.rand_like(share[:, :, 0])).topk(count, dim=1).indices

    def gathered(self, x: Tensor) -> Tensor:
        """What the transformer sees of shoes (n, 4, height, width), (n, GATHERED): the class token,
        and the mean and the most of the shoe's tokens. bfloat16 only under the caller's autocast.
        """
        x = x.float()
        share = nn.functional.avg_pool2d(x[:, 3:], PATCH).flatten(2).transpose(1, 2)
        kept = self.seen(share)
        if kept is not None:
            share = torch.gather(share, 1, kept[:, :, None])
        tokens = self.tokens(x[:, :3], kept, self.frozen)
        with torch.autocast(x.device.type, enabled=False):
            spots = tokens[:, 1:]
            mean = (spots * share).sum(1) / (share.sum(1) + 1e-3)
            most = (spots * share).amax(1)
            return torch.cat([tokens[:, 0], mean, most], dim=1)

    def read(self, gathered: Tensor, x: Tensor) -> Parts:
        """The parts, of what was gathered of ``x``; float32."""
        features = torch.relu(self.to_features(gathered))
        small = nn.functional.avg_pool2d(x.float(), 4)
        return Parts(
            unit(self.to_style(features)),
            unit(self.to_model(features)),
            unit(self.to_detail(features)),
            self.colour(small[:, :3], small[:, 3:], gathered[:, DIM : 2 * DIM]),
            unit(self.to_attributes(features)),
            features,
        )

    def forward(self, x: Tensor) -> Parts:
        """The parts."""
        gathered = self.gathered(x)
        with torch.autocast(x.device.type, enabled=False):
            return self.read(gathered, x)
