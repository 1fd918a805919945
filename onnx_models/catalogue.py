"""A search among the clean pictures of all training rows, as something to learn from.

A batch holds a hundred pictures, and a trunk soon tells those apart; a catalogue holds tens of
thousands. So every view of a batch asks a memory of what the trunk says of all clean pictures
(a memory bank, Wu et al. 2018, arXiv 1805.01978), and asks as search does: by the sum of the parts'
cosines, the palette's among them, which stands as it is. What the colours tell by themselves
needs no learning.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from onnx_models.assemble import KEPT, WHITENED
from onnx_models.bank import CLEAN, clean_places, codes_of, trained_places
from onnx_models.crops import Crops, Looks, build_clues
from onnx_models.dataset import F32, I64
from onnx_models.finder import Finder
from onnx_models.lessons import Stage
from onnx_models.losses import IGNORE, Fine
from onnx_models.model import Parts, Trunk
from onnx_models.palette import Palette
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


class Catalogue(nn.Module):
    """What is remembered of t clean pictures, and the losses of asking it."""

    def __init__(
        self, rows: I64, products: I64, models: I64, kinds: I64, told: dict[str, F32],
        palettes: F32,
    ) -> None:  # fmt: skip
        """``rows`` (t,) remembered, their ``told`` parts (t, d) by name of LEARNED; codes of all
        rows' ``products`` and ``models``; of all places in the bank ``kinds`` and ``palettes``
        (p, d); the palette of the clean pictures as ``told["palette"]``."""
        super().__init__()
        self.scales = nn.Parameter(torch.log(torch.tensor([20.0, 12.0])))
        at = np.full(len(products), -1, np.int64)
        at[rows] = np.arange(len(rows))
        self.fine = nn.ModuleDict({
            name: Fine(told[name].shape[1], KEPT[name]).fit(
                torch.from_numpy(told[name]), WHITENED[name]
            )
            for name in LEARNED
        })  # fmt: skip
        known: dict[str, Tensor] = {
            "at": torch.from_numpy(at), "products": torch.from_numpy(products[rows]),
            "models": torch.from_numpy(models[rows]), "kinds": torch.from_numpy(kinds),
            "palettes": torch.from_numpy(palettes),
            "palette": torch.from_numpy(told["palette"]),
        }  # fmt: skip
        with torch.no_grad():
            known |= {n: self.fine[n](torch.from_numpy(told[n])) for n in LEARNED}
        roots = [known[name] * weight**0.5 for name, weight in ASKED.items()]
        known["clean"] = nn.functional.normalize(torch.cat(roots, dim=1), dim=1)
        for name, value in known.items():
            self.register_buffer(f"known_{name}", value, persistent=False)

    def __getitem__(self, name: str) -> Tensor:
        return getattr(self, f"known_{name}")  # type: ignore[no-any-return]

    def forward(self, parts: Parts, batch: Batch) -> dict[str, Tensor]:
        """``searched``: minus the log of the chance that the first picture found is of the view's
        product, another than its own where the product has others; ``singled``: the same by detail
        alone. A clean view of a product's only picture asks nothing."""
        places = self["at"][batch.rows.clamp(min=0)]
        clean = self["kinds"][batch.places] == CLEAN
        known = (batch.rows >= 0) & (places >= 0)
        mine = self["products"][None] == batch.products[:, None]
        lone = mine.sum(1) == 1
        asks = torch.nonzero(known & ~(clean & lone))[:, 0]
        said = {name: self.fine[name](getattr(parts, name).float()) for name in LEARNED}
        found = self._losses({n: v[asks] for n, v in said.items()}, batch, asks, mine, lone)
        with torch.no_grad():
            shown = known & clean
            for name in LEARNED:
                fresh = torch.lerp(self[name][places[shown]], said[name][shown], RENEWED)
                fresh = nn.functional.normalize(fresh, dim=1)
                # A copy: what was asked is needed as it was for the gradient.
                setattr(self, f"known_{name}", self[name].index_copy(0, places[shown], fresh))
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
        whole = self["palettes"][batch.places[asks]] @ self["palette"].T * ASKED["palette"]
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


def remembered(stage: Stage, looks: Looks, trunk: Trunk, seed: int) -> dict[str, F32]:
    """What ``trunk`` says of the clean pictures that training may see: parts (t, d) by name, and
    their ``rows`` (t,)."""
    rows = np.array(sorted(trained_places(stage.bank)))
    places = clean_places(stage.bank)[rows]
    crops = Crops(stage.bank, seed, looks, looked=1.0)
    told = [embed(trunk, crops[places[at : at + BLOCK]]) for at in range(0, len(places), BLOCK)]
    return {"rows": rows, **{n: np.concatenate([one[n] for one in told]) for n in LEARNED}}


def open_catalogue(
    stage: Stage, finder: Finder, palette: Palette, told: dict[str, F32]
) -> Catalogue:
    """The catalogue of what is ``remembered``, with the palette of every view."""
    clues, bank = build_clues(stage.bank, finder, stage.where).whole, stage.bank
    palettes = np.empty((len(clues), palette.plain.out_features), np.float32)
    palette.eval()
    with torch.inference_mode():
        for at in range(0, len(clues), BLOCK):
            read = torch.from_numpy(np.array(clues[at : at + BLOCK], np.float32))
            palettes[at : at + BLOCK] = palette(read).numpy()
    rows = told["rows"].astype(np.int64)
    return Catalogue(
        rows,
        *codes_of(stage.rows, bank),
        bank.kinds.astype(np.int64),
        {**told, "palette": palettes[clean_places(bank)[rows]]},
        palettes,
    )
