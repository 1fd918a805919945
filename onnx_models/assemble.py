"""The served encoder: finder, trunk, palette and plain colour in one graph, pixels to a vector."""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple, TypeVar

import torch
from torch import Tensor, nn

from onnx_models.colours import BACKDROP, FAINT, FINE, PLAIN, STEPS, clues, scene
from onnx_models.finder import HEIGHT, WIDTH, Finder, focus
from onnx_models.likeness import Reading
from onnx_models.model import GATHERED, Sizes, Trunk, unit
from onnx_models.palette import Palette

CELL: Final = 8
"""Pixels a side of a cell of the outline's histograms, of the crop at half its size."""
ORIENTATIONS: Final = 8
KEPT: Final[dict[str, int]] = {
    "style": 40, "model": 40, "outline": 16, "detail": 64, "attributes": 32, "palette": 96,
    "plain": 56, "scene": 40,
}  # fmt: skip
"""Numbers that each part keeps, in its strongest directions and in the order of the vector."""
SHAPE: Final = ("style", "model", "outline")
COLOUR: Final = ("palette", "plain", "scene")
WHITENED: Final = {
    "style": 0.0, "model": 0.75, "outline": 0.5, "detail": 0.25, "attributes": 0.75, "plain": 0.5,
    "scene": 0.5,
}  # fmt: skip
"""Power of the deviation that directions are divided by."""
CENTRED: Final = {"style": 0.3}
"""Share of the mean that is taken away, all of it elsewhere. People's judgement of likeness follows
the style with its mean (0.77 against 0.72), but with all of it left nothing else tells in a sum:
the kept weights make up for what is left (:data:`onnx_models.weigh.STORED`)."""
GATED: Final = ("plain", "scene")
"""Worth something only where the picture that asks stands before a studio's backdrop: between
pictures of one studio the strongest signal there is, elsewhere noise."""
SIDED: Final = ("outline",)
"""Worth something only where the picture that asks shows the shoe from its side: an outline from
above or below is most like that of any other shoe seen so."""
PARTS: Final = tuple(KEPT)
T = TypeVar("T", bound=Any)


def sided(parts: dict[str, T], beside: T) -> dict[str, T]:
    """Parts (n, ...) as they ask: SIDED as far as the shoe is seen from its side, ``beside`` (n,).
    Tensors or arrays."""
    return {n: part * beside[:, None] if n in SIDED else part for n, part in parts.items()}


