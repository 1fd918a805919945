"""app.vision.heads, knn and companion, and features beside vectors, on models built here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from app.errors import EncoderError
from app.settings import Settings
from app.vision.heads import Heads, open_heads
from app.vision.knn import Neighbour, blend, silhouette_in, vote
from tests.unit.companions import SPANS, WIDTH, encoder_folder, of_means, write_heads


def features(**logits: float | list[float]) -> np.ndarray:
    row = np.zeros((1, WIDTH), np.float32)
    for name, value in logits.items():
        low, high = SPANS[name]
        row[0, low:high] = value
    return row


@pytest.fixture
def models(tmp_path: Path) -> Settings:
    return Settings(models_dir=tmp_path / "models", home=tmp_path / "home")


@pytest.fixture
def heads(models: Settings) -> Heads:
    folder, digest = encoder_folder(models.models_dir)
    write_heads(folder, digest)
    found = open_heads("tiny", models)
    assert found is not None
    return found


def test_an_encoder_without_heads_has_none(models: Settings) -> None:
    encoder_folder(models.models_dir)
    assert open_heads("tiny", models) is None
    assert open_heads("hsv-histogram", models) is None


def test_attributes_are_calibrated_probabilities(heads: Heads) -> None:
    (seen,) = heads.predict(
        features(shoe=2, sneaker=-1, brand=[3, 0, 0], silhouette=[0.1, 0], colours=[1, 3, 2.5],
                 category=[4, 0], gender=[0.5, 0], quality=1)
    )  # fmt: skip
    assert seen.is_shoe == pytest.approx(1 / (1 + np.exp(-2)))
    assert (seen.shoe, seen.sneaker) == (True, False)
    assert seen.brand == "Nike"
    assert sum(seen.brand_probabilities.values()) == pytest.approx(1)
    assert seen.silhouette is None, "0.52 is too little to name a silhouette"
    assert seen.colours == ("white", "grey"), "black has a seventh of white's share"
    assert seen.category == "sneaker"
    assert seen.gender is None


def test_an_unsure_brand_is_unknown(heads: Heads) -> None:
    (seen,) = heads.predict(features(brand=[0.5, 0.4, 0]))
    assert seen.brand is None


def test_several_rows_and_none(heads: Heads) -> None:
    many = np.concatenate([features(shoe=3), features(shoe=-3)])
    assert [seen.shoe for seen in heads.predict(many)] == [True, False]
    assert heads.predict(np.empty((0, WIDTH), np.float32)) == []
    with pytest.raises(EncoderError, match="features"):
        heads.predict(np.zeros((1, WIDTH + 1), np.float32))


def test_heads_of_another_model_are_refused(models: Settings) -> None:
    folder, _ = encoder_folder(models.models_dir)
    write_heads(folder, "0" * 64)
    with pytest.raises(EncoderError, match="another model"):
        open_heads("tiny", models)


def test_an_altered_file_is_refused(models: Settings) -> None:
    folder, digest = encoder_folder(models.models_dir)
    write_heads(folder, digest)
    with (folder / "heads.onnx").open("ab") as file:
        file.write(b"\0")
    with pytest.raises(EncoderError, match="not the file"):
        open_heads("tiny", models)


@pytest.mark.parametrize(
    "changes",
    [
        {"vote": {"mix": 2, "temperature": 0.1, "neighbours": 5}},
        {"classes": {"brand": ["Nike"], "silhouette": [], "colours": [], "category": [],
                     "gender": []}},
        {"width": "many"},
    ],
)  # fmt: skip
def test_a_wrong_description_is_refused(models: Settings, changes: dict[str, Any]) -> None:
    folder, digest = encoder_folder(models.models_dir)
    write_heads(folder, digest, **changes)
    with pytest.raises(EncoderError):
        open_heads("tiny", models)


def test_a_description_that_is_no_json_is_refused(models: Settings) -> None:
    folder, _ = encoder_folder(models.models_dir)
    (folder / "heads.json").write_text("{", encoding="utf-8")
    with pytest.raises(EncoderError, match=r"heads\.json"):
        open_heads("tiny", models)


def test_neighbours_decide_what_the_heads_leave_open(heads: Heads) -> None:
    (seen,) = heads.predict(features(brand=[0.5, 0.4, 0]))
    near = [Neighbour("ADIDAS", "Samba", 0.9), Neighbour("adidas", "Gazelle", 0.85)]
    mixed = blend(seen, near, heads.facts)
    assert mixed.brand == "adidas"
    assert mixed.brand_probabilities["adidas"] > 0.6
    assert mixed.silhouette is None


def test_neighbours_bring_brands_and_silhouettes(heads: Heads) -> None:
    (seen,) = heads.predict(features(brand=[0, 0, 0], silhouette=[1, 0]))
    near = [Neighbour("Salomon", "XT-6", 0.9)] * 3
    mixed = blend(seen, near, heads.facts)
    assert mixed.brand_probabilities["Salomon"] == pytest.approx(0.5)
    assert mixed.brand is None, "half is not enough"
    near = [Neighbour("Nike", "Air Max 90 Premium", 0.9)] * 3
    assert blend(seen, near, heads.facts).silhouette == "Nike Air Max 90"


def test_no_neighbours_change_nothing(heads: Heads) -> None:
    (seen,) = heads.predict(features(brand=[3, 0, 0]))
    assert blend(seen, [], heads.facts) == seen
    nameless = blend(seen, [Neighbour(None, None, 0.99)], heads.facts)
    assert nameless.brand_probabilities == seen.brand_probabilities


def test_votes_weigh_by_similarity_and_leave_room_for_the_nameless() -> None:
    shares = vote(["a", "b", None], [0.9, 0.8, 0.9], 0.1)
    assert shares["a"] / shares["b"] == pytest.approx(np.e)
    assert sum(shares.values()) == pytest.approx((1 + 1 / np.e) / (2 + 1 / np.e))
    assert vote([], [], 0.1) == {}


@pytest.mark.parametrize(
    ("model", "brand", "found"),
    [
        ("Air Max 90 Premium", "Nike", "Nike Air Max 90"),
        ("NIKE DUNK LOW", None, "Nike Dunk Low"),
        ("Air Max 97", "Nike", None),
        ("Dunk High", "Nike", None),
        (None, "Nike", None),
    ],
)
def test_silhouettes_in_product_names(
    model: str | None, brand: str | None, found: str | None
) -> None:
    assert silhouette_in(model, brand, ["Nike Air Max 90", "Nike Dunk Low"]) == found


@pytest.mark.parametrize("count", [1, 3, 11])
def test_features_come_with_the_vectors(tmp_path: Path, count: int) -> None:
    encoder = of_means(tmp_path / "two", features=True)
    images = [Image.new("RGB", (40, 40), (10 + i, 20, 30)) for i in range(count)]
    vectors, features_ = encoder.encode_features(images)
    np.testing.assert_allclose(vectors, encoder.encode(images), rtol=1e-6)
    np.testing.assert_allclose(
        features_, [[100 + 10 * i, 200, 300] for i in range(count)], rtol=1e-4
    )
    assert encoder.features_dim == 3


def test_without_features_the_vectors_stand_in(tmp_path: Path) -> None:
    encoder = of_means(tmp_path / "one")
    vectors, features_ = encoder.encode_features([Image.new("RGB", (40, 40), (10, 20, 30))])
    np.testing.assert_array_equal(vectors, features_)
    assert not encoder.has_features


def test_no_pictures_no_rows(tmp_path: Path) -> None:
    vectors, features_ = of_means(tmp_path / "two", features=True).encode_features([])
    assert (vectors.shape, features_.shape) == ((0, 3), (0, 3))
