"""What an encoder's features say by themselves: brand, silhouette, colours, kind, is it a shoe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
from pydantic import Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from app.domain import Attributes
from app.errors import EncoderError
from app.settings import Settings
from app.vision.colours import COLOURS
from app.vision.companion import companion

F32 = npt.NDArray[np.float32]
Share = Annotated[float, Field(ge=0, le=1)]
Above = Annotated[float, Field(gt=0)]
_INPUT: Final = "features"


@dataclass(frozen=True)
class Classes:
    """Names behind the columns of each output."""

    brand: tuple[str, ...]
    silhouette: tuple[str, ...]
    colours: tuple[str, ...]
    category: tuple[str, ...]
    gender: tuple[str, ...]


@dataclass(frozen=True)
class Temperatures:
    """Logits are divided by these before softmax or sigmoid (Guo et al. 2017, arXiv 1706.04599)."""

    shoe: Above
    sneaker: Above
    brand: Above
    silhouette: Above
    category: Above
    gender: Above


@dataclass(frozen=True)
class Thresholds:
    """Probabilities from which something is said; ``*_blended``: with the neighbours' vote.

    ``colour_2`` and ``colour_3``: share of the first colour's probability from which the second and
    the third are named too.
    """

    shoe: Share
    sneaker: Share
    brand: Share
    brand_blended: Share
    silhouette: Share
    silhouette_blended: Share
    category: Share
    gender: Share
    colour_2: Share
    colour_3: Share


@dataclass(frozen=True)
class Vote:
    """How the nearest catalogue products join in: their share and the softness of their weights."""

    mix: Share
    temperature: Above
    neighbours: Annotated[int, Field(ge=1, le=100)]


@dataclass(frozen=True)
class Facts:
    """heads.json; further keys (licence, metrics, how) are for readers."""

    schema: Literal[1]
    width: Annotated[int, Field(ge=1)]
    classes: Classes
    temperatures: Temperatures
    thresholds: Thresholds
    vote: Vote


_FACTS: Final = TypeAdapter(Facts)


class Heads:
    """Attributes from features (n, width). Thread-safe."""

    def __init__(self, facts: Facts, session: ort.InferenceSession, where: str = "heads") -> None:
        """Use :func:`open_heads`.

        Raises:
            EncoderError: the graph's outputs are not those the description names.
        """
        self.facts = facts
        self._session = session
        names = facts.classes
        self._widths = {
            "shoe": None, "sneaker": None, "quality": None, "brand": len(names.brand),
            "silhouette": len(names.silhouette), "colours": len(names.colours),
            "category": len(names.category), "gender": len(names.gender),
        }  # fmt: skip
        shapes = {out.name: out.shape for out in session.get_outputs()}
        for name, width in self._widths.items():
            found = shapes.get(name)
            if found is None or (width is not None and found[-1] != width):
                raise EncoderError(f"{where}: output {name} is {found}, described as (n, {width})")
        if unknown := set(names.colours) - set(COLOURS):
            raise EncoderError(f"{where}: unknown colours {sorted(unknown)}")

    def predict(self, features: F32) -> list[Attributes]:
        """Attributes of each row of ``features`` (n, width).

        Raises:
            EncoderError: features of another width.
        """
        if features.ndim != 2 or features.shape[1] != self.facts.width:
            raise EncoderError(
                f"heads take features (n, {self.facts.width}), given {features.shape}"
            )
        if not len(features):
            return []
        values = self._session.run(
            list(self._widths), {_INPUT: np.ascontiguousarray(features, np.float32)}
        )
        table = dict(zip(self._widths, values, strict=True))
        return [self._one({name: out[row] for name, out in table.items()})
                for row in range(len(features))]  # fmt: skip

    def _one(self, logits: Mapping[str, Any]) -> Attributes:
        facts, names = self.facts, self.facts.classes
        heat, least = facts.temperatures, facts.thresholds
        brand = _named(names.brand, _softmax(logits["brand"], heat.brand))
        silhouette = _named(names.silhouette, _softmax(logits["silhouette"], heat.silhouette))
        category = _named(names.category, _softmax(logits["category"], heat.category))
        gender = _named(names.gender, _softmax(logits["gender"], heat.gender))
        shoe = _sigmoid(float(logits["shoe"]) / heat.shoe)
        sneaker = _sigmoid(float(logits["sneaker"]) / heat.sneaker)
        return Attributes(
            is_shoe=shoe,
            is_sneaker=sneaker,
            shoe=shoe >= least.shoe,
            sneaker=sneaker >= least.sneaker,
            brand=said(brand, least.brand),
            brand_probabilities=brand,
            silhouette=said(silhouette, least.silhouette),
            silhouette_probabilities=silhouette,
            colours=self._colours(_softmax(logits["colours"], 1.0)),
            category=said(category, least.category),
            gender=said(gender, least.gender),
            quality=_sigmoid(float(logits["quality"])),
        )

    def _colours(self, shares: F32) -> tuple[str, ...]:
        least = self.facts.thresholds
        order = np.argsort(-shares)
        chosen = [order[0]]
        for place, share in ((1, least.colour_2), (2, least.colour_3)):
            if len(chosen) == place and shares[order[place]] >= share * shares[order[0]]:
                chosen.append(order[place])
        return tuple(self.facts.classes.colours[int(i)] for i in chosen)


def open_heads(encoder_name: str, settings: Settings) -> Heads | None:
    """The heads in an encoder's folder; None where it has none.

    Raises:
        EncoderError: the files cannot be used, or belong to another model.
    """
    found = companion("heads", encoder_name, settings)
    if found is None:
        return None
    described, session = found
    try:
        facts = _FACTS.validate_python(described)
    except ValidationError as error:
        raise EncoderError(f"heads.json of {encoder_name}: {error}") from error
    return Heads(facts, session, f"heads of {encoder_name}")


def said(probabilities: Mapping[str, float], least: float) -> str | None:
    """The most probable name, or None below ``least``."""
    if not probabilities:
        return None
    best = max(probabilities, key=lambda name: probabilities[name])
    return best if probabilities[best] >= least else None


def _named(names: tuple[str, ...], shares: F32) -> dict[str, float]:
    return {name: float(share) for name, share in zip(names, shares, strict=True)}


def _softmax(logits: F32, temperature: float) -> F32:
    scaled = np.asarray(logits, np.float32) / np.float32(temperature)
    weights = np.exp(scaled - scaled.max())
    return np.asarray(weights / weights.sum(), np.float32)


def _sigmoid(logit: float) -> float:
    return float(1 / (1 + np.exp(-np.clip(logit, -60, 60))))
