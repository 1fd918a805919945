"""The colours of a shoe under unknown light: histograms, read by a small network.

A formula for colour constancy (:func:`onnx_models.colours.tone`) finds more re-shot products than
a network that learns colours from pixels, and forgets what the light really was: a red shoe and a
blue one look alike once their mean is grey. So the network here is given the histograms under
several guesses of the light, the picture's own, and what the backdrop says of the light, and learns
which to believe. Histograms of all views are computed once, so that a step sees thousands of
pictures, as contrast needs (SimCLR, arXiv 2002.05709, section 5.2).
"""

from __future__ import annotations

import time
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from onnx_models.bank import CLEAN, MILD, SHOT, Bank, products_of, several, trained_places
from onnx_models.colours import CLUES
from onnx_models.crops import F16, Clues
from onnx_models.dataset import F32, I64, U8, Row
from onnx_models.losses import IGNORE, rivals
from onnx_models.precision import bfloat16
from onnx_models.teachers import directions, neighbours

DIM: Final = 96
HIDDEN: Final = 320
BLOCK: Final = 4096
PAIRS: Final = 768
PEAK: Final = 1e-3
ONWARD: Final = 0.3
"""Share of it for a palette that was trained before."""
DROPPED: Final = 0.15
SEVERAL: Final = 0.15
SHARED: Final = 0.3
DRAWN: Final = 0.05
SETS: Final = 0.15
ALIKE: Final = 12
"""Pictures of like colours come in groups of so many, out of NEAR."""
NEAR: Final = 48
PARTLY: Final = 0.75
"""Share of the phone's views of which a part of the shoe is read: R@1 of its re-shots by colour
alone .375 without (5 minutes), .389 at .5, .406 at .75 (7 minutes)."""


