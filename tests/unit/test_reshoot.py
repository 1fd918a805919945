"""onnx_models.reshoot: deterministic, different per picture and seed, and really another scene."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from PIL import Image, ImageDraw

pytest.importorskip("cv2", reason="needs the evaluate group")

from app.vision.classic import foreground
from onnx_models.reshoot import FRAMES, reshoot


def studio(backdrop: tuple[int, int, int] = (250, 250, 250)) -> Image.Image:
    image = Image.new("RGB", (600, 400), backdrop)
    drawing = ImageDraw.Draw(image)
    drawing.polygon([(80, 300), (90, 150), (220, 140), (420, 230), (520, 250), (530, 300)], "navy")
    drawing.rectangle((80, 290, 530, 320), "orange")
    return image


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_same_picture_and_seed_give_the_same_shot() -> None:
    image = studio()
    first, second = (np.asarray(reshoot(image, digest("a"), 3)) for _ in range(2))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, np.asarray(reshoot(image, digest("a"), 4)))
    assert not np.array_equal(first, np.asarray(reshoot(image, digest("b"), 3)))
    assert np.array_equal(np.asarray(image), np.asarray(studio()))


def test_the_backdrop_is_replaced_and_the_shoe_is_there() -> None:
    for index in range(12):
        shot = reshoot(studio(), digest(str(index)))
        assert shot.size in FRAMES
        assert shot.mode == "RGB"
        pixels = np.asarray(shot).astype(int)
        border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
        assert np.median(border.min(axis=1)) < 235
        # Navy stays a dark tone with blue on top under any of the simulated lights.
        red, blue = pixels[..., 0], pixels[..., 2]
        assert ((blue > red + 15) & (pixels.sum(axis=2) < 380)).mean() > 0.02


@pytest.mark.parametrize("kind", ["scene", "empty", "narrow", "tiny"])
def test_pictures_without_a_cut_out(kind: str) -> None:
    rng = np.random.default_rng(1)
    image = {
        "scene": Image.fromarray(rng.integers(0, 255, (300, 500, 3), np.uint8)),
        "empty": Image.new("RGB", (300, 300), "white"),
        "narrow": Image.fromarray(rng.integers(0, 255, (4, 900, 3), np.uint8)),
        "tiny": Image.new("RGB", (1, 1), "red"),
    }[kind]
    shot = reshoot(image, digest(kind))
    assert shot.mode == "RGB"
    assert min(shot.size) >= 32


def test_foreground_finds_the_shoe() -> None:
    mask = foreground(np.asarray(studio()))
    assert mask[250, 200]
    assert not mask[10, 10]
    assert 0.1 < mask.mean() < 0.5
    assert foreground(np.asarray(Image.new("RGB", (50, 50), "white"))).all()
