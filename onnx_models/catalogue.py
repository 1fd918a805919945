"""A search among the clean pictures of all training rows, as something to learn from.

A batch holds a hundred pictures, and a trunk soon tells those apart; a catalogue holds tens of
thousands. So every view of a batch asks a memory of what the trunk says of all clean pictures
(a memory bank, Wu et al. 2018, arXiv 1805.01978), and asks as search does: by the sum of the parts'
cosines, the palette's among them, which stands as it is. What the colours tell by themselves
needs no learning.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from onnx_models.assemble import KEPT, WHITENED
from onnx_models.bank import CLEAN, clean_places, codes_of, trained_places
from onnx_models.crops import build_clues, build_looks
from onnx_models.dataset import F32, I64
from onnx_models.finder import Finder
from onnx_models.lessons import Stage
from onnx_models.losses import IGNORE, Fine
from onnx_models.model import Parts, Trunk
from onnx_models.palette import Palette, look
from onnx_models.sampler import Batch
from onnx_models.validate import embed

ASKED: Final = {"model": 0.3, "detail": 0.15, "attributes": 0.08, "palette": 0.45}
"""What the parts count where a phone asks, about as :mod:`onnx_models.finish` fits it."""
LEARNED: Final = ("model", "detail", "attributes")
TWIN: Final = 0.8
"""Two clean pictures of such a cosine may show one shoe under two ids: of 500 lone pictures of the
training one in nine has another so near."""
RENEWED: Final = 0.5
"""How much of a remembered vector the next view of that clean picture replaces."""
BLOCK: Final = 2048


class Remembered(NamedTuple):
    """Of t ``rows`` (t,) the ``parts`` (t, d), by name of LEARNED, that a trunk says of the clean
    picture; the ``palettes`` (p, d) of all places in the bank."""

    rows: I64
    parts: dict[str, F32]
    palettes: F32

    @classmethod
    def of(
        cls, stage: Stage, finder: Finder, trunk: Trunk, palette: Palette, seed: int
    ) -> Remembered:
        """What is said of the pictures that training may see, as the finder cuts them out."""
        bank = stage.bank
        rows, rng = np.array(sorted(trained_places(bank))), np.random.default_rng(seed)
        looks, places = build_looks(bank, finder, stage.where), clean_places(bank)[rows]
        told = []
        for start in range(0, len(places), BLOCK):
            some = places[start : start + BLOCK]
            crops = [looks.crop(np.array(bank.views[at]), at, rng) for at in some]
            told.append(embed(trunk, np.stack(crops)))
        clues = build_clues(bank, finder, stage.where).whole
        return cls(
            rows, {name: np.concatenate([one[name] for one in told]) for name in LEARNED},
            look(palette, clues, np.arange(len(clues))),
        )  # fmt: skip

    def keep(self, path: Path) -> None:
        """Write it."""
        np.savez(path, rows=self.rows, palettes=self.palettes, **self.parts)  # type: ignore[arg-type]

    @classmethod
    def kept(cls, path: Path) -> Remembered:
        """Read it."""
        with np.load(path) as told:
            return cls(told["rows"], {name: told[name] for name in LEARNED}, told["palettes"])


class Catalogue(nn.Module):
    """What is remembered of t clean pictures, and the losses of asking it."""

    def __init__(
        self, rows: I64, told: dict[str, F32], palette: F32, products: I64, models: I64
    ) -> None:
        """Of t ``rows`` (t,) the parts ``told`` (t, d) of the clean picture, by name of LEARNED,
        and its ``palette`` (t, d); codes of all rows' ``products`` and ``models``."""
        super().__init__()
        self.scales = nn.Parameter(torch.log(torch.tensor([20.0, 12.0])))
        parts = {name: torch.from_numpy(told[name]) for name in LEARNED}
        at = np.full(len(products), -1, np.int64)
        at[rows] = np.arange(len(rows))
        self.fine = nn.ModuleDict({
            name: Fine(part.shape[1], KEPT[name]).fit(part, WHITENED[name])
            for name, part in parts.items()
        })  # fmt: skip
        known: dict[str, Tensor] = {
            "at": torch.from_numpy(at), "products": torch.from_numpy(products[rows]),
            "models": torch.from_numpy(models[rows]), "palette": torch.from_numpy(palette),
        }  # fmt: skip
        with torch.no_grad():
            known |= {name: self.fine[name](part) for name, part in parts.items()}
        roots = [known[name] * weight**0.5 for name, weight in ASKED.items()]
        known["clean"] = nn.functional.normalize(torch.cat(roots, dim=1), dim=1)
        for name, value in known.items():
            self.register_buffer(f"known_{name}", value, persistent=False)

    def __getitem__(self, name: str) -> Tensor:
        return getattr(self, f"known_{name}")  # type: ignore[no-any-return]

    def forward(
        self, parts: Parts, batch: Batch, palette: Tensor, clean: Tensor
    ) -> dict[str, Tensor]:
        """Losses of views, by what the ``palette`` (n, d) says of them, too; ``clean`` (n,): which
        are the picture itself.

        ``searched``: minus the log of the chance that the first picture found is of the view's
        product, another than its own where the product has others; ``singled``: the same by detail
        alone. A clean view of a product's only picture asks nothing."""
        places = self["at"][batch.rows.clamp(min=0)]
        known = (batch.rows >= 0) & (places >= 0)
        mine = self["products"][None] == batch.products[:, None]
        lone = mine.sum(1) == 1
        asks = torch.nonzero(known & ~(clean & lone))[:, 0]
        said = {name: self.fine[name](getattr(parts, name).float()) for name in LEARNED}
        asked = {n: v[asks] for n, v in said.items()} | {"palette": palette[asks]}
        found = self._losses(asked, batch, asks, mine, lone)
        with torch.no_grad():
            shown = known & clean
            fresh = {name: said[name][shown] for name in LEARNED} | {"palette": palette[shown]}
            for name, value in fresh.items():
                value = torch.lerp(self[name][places[shown]], value, RENEWED)
                value = nn.functional.normalize(value, dim=1)
                # A copy: what was asked is needed as it was for the gradient.
                setattr(self, f"known_{name}", self[name].index_copy(0, places[shown], value))
        return found

    def _losses(
        self, said: dict[str, Tensor], batch: Batch, asks: Tensor, mine: Tensor, lone: Tensor
    ) -> dict[str, Tensor]:
        places = self["at"][batch.rows[asks]]
        mine, lone = mine[asks], lone[asks]
        own = torch.arange(mine.shape[1], device=mine.device)[None] == places[:, None]
        right = mine & (~own | lone[:, None])
        twins = self["clean"][places] @ self["clean"].T > TWIN
        out = (mine | twins) & ~right
        cosines = {name: said[name] @ self[name].T for name in LEARNED}
        # Colourways of a model lie together there; others must tell them apart.
        kin = (self["models"][None] == batch.models[asks][:, None]) & ~right
        cosines["model"] = torch.where(kin, cosines["model"].detach(), cosines["model"])
        whole = said["palette"] @ self["palette"].T * ASKED["palette"]
        for name in LEARNED:
            whole = whole + cosines[name] * ASKED[name]
        scales = self.scales.exp().clamp(max=60.0)
        return {
            name: _missed((value * scale).masked_fill(out, IGNORE), right)
            for name, value, scale in (
                ("searched", whole, scales[0]), ("singled", cosines["detail"], scales[1])
            )
        }  # fmt: skip