class Palette(nn.Module):
    """Clues (n, CLUES) to unit vectors (n, DIM): a linear reading and a network on top of it."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(CLUES))
        self.mean: Tensor
        self.plain = nn.Linear(CLUES, DIM, bias=False)
        self.first, self.second = nn.Linear(CLUES, HIDDEN), nn.Linear(HIDDEN, DIM)
        self.drop = nn.Dropout(DROPPED)
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)

    @torch.no_grad()
    def start(self, sample: F32) -> None:
        """Begin as half-whitened principal components of ``sample`` (n, CLUES)."""
        mean, axes = directions(sample, 0.5)
        self.mean.copy_(torch.from_numpy(mean))
        self.plain.weight.copy_(torch.from_numpy(axes[:, :DIM].T))

    def forward(self, seen: Tensor) -> Tensor:
        """Unit vectors of clues."""
        x = self.drop(seen - self.mean)
        found = self.plain(x) + self.second(torch.relu(self.first(x)))
        return nn.functional.normalize(found.float(), dim=1)


@torch.inference_mode()
def look(palette: Palette, held: F16, places: I64) -> F32:
    """What the palette says (n, DIM) of the clues ``held`` at ``places`` (n,)."""
    palette.eval()
    found = np.empty((len(places), DIM), np.float32)
    for start in range(0, len(places), BLOCK):
        part = slice(start, start + BLOCK)
        found[part] = palette(torch.from_numpy(np.array(held[places[part]], np.float32)))
    return found


class Pairs:
    """Draws pairs of views of one product: a phone's first, then mostly a shop's."""

    def __init__(self, rows: list[Row], bank: Bank, vectors: F32, seed: int) -> None:
        """``vectors`` (rows, d) unit: the clean pictures' colours at the start, for groups of
        pictures of like colours."""
        self.rng = np.random.default_rng(seed)
        self.products = products_of(rows, bank)
        self.places = trained_places(bank)
        real = [row for row in self.places if row < len(rows)]
        self.real = np.array(real)
        self.several = several(self.places, rows, self.products, bank)
        self.near = neighbours(vectors[: len(rows)], self.real, NEAR - 1)

    def draw(self) -> tuple[I64, I64]:
        """Places in the bank (2n,), first views first, and their rows."""
        rng = self.rng
        pairs: list[tuple[int, int]] = []
        for groups, share in zip(self.several, (SEVERAL, SHARED, DRAWN, SETS), strict=True):
            for pick in rng.integers(len(groups), size=int(PAIRS * share) if groups else 0):
                one, two = rng.choice(groups[int(pick)], 2, replace=False)
                pairs.append((int(one), int(two)))
        while PAIRS - len(pairs) >= 2 * ALIKE:
            row = int(rng.choice(self.real))
            alike = rng.choice([row, *self.near[row]], ALIKE, replace=False)
            pairs += [(int(r), int(r)) for r in alike]
        pairs += [(int(r), int(r)) for r in rng.choice(self.real, PAIRS - len(pairs))]
        chances = rng.random(len(pairs))
        places = [int(rng.choice(self.places[one][SHOT])) for one, _ in pairs]
        for (_, two), chance in zip(pairs, chances, strict=True):
            kinds = self.places[two]
            kind = SHOT if chance < 0.15 else MILD if chance < 0.4 and MILD in kinds else CLEAN
            places.append(int(rng.choice(kinds[kind])))
        rows = [one for one, _ in pairs] + [two for _, two in pairs]
        return np.array(places), np.array(rows)


def train_palette(
    rows: list[Row], bank: Bank, told: Clues, white: Tensor, twin: float, minutes: float, seed: int,
    begun: Palette | None = None,
) -> Palette:  # fmt: skip
    """Train for so many minutes on clues of the bank; ``begun``: go on with this one.

    ``white`` (rows, d) unit, drawn rows zero: what a pretrained network sees of the clean pictures;
    nearly the same picture under another id is no negative (``twin``: from which cosine on).
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    palette, slow = Palette(), Palette()
    usable = np.flatnonzero(bank.seen & (bank.rows >= 0))
    held = told.whole
    peak = PEAK
    if begun:
        palette.load_state_dict(begun.state_dict())
        peak *= ONWARD
    else:
        sample = np.sort(rng.choice(usable, min(12_000, len(usable)), replace=False))
        palette.start(np.array(held[sample], np.float32))
    clean = np.flatnonzero((bank.kinds == CLEAN) & (bank.rows >= 0))
    vectors = np.zeros((int(bank.rows.max()) + 1, DIM), np.float32)
    vectors[bank.rows[clean]] = look(palette, held, clean)
    pairs = Pairs(rows, bank, vectors, seed)
    scale = nn.Parameter(torch.tensor(12.0).log())
    optimiser = torch.optim.AdamW(
        [
            {"params": [p for p in palette.parameters() if p.ndim > 1], "weight_decay": 0.05},
            {"params": [p for p in palette.parameters() if p.ndim <= 1] + [scale],
             "weight_decay": 0.0},
        ],
        lr=peak,
    )  # fmt: skip
    start_time, step, total = time.monotonic(), 0, 0.0
    palette.train()
    slow.load_state_dict(palette.state_dict())
    while (progress := (time.monotonic() - start_time) / (minutes * 60)) < 1:
        for group in optimiser.param_groups:
            group["lr"] = peak * min(1, step / 200 + 0.02) * 0.5 * (1 + np.cos(np.pi * progress))
        places, of = pairs.draw()
        seen = torch.from_numpy(clues_of(told, bank.kinds[places], places, rng))
        with bfloat16("cpu"):
            found = palette(seen.float())
        looks = white[torch.from_numpy(of)]
        twins = looks @ looks.T > twin
        wrong = contrast(found, torch.from_numpy(pairs.products[of]), twins, scale)
        optimiser.zero_grad(set_to_none=True)
        wrong.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        step += 1
        with torch.no_grad():
            for old, new in zip(slow.parameters(), palette.parameters(), strict=True):
                old.lerp_(new, max(0.002, 1 / (step + 1)))
        total += wrong.item()
        if step % 250 == 0:
            print(f"palette step {step}: loss {total / 250:.3f}", flush=True)
            total = 0.0
    slow.eval()
    return slow


def clues_of(told: Clues, kinds: U8, places: I64, rng: np.random.Generator) -> F16:
    """Clues (n, CLUES) of views at ``places`` of ``kinds``; of PARTLY of the phone's a part."""
    found: F16 = np.array(told.whole[places])
    partly = (kinds == SHOT) & (rng.random(len(places)) < PARTLY)
    found[partly] = told.part[places[partly]]
    return found


def contrast(found: Tensor, products: Tensor, twins: Tensor, scale: Tensor) -> Tensor:
    """InfoNCE of 2n views (2n, d): n first views, then the n second ones; ``twins`` (2n, 2n)."""
    own, skip = rivals(products, twins)
    logits = (found @ found.T * scale.exp().clamp(max=60)).masked_fill(skip, IGNORE)
    return nn.functional.cross_entropy(logits, own)
