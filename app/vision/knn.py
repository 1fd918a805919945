"""The nearest catalogue products join in: their brand and silhouette vote, by similarity."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from app.domain import Attributes
from app.vision.heads import Facts, said


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A catalogue product near the query; ``similarity`` is the cosine of their pictures."""

    brand: str | None
    model: str | None
    similarity: float


def vote(
    names: Sequence[str | None], similarities: Sequence[float], temperature: float
) -> dict[str, float]:
    """Share of each name among neighbours weighted by exp(similarity / temperature).

    Neighbours without a name keep their weight, so that the shares sum to less than 1.
    """
    if not names:
        return {}
    scaled = np.asarray(similarities, np.float64) / temperature
    weights = np.exp(scaled - scaled.max())
    weights /= weights.sum()
    shares: dict[str, float] = defaultdict(float)
    for name, weight in zip(names, weights, strict=True):
        if name is not None:
            shares[name] += float(weight)
    return dict(shares)


def silhouette_in(model: str | None, brand: str | None, known: Sequence[str]) -> str | None:
    """The longest known silhouette whose words all stand, in order, in a product's name."""
    text = f" {brand or ''} {model or ''} ".casefold()
    found = [name for name in known if _words(name, text)]
    return max(found, key=len, default=None)


def _words(name: str, text: str) -> bool:
    place = 0
    for word in name.casefold().split():
        place = text.find(f" {word} ", place)
        if place < 0:
            return False
        place += len(word)
    return True


def blend(attributes: Attributes, neighbours: Sequence[Neighbour], facts: Facts) -> Attributes:
    """``attributes`` with the neighbours' vote mixed into brand and silhouette.

    Brands compare without case and keep the heads' spelling; a brand the heads never learned comes
    in by the vote alone. Without neighbours the attributes stay as they are.
    """
    near = list(neighbours[: facts.vote.neighbours])
    if not near or facts.vote.mix == 0:
        return attributes
    spelled = {name.casefold(): name for name in facts.classes.brand}
    brands = [n.brand and spelled.get(n.brand.casefold(), n.brand) for n in near]
    families = [silhouette_in(n.model, n.brand, facts.classes.silhouette) for n in near]
    similarities = [n.similarity for n in near]
    brand = _mixed(
        attributes.brand_probabilities,
        vote(brands, similarities, facts.vote.temperature),
        facts.vote.mix if any(brands) else 0.0,
    )
    silhouette = _mixed(
        attributes.silhouette_probabilities,
        vote(families, similarities, facts.vote.temperature),
        facts.vote.mix if any(families) else 0.0,
    )
    least = facts.thresholds
    return replace(
        attributes,
        brand=said(brand, least.brand_blended if any(brands) else least.brand),
        brand_probabilities=brand,
        silhouette=said(
            silhouette, least.silhouette_blended if any(families) else least.silhouette
        ),
        silhouette_probabilities=silhouette,
    )


def _mixed(own: Mapping[str, float], voted: Mapping[str, float], mix: float) -> dict[str, float]:
    names = [*own, *(name for name in voted if name not in own)]
    return {name: (1 - mix) * own.get(name, 0.0) + mix * voted.get(name, 0.0) for name in names}
