"""Tokenizer cases, and the text tower's loading and errors."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from app.errors import EncoderError
from app.settings import ROOT
from app.vision.text import TextTower
from app.vision.tokenizer import Tokenizer, fnv1a, normalise, phonetic
from onnx_models.text.words import facts_of

FOLDERS = sorted(path.parent for path in (ROOT / "onnx_models").glob("*/text.json"))


@pytest.fixture(scope="module", params=FOLDERS, ids=lambda path: path.name)
def tower(request: pytest.FixtureRequest) -> TextTower:
    return TextTower.load(request.param, 1)


def test_fnv1a_is_the_published_hash() -> None:
    assert fnv1a("") == 0x811C9DC5
    assert fnv1a("foobar") == 0xBF9CF968  # Noll's test vectors


def test_normalise() -> None:
    assert normalise("  Чёрные  NIKÉ ") == "черные nike"
    assert normalise("кроссовки й") == "кроссовки й"


@pytest.mark.parametrize(
    ("one", "other"),
    [("джордан", "jordan"), ("конверс", "convers"), ("макс", "max")],
)
def test_both_scripts_sound_alike(one: str, other: str) -> None:
    assert phonetic(one)[:4] == phonetic(other)[:4]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("найк", "nike"),
        ("НАЙКИ", "nike"),
        ("тшлу", "nike"),
        ("Тшлу красные", "nike красные"),
        ("rhjccjdrb nike", "кроссовки nike"),
        ("эйр макс 90", "air max 90"),
        ("аирмакс90", "air max 90"),
        ("airmax 90", "air max 90"),
        ("джордан 4", "jordan 4"),
        ("конверс", "converse"),
        ("кеды vans", "кеды vans"),
        ("Nike, Air-Max!", "nike air max"),
    ],
)
def test_words_as_understood(tower: TextTower, typed: str, meant: str) -> None:
    assert " ".join(tower.tokenizer.words(typed)) == meant


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("nkie", "nike"),
        ("adiddas", "adidas"),
        ("convrse", "converse"),
        ("найк эйр макс", "nike air max"),
        ("кросовки", "кроссовки"),
    ],
)
def test_a_typo_lands_near(tower: TextTower, typed: str, meant: str) -> None:
    far = tower.encode(["сандалии", "jordan", "white heels"])
    a, b = tower.encode([typed, meant])
    assert a @ b > 0.8
    assert a @ b > (far @ b).max()


def test_rows_are_unit_and_do_not_depend_on_the_batch(tower: TextTower) -> None:
    texts = ["красные кроссовки nike", "?", "a " * 3000, "vans"]
    together = tower.encode(texts)
    assert together.shape == (4, tower.dim)
    assert together.dtype == np.float32
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    apart = np.concatenate([tower.encode([text]) for text in texts])
    assert np.allclose(together, apart, atol=1e-4)
    assert tower.encode([]).shape == (0, tower.dim)
    assert not tower.understands("?!")


@pytest.mark.parametrize("broken", ["text.onnx", "tokenizer.json", "model", "gone", "canonical"])
def test_a_folder_that_cannot_be_used(tmp_path: Path, broken: str) -> None:
    folder = tmp_path / "encoder"
    shutil.copytree(FOLDERS[0], folder)
    facts = json.loads((folder / "text.json").read_text())
    if broken in ("text.onnx", "tokenizer.json"):
        with (folder / broken).open("ab") as file:
            file.write(b" ")
        words = "is not the file"
    elif broken == "model":
        facts["encoder_sha256"] = "0" * 64
        words = "another model"
    elif broken == "canonical":
        facts["canonical"]["vector"][0] += 0.5
        words = "canonical"
    else:
        (folder / "text.onnx").unlink()
        words = "cannot be read"
    (folder / "text.json").write_text(json.dumps(facts))
    with pytest.raises(EncoderError, match=words):
        TextTower.load(folder, 1)


@pytest.mark.parametrize("text", ["", "[]", '{"schema": 2}', '{"schema": 1, "grams": [3, 5]}'])
def test_a_tokenizer_that_cannot_be_used(text: str) -> None:
    with pytest.raises(ValueError):
        Tokenizer.from_json(text)


@pytest.mark.parametrize(
    ("label", "colour", "also"),
    [
        ("Black/White", "black", {"white"}),
        ("Silver", "silver", {"grey"}),
        ("White/Metallic Silver", "white", {"grey", "silver"}),
        ("Gold", "gold", {"yellow"}),
        ("Golden Yellow/Black", "gold", {"yellow", "black"}),
        ("Off White/Red", "off-white", {"white", "beige", "red"}),
        ("Varsity", "", set()),
    ],
)
def test_a_label_has_a_main_colour_and_others_that_are_left_open(
    label: str, colour: str, also: set[str]
) -> None:
    row = dict.fromkeys(("brand", "gender", "text", "source", "category"), "")
    facts = facts_of({**row, "colour": label})
    assert (facts.colour, set(facts.also)) == (colour, also)
