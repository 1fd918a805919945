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
from collections import defaultdict
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from onnx_models.bank import CLEAN, DRAWN_VIEWS, MILD, SHOT, Bank
from onnx_models.colours import CLUES
from onnx_models.dataset import F32, I64, Row
from onnx_models.losses import IGNORE

DIM: Final = 96
HIDDEN: Final = 320
PAIRS: Final = 768
PEAK: Final = 1e-3
DROPPED: Final = 0.15
SEVERAL: Final = 0.15
DRAWN: Final = 0.05
ALIKE: Final = 12
"""Pictures of like colours come in groups of so many."""
NEAR: Final = 48
F16 = npt.NDArray[np.float16]


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
        mean = sample.mean(axis=0)
        _, size, axes = np.linalg.svd(sample - mean, full_matrices=False)
        self.mean.copy_(torch.from_numpy(mean))
        kept = axes[:DIM] / np.sqrt(size[:DIM, None] / size[0])
        self.plain.weight.copy_(torch.from_numpy(kept.astype(np.float32)))

    def forward(self, seen: Tensor) -> Tensor:
        """Unit vectors of clues."""
        x = self.drop(seen - self.mean)
        found = self.plain(x) + self.second(torch.relu(self.first(x)))
        return nn.functional.normalize(found.float(), dim=1)


class Pairs:
    """Draws pairs of views of one product: a phone's first, then mostly a shop's."""

    def __init__(self, rows: list[Row], bank: Bank, vectors: F32, seed: int) -> None:
        """``vectors`` (rows, d) unit: the clean pictures' colours at the start, for groups of
        pictures of like colours."""
        self.rng = np.random.default_rng(seed)
        drawn = int(bank.rows.max()) + 1 - len(rows)
        names = [row.product for row in rows] + [
            f"drawn/{i // len(DRAWN_VIEWS)}" for i in range(drawn)
        ]
        self.products = np.unique(names, return_inverse=True)[1].astype(np.int64)
        grouped: dict[int, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
        for place in np.flatnonzero(bank.seen & (bank.rows >= 0)):
            grouped[int(bank.rows[place])][int(bank.kinds[place])].append(int(place))
        self.places = {
            row: kinds for row, kinds in grouped.items() if SHOT in kinds and CLEAN in kinds
        }
        real = np.array([row for row in self.places if row < len(rows)])
        self.real = real
        self.several = self._groups(real)
        self.drawn = self._groups([row for row in self.places if row >= len(rows)])
        self.near: dict[int, I64] = {}
        for start in range(0, len(real), 1024):
            block = real[start : start + 1024]
            cosines = vectors[block] @ vectors[real].T
            best = np.argpartition(-cosines, NEAR, axis=1)[:, :NEAR]
            self.near.update({int(r): real[b] for r, b in zip(block, best, strict=True)})

    def _groups(self, rows: I64 | list[int]) -> list[I64]:
        groups: dict[int, list[int]] = defaultdict(list)
        for row in rows:
            groups[int(self.products[row])].append(int(row))
        return [np.array(group) for group in groups.values() if len(group) > 1]

    def draw(self) -> tuple[I64, I64]:
        """Places in the bank (2n,), first views first, and their rows."""
        rng = self.rng
        pairs: list[tuple[int, int]] = []
        for groups, share in ((self.several, SEVERAL), (self.drawn, DRAWN)):
            for pick in rng.integers(len(groups), size=int(PAIRS * share)):
                one, two = rng.choice(groups[int(pick)], 2, replace=False)
                pairs.append((int(one), int(two)))
        while PAIRS - len(pairs) >= 2 * ALIKE:
            near = self.near[int(rng.choice(self.real))]
            pairs += [(int(r), int(r)) for r in rng.choice(near, ALIKE, replace=False)]
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
    rows: list[Row], bank: Bank, held: F16, white: F32, minutes: float, seed: int
) -> Palette:
    """Train for so many minutes on clues (N, CLUES) of the bank.

    ``white`` (rows, d) unit: what a pretrained network sees of the clean pictures; nearly the same
    picture under another id is no negative.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    palette, slow = Palette(), Palette()
    usable = np.flatnonzero(bank.seen & (bank.rows >= 0))
    palette.start(np.array(held[np.sort(rng.choice(usable, 12_000, replace=False))], np.float32))
    clean = np.flatnonzero((bank.kinds == CLEAN) & (bank.rows >= 0))
    palette.eval()
    with torch.inference_mode():
        vectors = np.zeros((int(bank.rows.max()) + 1, DIM), np.float32)
        for start in range(0, len(clean), 4096):
            part = clean[start : start + 4096]
            vectors[bank.rows[part]] = palette(torch.from_numpy(np.array(held[part], np.float32)))
    pairs = Pairs(rows, bank, vectors, seed)
    scale = nn.Parameter(torch.tensor(12.0).log())
    optimiser = torch.optim.AdamW(
        [
            {"params": [p for p in palette.parameters() if p.ndim > 1], "weight_decay": 0.05},
            {"params": [p for p in palette.parameters() if p.ndim <= 1] + [scale],
             "weight_decay": 0.0},
        ],
        lr=PEAK,
    )  # fmt: skip
    seen = torch.from_numpy(white)
    start_time, step, total = time.monotonic(), 0, 0.0
    palette.train()
    slow.load_state_dict(palette.state_dict())
    while (progress := (time.monotonic() - start_time) / (minutes * 60)) < 1:
        for group in optimiser.param_groups:
            group["lr"] = PEAK * min(1, step / 200 + 0.02) * 0.5 * (1 + np.cos(np.pi * progress))
        places, of = pairs.draw()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            found = palette(torch.from_numpy(held[places]).float())
        wrong = contrast(found, torch.from_numpy(pairs.products[of]), of, seen, scale)
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


def contrast(found: Tensor, products: Tensor, rows: I64, white: Tensor, scale: Tensor) -> Tensor:
    """InfoNCE of 2n views: n first views, then the n second ones."""
    count = len(found)
    own = (torch.arange(count) + count // 2) % count
    known = torch.from_numpy(np.where(rows < len(white), rows, 0))
    real = torch.from_numpy(rows < len(white))
    looks = white[known] * real[:, None]
    skip = (products[:, None] == products[None]) | (looks @ looks.T > 0.8)
    skip[torch.arange(count), own] = False
    skip.fill_diagonal_(True)
    logits = (found @ found.T * scale.exp().clamp(max=60)).masked_fill(skip, IGNORE)
    return nn.functional.cross_entropy(logits, own)
