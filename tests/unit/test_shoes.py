"""Several shoes in one picture: the two of a pair are one, the background's do not count."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from PIL import Image, ImageDraw

from app.vision.localise import Box
from app.vision.shoes import different_shoes


class Boxes:
    def __init__(self, *corners: tuple[int, int, int, int]) -> None:
        self.corners = corners

    def find(self, image: Image.Image) -> list[Box]:
        boxes = [Box(*corners, 0.9) for corners in self.corners]
        return sorted(boxes, key=lambda box: -box.area)


class MeanColour:
    """Pictures are alike as their mean colours are."""

    def __init__(self, same: float | None = 0.999, similar: float | None = 0.99) -> None:
        self.thresholds = (same, similar)

    def encode(self, images: Sequence[Image.Image]) -> np.ndarray:
        means = np.stack([np.asarray(image, np.float32).mean(axis=(0, 1)) for image in images])
        return means / np.linalg.norm(means, axis=1, keepdims=True)


LEFT, RIGHT, FAR = (0, 0, 90, 100), (110, 0, 200, 100), (95, 0, 105, 10)


def photo(left: str, right: str) -> Image.Image:
    image = Image.new("RGB", (200, 100), "white")
    draw = ImageDraw.Draw(image)
    draw.rectangle(LEFT, left)
    draw.rectangle(RIGHT, right)
    return image


def test_two_different_shoes_are_two() -> None:
    found = different_shoes(photo("red", "blue"), Boxes(LEFT, RIGHT), MeanColour())
    assert set(found) == {LEFT, RIGHT}


@pytest.mark.parametrize("thresholds", [(0.999, 0.99), (None, None)])
def test_left_and_right_of_a_pair_are_one(thresholds: tuple[float | None, float | None]) -> None:
    found = different_shoes(photo("red", "red"), Boxes(LEFT, RIGHT), MeanColour(*thresholds))
    assert len(found) == 1


def test_small_ones_in_the_background_do_not_count() -> None:
    assert different_shoes(photo("red", "red"), Boxes(LEFT, FAR), MeanColour()) == [LEFT]


def test_no_shoe_is_an_answer() -> None:
    assert different_shoes(photo("red", "blue"), Boxes(), MeanColour()) == []
