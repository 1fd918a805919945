"""The command line as its users run it: a process, a real database, the shipped encoder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from app.demo.folder import query_pictures, write_folder
from app.settings import Settings
from app.sketch.catalogue import catalogue

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def sneakers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of drawn sneakers with its labels.csv."""
    folder = tmp_path_factory.mktemp("sneakers")
    write_folder(catalogue(7, 40), folder)
    return folder


@pytest.fixture(scope="session")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("query") / "photo.jpg"
    query_pictures(catalogue(7, 40), 1)[0].image.save(path)
    return path


@pytest.fixture
def run(settings: Settings) -> Run:
    environment = {
        **os.environ,
        "SOLEMATE_HOME": str(settings.home),
        "SOLEMATE_DATABASE": settings.database,
        "SOLEMATE_IMAGE_STORE": str(settings.images_dir),
        "LANG": "C.UTF-8",
    }
    for name in ("DATABASE_URL", "LC_ALL", "LC_MESSAGES"):
        environment.pop(name, None)

    def command(*arguments: object, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", "from app.cli import main; main()", *map(str, arguments)],
            env={**environment, **more}, capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip

    return command


@pytest.fixture
def filled(run: Run, sneakers: Path) -> Run:
    imported = run("etl", "import", sneakers, "--labels", "labels.csv")
    assert imported.returncode == 0, imported.stderr
    embedded = run("etl", "embed")
    assert embedded.returncode == 0, embedded.stderr
    return run


def test_search_prints_the_json_of_the_contract(filled: Run, photo: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.html"
    done = filled("search", "--photo", photo, "--json", "--html", sheet, "--limit", 5)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert {"took_ms", "encoder", "verdict", "hits"} <= set(found)
    assert found["verdict"] in ("same", "similar", "none")
    assert found["encoder"] == "solemate-s19"
    assert 1 <= len(found["hits"]) <= 5
    scores = [hit["score"] for hit in found["hits"]]
    assert scores == sorted(scores, reverse=True)
    for hit in found["hits"]:
        assert {"product_id", "brand", "model", "score", "verdict", "offers", "image"} <= set(hit)
        assert Path(hit["image"]).is_file()
        for offer in hit["offers"]:
            assert {"shop", "price", "currency", "url", "availability", "seen_at"} <= set(offer)
    page = sheet.read_text(encoding="utf-8")
    assert page.count("data:image/jpeg;base64,") == len(found["hits"]) + 1
    assert found["hits"][0]["offers"][0]["shop"] in page

    more = filled("search", "--image", found["hits"][0]["image_id"], "--json")
    ids = [hit["image_id"] for hit in json.loads(more.stdout)["hits"]]
    assert found["hits"][0]["image_id"] not in ids


def test_search_speaks_to_a_person_in_both_languages(filled: Run, photo: Path) -> None:
    english = filled("search", "--photo", photo)
    assert "Likeness" in english.stdout
    assert "encoding" in english.stdout
    russian = filled("search", "--photo", photo, LANG="ru_RU.UTF-8")
    assert "Сходство" in russian.stdout
    asked = filled("search", "--photo", photo, "--language", "ru")
    assert "Сходство" in asked.stdout


def test_filters_that_let_nothing_through_say_so(filled: Run, photo: Path) -> None:
    done = filled("search", "--photo", photo, "--brand", "Nobody")
    assert done.returncode == 0
    assert "Nothing was found" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "give --photo FILE, --text WORDS or both, or else --image ID"),
        (["--image", "99999999"], "picture 99999999"),
        (["--photo", "nowhere.jpg"], "nowhere.jpg"),
        (["--image", "1", "--max-price", "cheap"], "--max-price is a number, not 'cheap'"),
        (["--image", "1", "--max-price", "-1"], "0 or more"),
        (["--image", "1", "--min-price", "9", "--max-price", "8"], "--min-price 9 is above"),
        (["--image", "1", "--gender", "cats"], "men, women, unisex or kids"),
        (["--image", "1", "--currency", "euro"], "three-letter code"),
        (["--image", "1", "--size", "EU 43 wide"], "--size"),
        (["--image", "1", "--language", "de"], "ru or en"),
    ],
)
def test_bad_input_is_one_clear_line_and_exit_code_2(
    run: Run, arguments: list[str], words: str
) -> None:
    done = run("search", *arguments)
    assert done.returncode == 2, done.stderr
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stdout == ""


def test_encode_writes_normalised_float32_in_order(
    run: Run, sneakers: Path, photo: Path, tmp_path: Path
) -> None:
    pictures = sorted((sneakers / "images").glob("*.jpg"))[:3]
    out = tmp_path / "vectors.npy"
    done = run("encode", *pictures, photo, "--out", out)
    assert done.returncode == 0, done.stderr
    vectors = np.load(out)
    assert vectors.dtype == np.float32
    assert vectors.shape[0] == 4
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    run("encode", photo, *pictures, "--out", out)
    np.testing.assert_allclose(np.load(out)[[1, 2, 3, 0]], vectors, atol=1e-5)

    broken = tmp_path / "broken.jpg"
    broken.write_bytes(pictures[0].read_bytes()[:500])
    failed = run("encode", pictures[0], broken, "--out", tmp_path / "none.npy")
    assert failed.returncode == 2
    assert "broken.jpg" in failed.stderr
    assert not (tmp_path / "none.npy").exists()


def test_models_list_names_the_active_encoder(filled: Run) -> None:
    done = filled("models", "list")
    assert "solemate-s19" in done.stdout
    assert "active" in done.stdout


def test_an_unknown_encoder_is_named_with_the_known_ones(run: Run, photo: Path) -> None:
    done = run("search", "--photo", photo, "--encoder", "no-such-encoder")
    assert done.returncode == 1
    assert "no-such-encoder" in done.stderr
    assert "solemate-s19" in done.stderr
