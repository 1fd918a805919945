"""Search with heads and a verifier over a real Postgres: verdicts, no shoe, the vote."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from app.db.pool import Database
from app.domain import Filters
from app.i18n import catalogue
from app.present import as_json, print_table
from app.search import Searcher
from app.settings import Settings
from app.vision.heads import Heads, open_heads
from app.vision.verify import Verifier, open_verifier
from tests.db.builders import Encoder4, add_product
from tests.unit.companions import SPANS, WIDTH, encoder_folder, write_heads, write_verifier


@dataclass(frozen=True)
class LookingEncoder(Encoder4):
    """Mean red, green, blue and a constant; its features say what the pixel at the corner says:
    red above 200 is a white Nike, anything else is no shoe."""

    thresholds: tuple[float | None, float | None] = (0.2, 0.1)

    def encode(self, images: Sequence[Any]) -> np.ndarray:
        rows = [[*np.asarray(image).reshape(-1, 3).mean(axis=0), 1.0] for image in images]
        matrix = np.asarray(rows, dtype=np.float32)
        return matrix / np.linalg.norm(matrix, axis=1, keepdims=True)

    def encode_features(self, images: Sequence[Any]) -> tuple[np.ndarray, np.ndarray]:
        features = np.zeros((len(images), WIDTH), np.float32)
        for row, image in zip(features, images, strict=True):
            shoe = np.asarray(image)[0, 0, 0] > 200
            row[slice(*SPANS["shoe"])] = 3 if shoe else -3
            row[slice(*SPANS["brand"])] = [1, 0, 0]
            row[slice(*SPANS["colours"])] = [0, 5, 0]
            row[slice(*SPANS["category"])] = [5, 0]
        return self.encode(images), features


@pytest.fixture
def companions(tmp_path: Path) -> tuple[Heads, Verifier]:
    models = Settings(models_dir=tmp_path / "models", home=tmp_path / "home")
    folder, digest = encoder_folder(models.models_dir)
    write_heads(folder, digest)
    # Probability above 0.6 from a cosine of about 0.97 on.
    write_verifier(folder, digest, 4, slope=20.0, offset=-19.0)
    heads, verifier = open_heads("tiny", models), open_verifier("tiny", models)
    assert heads is not None
    assert verifier is not None
    return heads, verifier


@pytest.fixture
def searcher(db: Database, settings: Settings, companions: tuple[Heads, Verifier]) -> Searcher:
    heads, verifier = companions
    found = Searcher(db, LookingEncoder(), settings, heads=heads, verifier=verifier)
    with db.connection() as conn:
        add_product(conn, found.encoder_row.id, "Red", [[1, 0, 0, 0]], brand="Nike")
        add_product(conn, found.encoder_row.id, "Rose", [[0.8, 0.5, 0.3, 0]], brand="Nike")
        add_product(conn, found.encoder_row.id, "Green", [[0.05, 1, 0, 0]], brand="Other")
    return found


def photo(folder: Path, colour: tuple[int, int, int]) -> Path:
    path = folder / f"{colour}.png"
    Image.new("RGB", (16, 16), colour).save(path)
    return path


def test_the_verifier_decides_what_is_the_same(searcher: Searcher, tmp_path: Path) -> None:
    result = searcher.by_photo([photo(tmp_path, (255, 0, 0))])
    assert [(hit.model, hit.verdict) for hit in result.hits[:2]] == [
        ("Red", "same"),
        ("Rose", "similar"),  # its cosine of 0.81 is above the cosine's own "same" of 0.2
    ]
    assert result.hits[2].verdict == "none"
    assert result.verdict == "same"


def test_pages_and_pictures_of_the_catalogue_are_verified_too(
    searcher: Searcher, tmp_path: Path
) -> None:
    first = searcher.by_photo([photo(tmp_path, (255, 0, 0))], page_size=1)
    assert first.search_id is not None
    assert first.attributes is not None
    again = searcher.page(first.search_id, 0)
    assert [hit.verdict for hit in again.hits] == ["same"]
    assert again.attributes is None, "the picture itself is not kept"
    near = searcher.by_image(first.hits[0].image_id)
    assert [hit.verdict for hit in near.hits] == ["similar", "none"]


def test_what_is_seen_and_the_neighbours_vote(searcher: Searcher, tmp_path: Path) -> None:
    result = searcher.by_photo([photo(tmp_path, (255, 0, 0))])
    seen = result.attributes
    assert seen is not None
    assert seen.brand == "Nike", "0.58 alone is too little, with two Nikes nearest it is enough"
    assert seen.colours == ("white",)
    filtered = searcher.by_photo([photo(tmp_path, (255, 0, 0))], Filters(brands=("Nike",)))
    assert filtered.attributes is not None
    assert filtered.attributes.brand is None, "who asks for Nikes only proves nothing by Nikes"


def test_no_shoe(searcher: Searcher, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = searcher.by_photo([photo(tmp_path, (120, 120, 120))])
    assert result.attributes is not None
    assert not result.attributes.shoe
    assert result.verdict == "none"
    assert {hit.verdict for hit in result.hits} == {"none"}
    print_table(result, catalogue("en"))
    assert "There seems to be no shoe in this picture." in capsys.readouterr().out
    print_table(result, catalogue("ru"))
    assert "Похоже, на этой картинке нет обуви." in capsys.readouterr().out
    assert '"shoe": false' in as_json(result)


def test_a_pair_known_again_is_a_shoe(searcher: Searcher, tmp_path: Path) -> None:
    result = searcher.by_photo([photo(tmp_path, (190, 0, 0))])
    assert result.verdict == "same"
    assert result.attributes is not None
    assert result.attributes.shoe


def test_without_companions_nothing_changes(
    db: Database, settings: Settings, searcher: Searcher, tmp_path: Path
) -> None:
    plain = Searcher(db, LookingEncoder(), settings)
    result = plain.by_photo([photo(tmp_path, (255, 0, 0))])
    assert result.attributes is None
    assert [hit.verdict for hit in result.hits[:2]] == ["same", "same"], "by the cosine's 0.2"
    assert "attributes" not in as_json(result)
