"""How photographs ask in a measurement: as search asks, by the best of an encoder's ways."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from app.vision.encoder import AsksInWays
from onnx_models.features import file_features

if TYPE_CHECKING:
    from onnx_models.scorecard.bench import Bench
    from onnx_models.scorecard.entrants import Entrant

Array = npt.NDArray[Any]
Measure = Callable[[Array, Array, Array, Array, Array], Array]


def ways(bench: Bench, entrant: Entrant, rows: Array, *, shot: bool = False) -> Array:
    """(q, ways, d): all vectors by which photographs of ``rows`` (q,) ask, as they are or
    re-shot."""
    encoder = getattr(entrant, "encoder", None)
    if isinstance(encoder, AsksInWays) and encoder.has_elsewhere:
        return file_features(
            [encoder],  # type: ignore[list-item]  # what has ways is an encoder of pictures
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