def _missed(logits: Tensor, right: Tensor) -> Tensor:
    """Minus the mean log of the chance (n, t) of what is right (n, t), at least one a row; 0 where
    there is none."""
    hit = torch.logsumexp(logits.masked_fill(~right, IGNORE), dim=1)
    return (torch.logsumexp(logits, dim=1) - hit).sum() / max(len(logits), 1)


class Banked(nn.Module):
    """A catalogue that views of the bank ask."""

    def __init__(self, stage: Stage, told: Remembered) -> None:
        super().__init__()
        bank, clean = stage.bank, clean_places(stage.bank)[told.rows]
        self.catalogue = Catalogue(
            told.rows, told.parts, told.palettes[clean], *codes_of(stage.rows, bank)
        )
        self.register_buffer("palettes", torch.from_numpy(told.palettes), persistent=False)
        clean_ones = torch.from_numpy(bank.kinds == CLEAN)
        self.register_buffer("clean", clean_ones, persistent=False)
        self.palettes: Tensor
        self.clean: Tensor

    def forward(self, parts: Parts, batch: Batch) -> dict[str, Tensor]:
        """The catalogue's losses."""
        there = batch.places
        found: dict[str, Tensor] = self.catalogue(
            parts, batch, self.palettes[there], self.clean[there]
        )
        return found
