"""app.vision.localise on a localiser that takes darkness for shoe."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from app.errors import EncoderError
from app.settings import Settings
from app.vision.localise import Localiser, open_localiser, regions
from tests.unit.companions import write_localiser


@pytest.fixture
def models(tmp_path: Path) -> Settings:
    return Settings(models_dir=tmp_path / "models", home=tmp_path / "home")


def opened(models: Settings, **changes: object) -> Localiser:
    write_localiser(models.models_dir, **changes)
    found = open_localiser(models)
    assert found is not None
    return found


def photograph(size: tuple[int, int], *spots: tuple[int, int, int, int]) -> Image.Image:
    image = Image.new("RGB", size, "white")
    for left, top, right, bottom in spots:
        ImageDraw.Draw(image).rectangle((left, top, right - 1, bottom - 1), fill="black")
    return image


def test_where_there_is_none(models: Settings) -> None:
    assert open_localiser(models) is None


@pytest.mark.parametrize(
    ("size", "spot"),
    [
        ((960, 480), (200, 100, 500, 300)),
        ((300, 600), (60, 400, 260, 560)),
        ((192, 192), (0, 0, 60, 40)),
        ((1000, 90), (700, 20, 980, 80)),
    ],
)
def test_one_shoe(models: Settings, size: tuple[int, int], spot: tuple[int, int, int, int]) -> None:
    (box,) = opened(models).find(photograph(size, spot))
    cell = max(size) / 48
    np.testing.assert_allclose((box.left, box.top, box.right, box.bottom), spot, atol=cell + 1)
    assert box.score > 0.5
    assert 0 <= box.left < box.right <= size[0]
    assert 0 <= box.top < box.bottom <= size[1]


def test_several_shoes_largest_first(models: Settings) -> None:
    image = photograph((960, 960), (40, 40, 200, 120), (500, 500, 900, 800), (600, 60, 800, 180))
    boxes = opened(models).find(image)
    assert [box.area for box in boxes] == sorted((box.area for box in boxes), reverse=True)
    assert len(boxes) == 3
    assert boxes[0].left == pytest.approx(500, abs=25)


def test_nothing_specks_and_at_most_five(models: Settings) -> None:
    localiser = opened(models)
    assert localiser.find(photograph((400, 300))) == []
    assert localiser.find(photograph((960, 960), (300, 300, 320, 320))) == []
    spots = [(x, y, x + 90, y + 90) for x in (40, 400, 760) for y in (40, 400, 760)]
    assert len(localiser.find(photograph((960, 960), *spots))) == 5


def test_the_margin_grows_boxes_and_overlapping_ones_become_one(models: Settings) -> None:
    spots = ((100, 100, 300, 300), (340, 100, 540, 300))
    localiser = opened(models, margin=0.2)
    (box,) = localiser.find(photograph((960, 960), *spots))
    assert (box.left, box.right) == (pytest.approx(60, abs=25), pytest.approx(580, abs=25))


def test_an_altered_file_is_refused(models: Settings) -> None:
    write_localiser(models.models_dir, sha256="0" * 64)
    with pytest.raises(EncoderError, match="not the file"):
        open_localiser(models)


def test_a_wrong_manifest_is_refused(models: Settings) -> None:
    write_localiser(models.models_dir, threshold=7)
    with pytest.raises(EncoderError, match="threshold"):
        open_localiser(models)


def test_regions_touch_at_corners() -> None:
    mask = np.array([[1, 0, 0, 0], [0, 1, 0, 1], [0, 0, 0, 1]], bool)
    assert sorted(len(rows) for rows, _ in regions(mask)) == [2, 2]
    assert regions(np.zeros((3, 3), bool)) == []
