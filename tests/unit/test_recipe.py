"""The training recipe's fixed functions. Needs torch, which only training installs."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from app.sketch.design import random_design  # noqa: E402
from app.sketch.render import render  # noqa: E402
from onnx_models.assemble import PARTS, outline  # noqa: E402
from onnx_models.colours import CLUES, tone  # noqa: E402
from onnx_models.dataset import HELD_SOURCE, Row  # noqa: E402
from onnx_models.finish import Asked  # noqa: E402
from onnx_models.palette import Palette, contrast  # noqa: E402
from onnx_models.surfaces import surface  # noqa: E402
from onnx_models.teachers import neighbours  # noqa: E402


def drawn(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """A drawn shoe (1, 3, 96, 128) in 0..1 and its mask (1, 1, 96, 128)."""
    rgb = np.asarray(render(random_design(seed), "side", (128, 96), "white", seed), np.float32)
    picture = torch.from_numpy(rgb / 255).permute(2, 0, 1)[None]
    return picture, (picture.amin(1, keepdim=True) < 0.97).float()


def cosine(one: torch.Tensor, two: torch.Tensor) -> float:
    """Of two rows."""
    return float(torch.nn.functional.cosine_similarity(one, two)[0])


def test_an_outline_is_that_of_the_mirror_image() -> None:
    picture, mask = drawn(3)
    seen = torch.cat([picture, mask], dim=1)
    other = torch.cat(drawn(4), dim=1)
    assert cosine(outline(seen), outline(seen.flip(3))) > 0.9999
    assert cosine(outline(seen), outline(other)) < 0.99


def test_the_tone_stays_under_another_light() -> None:
    picture, mask = drawn(3)
    warm = (picture**2.2 * torch.tensor([0.8, 0.6, 0.45])[None, :, None, None]) ** (1 / 2.2)

    def seen(rgb: torch.Tensor, alpha: torch.Tensor) -> torch.Tensor:
        return torch.cat([rgb * alpha + 1 - alpha, alpha], dim=1)

    own = tone(seen(picture, mask))
    assert cosine(own, tone(seen(warm, mask))) > 0.95
    assert cosine(own, tone(seen(*drawn(4)))) < 0.9


def test_a_whole_studio_is_kept_for_fitting_the_weights() -> None:
    rows = [Row("f", HELD_SOURCE, str(i), "", "", "", "", "studio") for i in range(50)]
    assert {row.split for row in rows} == {"validation"}


def test_a_gate_silences_a_part() -> None:
    """Two products; plain colours name the wrong one, detail the right one."""
    quiet = np.array([[0.0, 0.5, 0.5]], np.float32)
    cosines = {name: np.zeros((1, 3), np.float32) for name in PARTS}
    cosines["detail"] = quiet
    cosines["plain"] = np.array([[0.0, 0.1, 0.9]], np.float32)
    right = np.array([[False, True, False]])
    weights = {**dict.fromkeys(PARTS, 0.0), "detail": 0.5, "plain": 0.5}
    ones, own = np.ones(3, np.float32), np.array([0])
    for gate, first in ((1.0, 0.0), (0.0, 0.0)):
        asked = Asked(cosines, np.array([gate], np.float32), ones, own, right)
        assert asked.figures(weights)[0] == first
    cosines["detail"] = np.array([[0.0, 0.6, 0.5]], np.float32)
    silent = Asked(cosines, np.zeros(1, np.float32), ones, own, right)
    assert silent.figures(weights) == (1.0, 1.0)


def test_a_palette_begins_as_principal_components() -> None:
    rng = np.random.default_rng(0)
    told = rng.random((300, CLUES)).astype(np.float32)
    told[:, 7] += rng.normal(0, 30, 300)
    palette = Palette().eval()
    palette.start(told)
    with torch.inference_mode():
        found = palette(torch.from_numpy(told)).numpy()
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-4)
    assert abs(np.corrcoef(found[:, 0], told[:, 7])[0, 1]) > 0.8


def test_the_same_picture_under_another_id_is_no_negative() -> None:
    vectors = torch.nn.functional.normalize(torch.tensor([[1.0, 0], [1, 0.1], [1, 0], [1, 0.1]]))
    products, scale = torch.tensor([0, 1, 0, 1]), torch.tensor(2.0)
    apart = contrast(vectors, products, torch.zeros(4, 4, dtype=torch.bool), scale)
    twins = contrast(vectors, products, torch.ones(4, 4, dtype=torch.bool), scale)
    assert float(twins) < 1e-3 < float(apart)


def test_neighbours_are_training_pictures_and_never_the_picture_itself() -> None:
    features = np.eye(6, dtype=np.float32)[[0, 0, 0, 1, 1, 5]]
    near = neighbours(features, np.array([0, 1, 3, 4]), 1)
    assert near[:, 0].tolist()[:5] == [1, 0, near[2, 0], 4, 3]
    assert near[2, 0] in (0, 1)


def test_surfaces_differ_and_are_pictures() -> None:
    rng = np.random.default_rng(0)
    made = [surface(rng) for _ in range(12)]
    assert all(one.shape == (160, 160, 3) and one.dtype == np.uint8 for one in made)
    assert len({one.tobytes() for one in made}) == 12
    assert np.mean([one.std() > 4 for one in made]) > 0.7
