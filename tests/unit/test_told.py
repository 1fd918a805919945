"""What shops left unsaid of their pictures, and who looked at them wrote down."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.vision.colours import COLOURS, parse_colours
from onnx_models.dataset import TEST_SOURCES, read_rows, shoes_folder
from onnx_models.heads.labels import LEAST_NAMED, called
from onnx_models.told import Told, completed, read_table, told

HEAD = "file,source,product_id,brand,model,colour,category,view,setting,text,model_id,gender"


def line(file: str, **known: str) -> dict[str, str]:
    """A row of labels.csv."""
    return {**dict.fromkeys(HEAD.split(","), ""), "file": file, "category": "sneaker", **known}


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two pictures that were looked at, and five of a model that no rule knows."""
    known = {
        "shop/a.jpg": Told("Nike", "Nike Air Max 90", "white / red", "sneaker/casual"),
        "shop/b.jpg": Told("", "", "black", ""),
        **{f"shop/y{i}.jpg": Told("adidas", "adidas Deerupt", "grey", "") for i in range(5)},
        "shop/rare.jpg": Told("Nike", "Nike Dualtone Racer", "red", ""),
    }
    monkeypatch.setattr("onnx_models.told.told", lambda: known)
    monkeypatch.setattr("onnx_models.heads.labels.told", lambda: known)


@pytest.mark.usefixtures("seen")
def test_what_was_seen_fills_what_a_shop_left_blank_and_nothing_else() -> None:
    found = completed(line("shop/a.jpg"))
    assert [found[field] for field in ("brand", "model", "colour", "category")] == [
        "Nike", "Nike Air Max 90", "white / red", "sneaker/casual",
    ]  # fmt: skip
    stated = line("shop/a.jpg", brand="adidas", model="Superstar", colour="Navy", model_id="7",
                  category="boot")  # fmt: skip
    assert completed(stated) == stated
    assert completed(line("shop/a.jpg", model="Air Jordan"))["model"] == "Nike Air Max 90"
    assert completed(line("shop/b.jpg", brand="Vans", model="Era"))["model"] == "Era"
    other = line("shop/nobody-looked.jpg")
    assert completed(other) == other


@pytest.mark.usefixtures("seen")
def test_training_reads_what_was_seen(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text(
        f"{HEAD}\nshop/a.jpg,shop,a,,,,sneaker,side,studio,,,\nshop/c.jpg,shop,c,,,,sneaker,,,,,\n"
    )
    one, other = read_rows(tmp_path)
    assert (one.brand, one.name, one.colour) == ("nike", "Nike Air Max 90", "white / red")
    assert (other.brand, other.name, other.colour) == ("", "", "")
    assert [row["brand"] for row in read_table(tmp_path)] == ["Nike", ""]


@pytest.mark.usefixtures("seen")
def test_buyers_know_families_and_names_that_several_pictures_have() -> None:
    table = [completed(line(f"shop/{name}.jpg")) for name in ("a", "b", "rare")]
    table += [completed(line(f"shop/y{i}.jpg")) for i in range(LEAST_NAMED)]
    table.append(line("shop/d.jpg", brand="Vans", text="Vans Old Skool - Men's - Black"))
    names = called(table)
    assert names[:3] == ["Nike Air Max 90", "", ""]
    assert names[3:] == ["adidas Deerupt"] * LEAST_NAMED + ["Vans Old Skool"]
    named = line("other/d.jpg", brand="adidas", text="adidas Deerupt Runner")
    assert called([named]) == ["adidas Deerupt"]
    assert called([line("other/d.jpg", brand="Nike", text="Nike Deerupt")]) == [""]


def test_what_was_written_down_is_in_known_words() -> None:
    kinds = {"", "sneaker/casual", "sneaker/sports", "cleat/spike/golf", "slide/sandal", "boot"}
    found = told()
    assert len(found) > 2000
    for file, what in found.items():
        assert file.split("/")[0] not in TEST_SOURCES
        words = [word for word in what.colour.split(" / ") if word]
        assert set(words) <= set(COLOURS)
        assert len(words) == len(set(words)) <= 3
        assert list(parse_colours(what.colour)) == words
        assert what.category in kinds
    for spellings in ({what.brand for what in found.values()},
                      {what.model for what in found.values()}):  # fmt: skip
        assert len({name.casefold() for name in spellings}) == len(spellings)


@pytest.mark.data
def test_only_pictures_of_training_were_looked_at(real_data: Path) -> None:
    splits = {row.file: row.split for row in read_rows(shoes_folder(real_data))}
    assert {splits[file] for file in told()} == {"train"}
