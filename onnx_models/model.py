"""The encoder: a finder in front, a trunk on the focused shoe, parts of one vector.

Each part has unit length; side by side and scaled they make a vector of unit length. The cosine of
a vector that asks and one that is kept is the sum of the parts' cosines, each by the product of its
two scales (:class:`onnx_models.assemble.Served`):

* ``style``: what a pretrained teacher says of the clean picture (learned by regression), the part
  that agrees best with people;
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
from typing import Any, Final, NamedTuple

import torch
from torch import Tensor, nn

from onnx_models.blocks import weighted_mean
from onnx_models.separable import LAST, MIDST, Body, frozen

UNIT: Final = 1e-6


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


def _bands(x: Tensor, weight: Tensor, count: int) -> Tensor:
    """Weighted means of ``count`` horizontal bands, (n, count * c): blind to mirror images."""
    return torch.cat(
        [
            weighted_mean(part, share)
            for part, share in zip(
                torch.chunk(x, count, dim=2), torch.chunk(weight, count, dim=2), strict=True
            )
        ],
        dim=1,
    )


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


class Trunk(nn.Module):
    """Focused shoes (n, 4, 128, 160) to the learned parts."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.sizes = sizes
        self.body = Body()
        self.to_features = nn.Sequential(
            nn.Linear(3 * LAST + 2 * MIDST, sizes.features, bias=False),
            nn.BatchNorm1d(sizes.features),
        )
        self.to_style = nn.Linear(sizes.features, sizes.style)
        self.to_model = nn.Linear(sizes.features, sizes.model)
        self.to_detail = nn.Linear(sizes.features, sizes.detail)
        self.to_attributes = nn.Linear(sizes.features, sizes.attributes)
        self.colour = ColourHead(LAST, sizes.bins, sizes.colour)

    def train(self, mode: bool = True) -> Trunk:
        """Training mode for all but the local stages, which hints alone have taught."""
        super().train(mode)
        frozen(self.body.local())
        return self

    def forward(self, x: Tensor) -> Parts:
        """The parts of focused shoes; bfloat16 only under the caller's autocast."""
        middle, deep = self.body(x[:, :3])
        with torch.autocast("cpu", enabled=False):
            middle, deep, x = middle.float(), deep.float(), x.float()
            alpha = x[:, 3:]
            near, far = (
                nn.functional.adaptive_avg_pool2d(alpha, y.shape[2:]) for y in (middle, deep)
            )
            bands = _bands(deep, far, 2)
            pooled = torch.cat(
                [
                    bands,
                    (deep * far).amax((2, 3)),
                    weighted_mean(middle, near),
                    (middle * near).amax((2, 3)),
                ],
                dim=1,
            )
            features = torch.relu(self.to_features(pooled))
            return parts_of(self, features, x, weighted_mean(deep, far))


def parts_of(network: Any, features: Tensor, x: Tensor, mean: Tensor) -> Parts:
    """What trunk and tutor make of their features (n, f) alike; x (n, 4, h, w) ends in opacity.

    ``mean`` (n, c) is the shoe's mean feature, which the colour part looks at.
    """
    rgb, alpha = nn.functional.avg_pool2d(x[:, :3], 4), nn.functional.avg_pool2d(x[:, 3:], 4)
    return Parts(
        unit(network.to_style(features)),
        unit(network.to_model(features)),
        unit(network.to_detail(features)),
        network.colour(rgb, alpha, mean),
        unit(network.to_attributes(features)),
        features,
    )
