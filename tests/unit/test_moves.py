"""What words do to a vector: a kept one asks, another colour, other weights."""

from __future__ import annotations

import numpy as np
import pytest

from app.search.moves import COLOUR_WEIGHT, asking, recoloured
from app.vision.manifest import Louder, Parts

LOUDER = (((0, 2), 0.1), ((2, 4), 3.0), ((4, 5), 9.0), ((5, 7), 9.0))
PARTS = Parts((0, 4), (5, 7), tuple(Louder(span, factor) for span, factor in LOUDER))
VECTOR = np.array([0.6, 0.3, 0.1, -0.1, 0.5, 0.4, 0.2], np.float32)


def test_a_kept_vector_asks_by_its_model_more_than_by_its_style() -> None:
    asks = asking(VECTOR, PARTS)
    assert np.linalg.norm(asks[:4]) == pytest.approx(np.linalg.norm(VECTOR[:4]))
    assert asks[2] / asks[0] == pytest.approx(30 * VECTOR[2] / VECTOR[0])
    np.testing.assert_array_equal(asks[4:], VECTOR[4:])


def test_without_weights_or_shape_it_stays_as_it_is() -> None:
    np.testing.assert_array_equal(asking(VECTOR, Parts((0, 4), (5, 7))), VECTOR)
    flat = np.where(np.arange(7) < 4, 0, VECTOR)
    np.testing.assert_array_equal(asking(flat, PARTS), flat)


def test_another_colour_leaves_the_shape() -> None:
    moved = recoloured(asking(VECTOR, PARTS), np.array([0.0, 1.0]), PARTS, between=0.0)
    assert np.linalg.norm(moved) == pytest.approx(1)
    assert moved[2] / moved[0] == pytest.approx(30 * VECTOR[2] / VECTOR[0])
    assert moved[4] == moved[5] == 0


@pytest.mark.parametrize("loud", [0.1, 1.0, 30.0])
def test_how_loud_a_query_asks_by_colour_does_not_matter_once_it_has_another(loud: float) -> None:
    asked = np.where(np.arange(7) < 5, VECTOR, loud * VECTOR)
    moved = recoloured(asked, np.array([0.0, 1.0]), PARTS, between=0.0)
    shape, colour = (float(np.linalg.norm(moved[slice(*span)])) for span in ((0, 4), (5, 7)))
    assert colour / shape == pytest.approx(COLOUR_WEIGHT)
