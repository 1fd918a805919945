"""app.vision.verify on a verifier built here: probabilities of the same product."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from app.errors import EncoderError
from app.settings import Settings
from app.vision.verify import Verifier, open_verifier
from tests.unit.companions import encoder_folder, write_verifier

DIM = 4


@pytest.fixture
def models(tmp_path: Path) -> Settings:
    return Settings(models_dir=tmp_path / "models", home=tmp_path / "home")


@pytest.fixture
def verifier(models: Settings) -> Verifier:
    folder, digest = encoder_folder(models.models_dir)
    write_verifier(folder, digest, DIM)
    found = open_verifier("tiny", models)
    assert found is not None
    return found


def test_an_encoder_without_a_verifier_has_none(models: Settings) -> None:
    encoder_folder(models.models_dir)
    assert open_verifier("tiny", models) is None


def test_probabilities_follow_platts_line(verifier: Verifier) -> None:
    query = np.eye(DIM, dtype=np.float32)[0]
    others = np.stack([query, np.eye(DIM, dtype=np.float32)[1]])
    same, other = verifier.probability(query, others)
    assert same == pytest.approx(1 / (1 + np.exp(-1)), abs=1e-6)
    assert other == pytest.approx(1 / (1 + np.exp(19)), abs=1e-6)
    assert same >= verifier.same > other


def test_nothing_to_compare(verifier: Verifier) -> None:
    query = np.eye(DIM, dtype=np.float32)[0]
    assert verifier.probability(query, np.empty((0, DIM), np.float32)).shape == (0,)


@pytest.mark.parametrize(
    ("query", "others"), [((3,), (2, DIM)), ((DIM,), (2, 3)), ((DIM,), (DIM,))]
)
def test_other_lengths_are_refused(
    verifier: Verifier, query: tuple[int, ...], others: tuple[int, ...]
) -> None:
    with pytest.raises(EncoderError, match="vectors of 4"):
        verifier.probability(np.zeros(query, np.float32), np.zeros(others, np.float32))


def test_a_verifier_of_another_model_is_refused(models: Settings) -> None:
    folder, _ = encoder_folder(models.models_dir)
    write_verifier(folder, "f" * 64, DIM)
    with pytest.raises(EncoderError, match="another model"):
        open_verifier("tiny", models)


def test_a_line_that_falls_is_refused(models: Settings) -> None:
    folder, digest = encoder_folder(models.models_dir)
    write_verifier(folder, digest, DIM, slope=-1.0)
    with pytest.raises(EncoderError, match="slope"):
        open_verifier("tiny", models)