def outline(seen: Tensor) -> Tensor:
    """Oriented gradients of focused shoes (n, 4, h, w) in cells (n, d), the same for a shoe and its
    mirror image; square roots (Dalal and Triggs 2005, with soft orientations)."""
    grey = nn.functional.avg_pool2d(seen[:, :3].mean(1, keepdim=True), 2)
    across = grey[:, :, 1:-1, 2:] - grey[:, :, 1:-1, :-2]
    along = grey[:, :, 2:, 1:-1] - grey[:, :, :-2, 1:-1]
    energy = across * across + along * along + 1e-6
    strength = torch.sqrt(energy)
    # Twice the angle, so that an edge and its opposite are one orientation.
    double_x = (across * across - along * along) / energy
    double_y = 2 * across * along / energy
    angles = torch.arange(ORIENTATIONS) * (2 * math.pi / ORIENTATIONS)
    near = torch.relu(
        double_x * torch.cos(angles)[None, :, None, None]
        + double_y * torch.sin(angles)[None, :, None, None]
    )
    strong = near * near * near * strength
    cells = nn.functional.avg_pool2d(nn.functional.pad(strong, (1, 1, 1, 1)), CELL)
    roots = torch.sqrt(cells + 1e-6)
    mirrored = torch.cat([roots[:, :1], roots[:, 1:].flip(1)], dim=1).flip(3)
    both = (roots + mirrored)[:, :, :, : roots.shape[3] // 2].flatten(1)
    return unit(both)


class Looked(NamedTuple):
    """All parts, fixed ones as histograms; the backdrop's facts (n, 8), what the trunk gathered,
    features, mask (n, 48, 48)."""

    parts: dict[str, Tensor]
    facts: Tensor
    gathered: Tensor
    features: Tensor
    mask: Tensor


class Served(nn.Module):
    """uint8 NHWC pixels to ``embedding``, ``elsewhere``, ``catalogue``, ``features``, ``mask``."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.finder, self.trunk, self.palette = Finder(), Trunk(sizes), Palette()
        self.style = Reading(GATHERED, sizes.style)
        fixed = {
            "plain": math.prod(STEPS), "scene": math.prod(FINE),
            "outline": (HEIGHT // CELL // 2) * (WIDTH // CELL // 2) // 2 * ORIENTATIONS,
        }  # fmt: skip
        for name, kept in KEPT.items():
            if name != "palette":
                width = fixed.get(name) or int(getattr(sizes, name))
                self.register_buffer(f"axes_{name}", torch.eye(width)[:, :kept].contiguous())
                self.register_buffer(f"mean_{name}", torch.zeros(width))
        for gate, width in (("gate", 8), ("side", sizes.features)):
            self.register_buffer(gate, torch.zeros(width))
            self.register_buffer(f"{gate}_bias", torch.zeros(()))
        for name in ("kept", "phone", "studio", "beyond"):
            self.register_buffer(name, torch.ones(len(PARTS)) / len(PARTS))
        self.register_buffer("louder", torch.ones(()))
        self.gate: Tensor
        self.gate_bias: Tensor
        self.side: Tensor
        self.side_bias: Tensor
        self.kept: Tensor
        self.phone: Tensor
        self.studio: Tensor
        self.beyond: Tensor
        self.louder: Tensor

    def looked(self, pixels: Tensor) -> Looked:
        """What is seen of uint8 NHWC pixels."""
        x = pixels.permute(0, 3, 1, 2).float() / 255
        found = self.finder(x)
        seen = focus(x, found)
        gathered = self.trunk.gathered(seen)
        parts = self.trunk.read(gathered, seen)
        named = {name: getattr(parts, name) for name in ("model", "detail", "attributes")}
        named["style"] = unit(self.style(gathered))
        named["outline"] = outline(seen)
        read, named["scene"] = clues(x, seen, found), scene(x)
        named["palette"] = self.palette(read)
        named["plain"] = read[:, PLAIN]
        facts = read[:, BACKDROP] / FAINT
        # The heads name colours as well: they read what the palette says beside the trunk. And the
        # style: it is read for no label of ours, and brands of unseen products show in it.
        features = torch.cat([parts.features, named["palette"], named["style"]], dim=1)
        return Looked(named, facts, gathered, features, torch.sigmoid(found.logits))

    def reduced(self, named: dict[str, Tensor]) -> list[Tensor]:
        """Every part in its kept directions, of unit length."""
        found = []
        for name in PARTS:
            values = named[name]
            if name != "palette":
                axes, mean = getattr(self, f"axes_{name}"), getattr(self, f"mean_{name}")
                values = (values - mean) @ axes
            found.append(unit(values))
        return found

    def opened(self, facts: Tensor) -> Tensor:
        """How much of a studio's picture it is (n,), by the backdrop's facts (n, 8)."""
        return torch.sigmoid(facts @ self.gate + self.gate_bias)

    def beside(self, features: Tensor) -> Tensor:
        """How much the shoe is seen from its side (n,), by the features (n, f) or more."""
        return torch.sigmoid(features[:, : len(self.side)] @ self.side + self.side_bias)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """(n, 192, 192, 3) uint8 to the vectors of :meth:`joined`, features and the mask."""
        seen = self.looked(pixels)
        opened, beside = self.opened(seen.facts), self.beside(seen.features)
        asking, elsewhere, stored = self.joined(self.reduced(seen.parts), opened, beside)
        return asking, elsewhere, stored, seen.features, seen.mask

    def joined(
        self, parts: list[Tensor], opened: Tensor, beside: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Vectors that ask, that ask other shops, and to be asked for, of reduced parts; ``opened``
        and ``beside`` (n,).

        What is kept weighs its parts by ``kept``, as people judge likeness. What asks is scaled so
        that the cosine with what is kept sums the parts' cosines by other weights: ``studio`` for a
        studio's picture, ``phone`` for another, which asks nothing by its plain colours; by its
        outline only a shoe seen from its side asks. What finds the shoe in the studio's own shop
        (the very shades, the paper) misleads in another, so a studio's picture asks a second time,
        by ``beyond``, ``louder`` times as long; a phone's asks the same twice. All else has unit
        length.
        """
        roots = torch.sqrt(self.kept)
        turned = sided(dict(zip(PARTS, parts, strict=True)), beside).values()

        def asked(studio: Tensor) -> Tensor:
            scale = (self.phone + (studio - self.phone) * opened[:, None]) / roots
            scaled = [part * scale[:, at : at + 1] for at, part in enumerate(turned)]
            return unit(torch.cat(scaled, dim=1))

        elsewhere = asked(self.beyond) * (1 + (self.louder - 1) * opened)[:, None]
        stored = [part * roots[at] for at, part in enumerate(parts)]
        return asked(self.studio), elsewhere, unit(torch.cat(stored, dim=1))

    def weigh(self, **weights: dict[str, float]) -> None:
        """Set ``phone``, ``studio``, ``beyond`` and ``kept``, each by the parts' names."""
        for name, found in weights.items():
            getattr(self, name).copy_(Tensor([found[part] for part in PARTS]))


class Localiser(nn.Module):
    """The finder alone: uint8 NHWC pixels to the mask (n, 48, 48)."""

    def __init__(self, finder: Finder) -> None:
        super().__init__()
        self.finder = finder

    def forward(self, pixels: Tensor) -> Tensor:
        """(n, 192, 192, 3) uint8 to probabilities (n, 48, 48)."""
        return torch.sigmoid(self.finder(pixels.permute(0, 3, 1, 2).float() / 255).logits)
