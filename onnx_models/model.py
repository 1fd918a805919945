"""The encoder: a small residual trunk, a foreground map, and two heads, shape and colour.

The embedding is shape, learned colour and plain colour side by side, each of unit length times the
square root of its weight, so the whole has unit length and its cosine is the weighted sum of the
parts' cosines.

* Trunk: ResNet basic blocks (He et al. 2016, arXiv 1512.03385) with squeeze-and-excitation (Hu et
  al. 2018, arXiv 1709.01507) in the later stages. Plain 3x3 convolutions are what onnxruntime runs
  fastest on a CPU, batch norm folds away at export.
* Foreground map: supervised by the masks that the augmentation knows, it keeps the backdrop out of
  both heads.
* Colour head: a soft histogram over learned colour bins (soft assignment as in NetVLAD,
  Arandjelovic et al. 2016, arXiv 1511.07247), foreground weighted, square root (Hellinger kernel,
  Arandjelovic and Zisserman 2012). The bins see each pixel raw and relative to the mean foreground
  log colour (grey world), and are shifted by the trunk's view of the scene: a learned white
  balance.
* Plain colour: a soft RGB histogram of the foreground with fixed bins. It knows nothing of light,
  but between pictures of one photo session it is the strongest signal there is.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Shape:
    """Sizes of the network; stored in the checkpoint."""

    stem: int = 24
    widths: tuple[int, int, int] = (40, 96, 208)
    blocks: tuple[int, int, int] = (1, 2, 2)
    shape_dim: int = 192
    colour_dim: int = 64
    colour_bins: int = 96
    plain_steps: int = 5
    plain_weight: float = 0.25
    teacher_dim: int = 256
    brands: int = 1
    categories: int = 1

    def as_dict(self) -> dict[str, object]:
        """Plain values for a checkpoint or a manifest."""
        return asdict(self)


class Gate(nn.Module):
    """Squeeze-and-excitation: rescales channels by a function of their means."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.down = nn.Conv2d(width, width // 8, 1)
        self.up = nn.Conv2d(width // 8, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(n, c, h, w) to the same."""
        gate = self.up(torch.relu(self.down(x.mean((2, 3), keepdim=True))))
        return x * torch.sigmoid(gate)


class Block(nn.Module):
    """Two 3x3 convolutions around a shortcut; the last batch norm starts at zero."""

    def __init__(self, inputs: int, outputs: int, stride: int, gated: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        nn.init.zeros_(self.norm2.weight)
        self.gate: nn.Module = Gate(outputs) if gated else nn.Identity()
        self.short: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.short = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x: Tensor) -> Tensor:
        """(n, inputs, h, w) to (n, outputs, h / stride, w / stride)."""
        y = torch.relu(self.norm1(self.conv1(x)))
        y = self.gate(self.norm2(self.conv2(y)))
        return torch.relu(y + self.short(x))


def _stage(inputs: int, outputs: int, blocks: int, gated: bool) -> nn.Sequential:
    return nn.Sequential(
        *(
            Block(inputs if i == 0 else outputs, outputs, 2 if i == 0 else 1, gated)
            for i in range(blocks)
        )
    )


def _weighted_mean(x: Tensor, weight: Tensor) -> Tensor:
    """Mean (n, c) of x (n, c, h, w) under weight (n, 1, h, w)."""
    total = weight.sum((2, 3)) + 1e-3
    return (x * weight).sum((2, 3)) / total


def _finer(weight: Tensor) -> Tensor:
    """The foreground map at stride 8 brought to stride 4."""
    return nn.functional.interpolate(weight, scale_factor=2.0, mode="bilinear", align_corners=False)


class ColourHead(nn.Module):
    """Soft colour histogram of the foreground, under a learned white balance."""

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
        mean = _weighted_mean(logs, weight)
        relative = logs - mean[:, :, None, None]
        scene = self.scene(torch.cat([context, mean], dim=1))
        hidden = torch.relu(
            self.pixel(torch.cat([rgb * 4 - 2, relative], dim=1)) + scene[:, :, None, None]
        )
        share = torch.softmax(self.bins(hidden), dim=1)
        histogram = _weighted_mean(share, weight)
        roots = torch.sqrt(histogram + 1e-6) - self.bins.out_channels**-0.5
        return nn.functional.normalize(self.out(roots), dim=1)


def plain_colour(rgb: Tensor, weight: Tensor, steps: int) -> Tensor:
    """Square root of a trilinear RGB histogram; (n, 3, h, w), (n, 1, h, w) to (n, steps ** 3)."""
    centres = torch.linspace(0, 1, steps)[None, None, :, None]
    near = torch.relu(1 - (rgb.flatten(2)[:, :, None] - centres).abs() * (steps - 1))
    pairs = (near[:, 0][:, :, None] * near[:, 1][:, None]).flatten(1, 2) * weight.flatten(2)
    counts = torch.matmul(pairs, near[:, 2].transpose(1, 2)).flatten(1)
    return torch.sqrt(counts / counts.sum(1, keepdim=True))


class Output(NamedTuple):
    """What training needs; shapes (n, ...)."""

    shape: Tensor
    colour: Tensor
    mask: Tensor
    teacher: Tensor
    brand: Tensor
    category: Tensor


class Encoder(nn.Module):
    """Pixels (n, 3, h, w) in 0..1 to the two unit-length parts, and the training-only outputs."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.sizes = shape
        self.half = True
        first, second, third = shape.widths
        self.stem = nn.Sequential(
            nn.Conv2d(3, shape.stem, 3, 2, 1, bias=False), nn.BatchNorm2d(shape.stem), nn.ReLU()
        )
        self.stage1 = _stage(shape.stem, first, shape.blocks[0], gated=False)
        self.stage2 = _stage(first, second, shape.blocks[1], gated=True)
        self.stage3 = _stage(second, third, shape.blocks[2], gated=True)
        self.mask = nn.Conv2d(second, 1, 1)
        pooled = third * 2 + second * 2
        self.to_shape = nn.Linear(pooled, shape.shape_dim)
        self.colour = ColourHead(third, shape.colour_bins, shape.colour_dim)
        self.balance = nn.Parameter(torch.tensor(0.4))
        self.to_teacher = nn.Linear(pooled, shape.teacher_dim)
        self.to_brand = nn.Linear(pooled, shape.brands)
        self.to_category = nn.Linear(pooled, shape.categories)

    def features(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Pooled features, shape part, colour part, foreground logits at stride 8.

        The trunk runs in bfloat16 while ``half`` is set; export clears it.
        """
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.half):
            middle = self.stage2(self.stage1(self.stem((x - 0.5) * 4)))
            deep = self.stage3(middle)
            logits = self.mask(middle)
        middle, deep, logits = middle.float(), deep.float(), logits.float()
        weight = torch.sigmoid(logits)
        coarse = nn.functional.avg_pool2d(weight, 2, ceil_mode=True)
        mean = _weighted_mean(deep, coarse)
        peak = (deep * coarse).amax((2, 3))
        texture = _weighted_mean(middle, weight)
        spread = _weighted_mean((middle - texture[:, :, None, None]) ** 2, weight)
        pooled = torch.cat([mean, peak, texture, torch.sqrt(spread + 1e-4)], dim=1)
        shape = nn.functional.normalize(self.to_shape(pooled), dim=1)
        colour = self.colour(nn.functional.avg_pool2d(x, 4), _finer(weight), mean)
        return pooled, shape, colour, logits

    def forward(self, x: Tensor) -> Output:
        """The training outputs."""
        pooled, shape, colour, logits = self.features(x)
        return Output(
            shape,
            colour,
            logits[:, 0],
            self.to_teacher(pooled),
            self.to_brand(pooled),
            self.to_category(pooled),
        )

    def weights(self) -> Tensor:
        """Weights (2,) of the two parts' cosines; they sum to 1."""
        share = 0.2 + 0.6 * torch.sigmoid(self.balance)
        return torch.stack([share, 1 - share])

    def embed(self, x: Tensor) -> Tensor:
        """The served vector (n, shape_dim + colour_dim + plain_steps ** 3), unit length."""
        _, shape, colour, logits = self.features(x)
        fine = _finer(torch.sigmoid(logits))
        plain = plain_colour(nn.functional.avg_pool2d(x, 4), fine, self.sizes.plain_steps)
        share = torch.sqrt(self.weights() * (1 - self.sizes.plain_weight))
        rest = self.sizes.plain_weight**0.5
        return torch.cat([shape * share[0], colour * share[1], plain * rest], dim=1)


class Served(nn.Module):
    """The exported graph: uint8 NHWC pixels to the embedding, normalisation inside."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, pixels: Tensor) -> Tensor:
        """(n, h, w, 3) uint8 to (n, d) float32."""
        return self.encoder.embed(pixels.permute(0, 3, 1, 2).float() / 255)
