"""How near a real shoe is called, and where it is said to differ."""

from __future__ import annotations

from pathlib import Path

from app.domain import Hit, SearchResult
from app.dream.closeness import compare
from app.dream.dream import Found
from app.dream.phrases import Difference
from app.i18n import LANGUAGES, catalogue
from app.sketch.design import random_design
from app.sketch.render import render

DESIGN = random_design(3, "high").recolour(
    upper="red", toe_box="red", heel_counter="red", midsole="white", outsole="white"
)


def hit(
    path: Path, model: str = "Nameless", colourway: str | None = None, score: float = 0.1
) -> Hit:
    return Hit(1, None, model, colourway, None, score, "similar", 1, str(path), ())


def photographed(folder: Path, **colours: str) -> Path:
    path = folder / "shoe.png"
    render(DESIGN.recolour(**colours), "side", (480, 360)).save(path)
    return path


def test_the_dreamt_shoe_itself_is_alike_whatever_the_searchs_score(tmp_path: Path) -> None:
    near = compare(DESIGN, hit(photographed(tmp_path), "Nameless High Top"))
    assert near.differences == ()
    assert near.close
    assert near.percent is not None
    assert near.percent >= 90
    assert near == compare(DESIGN, hit(photographed(tmp_path), "Nameless High Top", score=0.9))


def test_another_sole_and_form_are_named(tmp_path: Path) -> None:
    found = compare(
        DESIGN, hit(photographed(tmp_path, midsole="black", outsole="black"), "Nameless slip-on")
    )
    assert Difference("sole", "black", "white") in found.differences
    assert Difference("form", "slip_on", "high") in found.differences
    assert not found.close


def test_words_tell_the_colour_where_the_picture_does_not(tmp_path: Path) -> None:
    unseen = tmp_path / "nowhere.jpg"
    assert compare(DESIGN, hit(unseen, colourway="Red/White")).percent == 100
    assert compare(DESIGN, hit(unseen, colourway="White/Red")).percent == 50
    found = compare(DESIGN, hit(unseen, colourway="Blue"))
    assert (found.percent, found.differences) == (0, (Difference("upper", "blue", "red"),))


def test_what_cannot_be_compared_is_not_given_a_number(tmp_path: Path) -> None:
    near = compare(DESIGN, hit(tmp_path / "nowhere.jpg"))
    assert (near.percent, near.close) == (None, False)
    result = SearchResult(1, "any", "none", (), 0, False, "exact")
    for language in LANGUAGES:
        words = catalogue(language)
        said = Found(result, near.percent, near.close, near.differences).says(words)
        assert said == [words.html("dream.found_unknown")]
