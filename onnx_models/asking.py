"""How photographs ask in a measurement: as search asks, by the best of an encoder's ways."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from app.vision.encoder import AsksInWays
from onnx_models.features import file_features
from onnx_models.scorecard.bench import Bench
from onnx_models.scorecard.entrants import Entrant, Pictures

Array = npt.NDArray[Any]
Measure = Callable[[Array, Array, Array, Array, Array], Array]


def ways(bench: Bench, entrant: Entrant, rows: Array, *, shot: bool = False) -> Array:
    """(q, ways, d): all vectors by which photographs of ``rows`` (q,) ask, as they are or
    re-shot."""
    if (
        isinstance(entrant, Pictures)
        and isinstance(entrant.encoder, AsksInWays)
        and entrant.encoder.ways > 1
    ):
        return file_features(
            [entrant.encoder],
            bench.folder,
            [bench.files[row] for row in rows],
            seed=bench.seed if shot else None,
            ways=True,
            cache=bench.cache,
        )[0]
    asked = entrant.shots(bench, rows) if shot else entrant.asking(bench, rows)
    return asked[:, None]


def nearness(asks: Array, gallery: Array) -> Array:
    """(g,): how near kept vectors (g, d) are to a photograph that asks by ``asks`` (ways, d)."""
    return np.asarray((gallery @ asks.T).max(axis=1))


def each(
    measure: Measure, asks: Array, products: Array, own: Array, gallery: Array, codes: Array
) -> Array:
    """``measure`` (:func:`onnx_models.metrics.product_ranks` or ``picture_precision``) of q
    photographs that ask by several vectors, (q, ways, d); the rest as it takes them.

    To each of them a picture's nearness is all that there is in the gallery, a vector of one number
    of which one asks for as much as there is.
    """
    one = np.ones((1, 1), gallery.dtype)
    return np.concatenate([
        measure(one, products[[at]], own[[at]], nearness(asks[at], gallery)[:, None], codes)
        for at in range(len(own))
    ])  # fmt: skip
