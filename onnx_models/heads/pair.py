"""Train the same-pair verifier on an encoder's vectors.

One of a pair asks, as the shop shows it or re-shot, or is kept as well (shops' pictures are matched
with each other by what is kept); the other is kept. Positives: two pictures of one product.
Negatives: the nearest pictures of other products, colourways of one model, others of the source.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch.nn import functional

from onnx_models.dataset import F32, I64, MULTIVIEW_SOURCES, Row, codes
from onnx_models.heads import scores
from onnx_models.heads.export import write_facts, write_onnx
from onnx_models.heads.frozen import Frozen
from onnx_models.heads.network import PairNetwork
from onnx_models.heads.scores import Array
from onnx_models.metrics import roc_auc

STEPS: Final = 2000
BATCH: Final = 512
NEAREST: Final = 24
TWIN: Final = 0.97
"""Clean pictures of "other" products that are so near, beside the cosine with what is kept of the
picture itself, are mostly the same shoe under two ids."""
PRECISION: Final = 0.95
HITS: Final = 5


class Sampler:
    """Batches of pairs from the training rows; ``asking`` (copies, n, D), ``kept`` (n, D)."""

    def __init__(self, rows: list[Row], asking: F32, kept: F32, seed: int = 5) -> None:
        self.rng = np.random.default_rng(seed)
        self.left, self.kept = np.concatenate([asking, kept[None]]), kept
        self.train = np.array([i for i, row in enumerate(rows) if row.split == "train"])
        self.product = codes([row.product for row in rows])
        self.source = codes([row.source for row in rows])
        views: dict[int, list[int]] = defaultdict(list)
        models: dict[str, list[int]] = defaultdict(list)
        sources: dict[int, list[int]] = defaultdict(list)
        for i in self.train:
            views[int(self.product[i])].append(int(i))
            sources[int(self.source[i])].append(int(i))
            if rows[i].model:
                models[f"{rows[i].source}/{rows[i].model}"].append(int(i))
        self.several = [np.array(group) for group in views.values() if len(group) > 1]
        self.models = [
            np.array(group)
            for group in models.values()
            if len({int(self.product[i]) for i in group}) > 1
        ]
        self.sources = {source: np.array(group) for source, group in sources.items()}
        self.near = self._nearest()

    def _nearest(self) -> I64:
        """Rows (train, NEAREST) of the nearest clean pictures of other products, -1 where fewer."""
        asking, kept = self.left[0, self.train], self.kept[self.train]
        near = np.full((len(self.train), NEAREST), -1, np.int64)
        for start in range(0, len(kept), 512):
            similarity = asking[start : start + 512] @ kept.T
            similarity /= np.diagonal(similarity, start)[:, None]
            own = self.product[self.train[start : start + 512]]
            similarity[own[:, None] == self.product[self.train][None]] = -1
            similarity[similarity > TWIN] = -1
            found = np.argpartition(-similarity, NEAREST, axis=1)[:, :NEAREST]
            near[start : start + 512] = self.train[found]
        return near

    def batch(self) -> tuple[F32, F32, F32]:
        """Vectors (n, D) twice and whether each pair is one product (n,)."""
        rng, copies = self.rng, len(self.left)
        pairs: list[tuple[int, int]] = []
        for _ in range(BATCH // 4):
            group = self.several[int(rng.integers(len(self.several)))]
            a, b = rng.choice(group, 2, replace=False)
            pairs.append((int(a), int(b)))
        pairs += [(int(a), int(a)) for a in rng.choice(self.train, BATCH // 8)]
        for place in rng.integers(0, len(self.train), BATCH // 8):
            pairs.append((int(self.train[place]), int(self.near[place, rng.integers(NEAREST)])))
        for _ in range(BATCH // 16):
            group = self.models[int(rng.integers(len(self.models)))]
            a, b = rng.choice(group, 2, replace=False)
            pairs.append((int(a), int(b)))
        # Most wrong pairs a search meets are plainly wrong: without them likeness itself, which
        # picked the hard ones, would look like evidence against.
        while len(pairs) < BATCH:
            group = self.several[int(rng.integers(len(self.several)))]
            pool = group if rng.random() < 0.5 else self.train
            a = int(pool[rng.integers(len(pool))])
            others = self.sources[int(self.source[a])]
            pairs.append((a, int(others[rng.integers(len(others))])))
        one, two = np.array(pairs).T
        same = self.product[one] == self.product[two]
        left = np.where(rng.random(len(one)) < 0.35, 0, rng.integers(0, copies, len(one)))
        # A picture is no evidence for itself: there the one that asks is a re-shot copy.
        itself = (one == two) & ((left == 0) | (left == copies - 1))
        left[itself] = rng.integers(1, copies - 1, int(itself.sum()))
        return self.left[left, one], self.kept[two], same.astype(np.float32)


def fit(
    sampler: Sampler, dim: int, parts: tuple[tuple[int, int], ...], residual: bool
) -> PairNetwork:
    """Binary cross-entropy, AdamW, one cycle; about a minute."""
    torch.manual_seed(3)
    network = PairNetwork(dim, parts, residual=residual)
    network.train()
    optimiser = torch.optim.AdamW(network.parameters(), 2e-3, weight_decay=0.1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2e-3, total_steps=STEPS)
    for _ in range(STEPS):
        one, two, same = (torch.from_numpy(part) for part in sampler.batch())
        loss = functional.binary_cross_entropy_with_logits(network(one, two), same)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    network.eval()
    return network


def logits(network: PairNetwork, one: F32, two: F32) -> Array:
    """Logit (n,) of each pair of rows."""
    with torch.inference_mode():
        spans = [slice(i, i + 8192) for i in range(0, len(one), 8192)]
        parts = [
            network(torch.from_numpy(one[span]), torch.from_numpy(two[span])).numpy()
            for span in spans
        ]
    return np.concatenate(parts)


def pair_figures(network: PairNetwork, rows: list[Row], asking: F32, kept: F32) -> dict[str, Any]:
    """AUC over all pairs within a source of the multi-view validation pictures, against cosine."""
    held = np.array(
        [i for i, r in enumerate(rows)
         if r.split == "validation" and r.source in MULTIVIEW_SOURCES]
    )  # fmt: skip
    product, source = codes([r.product for r in rows]), codes([r.source for r in rows])
    first, second = np.triu_indices(len(held), 1)
    keep = source[held[first]] == source[held[second]]
    a, b = held[first[keep]], held[second[keep]]
    same = product[a] == product[b]
    figures: dict[str, Any] = {"pairs": len(a), "pairs_same": int(same.sum())}
    for name, left in (("clean", asking[0]), ("reshot", asking[1]), ("kept", kept)):
        one, two = left[a], kept[b]
        cosine = np.einsum("ij,ij->i", one, two)
        figures[f"auc_cosine_{name}"] = round(roc_auc(cosine, same), 4)
        figures[f"auc_{name}"] = round(roc_auc(logits(network, one, two), same), 4)
    return figures


def train_pair(
    encoder: Frozen, rows: list[Row], asking: F32, kept: F32, out: Path
) -> dict[str, Any]:
    """Train, calibrate, write pair.onnx and pair.json into ``out``; returns the facts."""
    asking, kept = (
        np.ascontiguousarray(x / np.linalg.norm(x, axis=-1, keepdims=True)) for x in (asking, kept)
    )
    # A few hundred products have several views: what the projections learn from them may or may
    # not carry over, so the plain weighting of the parts' cosines competes on validation pairs.
    tried = []
    for residual in (False, True):
        network = fit(Sampler(rows, asking, kept), encoder.dim, encoder.parts, residual)
        figures = pair_figures(network, rows, asking, kept)
        tried.append((figures["auc_clean"] + figures["auc_reshot"], residual, network, figures))
    _, residual, network, metrics = max(tried, key=lambda one: one[0])
    metrics["learned_projections"] = residual
    metrics["auc_clean_of_both"] = [one[3]["auc_clean"] for one in tried]
    metrics["auc_reshot_of_both"] = [one[3]["auc_reshot"] for one in tried]
    slope, offset, same, used = _calibrate(network, rows, asking, kept)
    metrics |= used
    sample = torch.from_numpy(np.ascontiguousarray(asking[0, :3]))
    other = torch.from_numpy(np.ascontiguousarray(kept[3:6]))
    write_onnx(network, (sample, other), ["query", "other"], ["logit"], out / "pair.onnx")
    facts = {
        "dim": encoder.dim, "slope": slope, "offset": offset, "same": same,
        "how": f"Platt's line on the first {HITS} hits of validation photographs, clean and "
        f"re-shot; same: lowest probability from which on top hits are right in {PRECISION:.0%}.",
        "metrics": metrics,
    }  # fmt: skip
    write_facts(out / "pair.json", out / "pair.onnx", encoder.sha256, facts)
    return facts


def _calibrate(
    network: PairNetwork, rows: list[Row], asking: F32, kept: F32
) -> tuple[float, float, float, dict[str, Any]]:
    """Slope, offset, threshold and figures, on what a search would show first.

    As the cosine's calibration does: the own picture is left out where the product has others, and
    every other single-picture product is not in the gallery at all.
    """
    keep = np.array([i for i, r in enumerate(rows) if r.split != "test"])
    held = [place for place, i in enumerate(keep) if rows[i].split == "validation"]
    product = codes([rows[i].product for i in keep])
    count = Counter(product.tolist())
    gallery = kept[keep]
    found: dict[str, list[Any]] = defaultdict(list)
    for copy in (1, 0):
        for line, place in enumerate(held):
            alone = count[int(product[place])] == 1
            # A clean picture that finds itself proves nothing.
            if copy == 0 and alone and line % 2 == 0:
                continue
            query = asking[copy, keep[place]]
            similarity = gallery @ query
            if not alone or line % 2:
                similarity[place] = -1
            top = np.argsort(-similarity)[:HITS]
            found["logit"].append(logits(network, np.repeat(query[None], HITS, 0), gallery[top]))
            found["right"].append(product[top] == product[place])
            found["cosine"].append(similarity[top])
            found["copy"].append(copy)
    logit, right = np.array(found["logit"]), np.array(found["right"])
    slope, offset = scores.platt(logit.ravel(), right.ravel())
    probability = scores.sigmoid(slope * logit + offset)
    best, good = probability[:, 0], right[:, 0]
    same = scores.precise(best, good, PRECISION)
    cosine = np.array(found["cosine"])[:, 0]
    plain = scores.precise(cosine, good, PRECISION)
    shot = np.array(found["copy"]) == 1
    figures = {
        "queries": len(best),
        "right_top_hits": int(good.sum()),
        "recall_at_same": round(float((best[good] >= same).mean()), 3),
        "recall_at_same_reshot": round(float((best[good & shot] >= same).mean()), 3),
        "recall_of_cosine": round(float((cosine[good] >= plain).mean()), 3),
        "calibration_error": round(
            scores.calibration_error(probability.ravel(), right.ravel().astype(float)), 4
        ),
    }
    return slope, offset, same, figures
