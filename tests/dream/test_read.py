"""Change requests: what a person says and the edit it should become (requests/*.toml)."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from app.dream.apply import apply
from app.dream.changes import Change
from app.dream.dreamer import Dreamer
from app.dream.generators.sketch import Sketch
from app.dream.phrases import report
from app.dream.read import read
from app.dream.sessions import Dreams, Step
from app.i18n import LANGUAGES, Language, catalogue
from app.sketch.design import Design, random_design

FOLDER = Path(__file__).with_name("requests")


def requests(name: str) -> list[dict[str, Any]]:
    with (FOLDER / f"{name}.toml").open("rb") as file:
        listed: list[dict[str, Any]] = tomllib.load(file)["request"]
    return listed


def right(request: dict[str, Any]) -> bool:
    """Every edit as expected, nothing more, and exactly the unknown words given back."""
    found = read(request["say"])
    lost = " | ".join(found.unknown).casefold()
    wanted = request.get("unknown", [])
    return (
        sorted(map(str, found.changes)) == sorted(request["edit"])
        and bool(wanted) == bool(found.unknown)
        and all(word.casefold() in lost for word in wanted)
    )


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.toml")))
def test_requests_become_the_expected_edits(name: str) -> None:
    listed = requests(name)
    wrong = [request["say"] for request in listed if not right(request)]
    assert len(wrong) <= 0.05 * len(listed), wrong


def test_there_are_enough_requests_in_both_languages() -> None:
    said = [r["say"] for path in FOLDER.glob("*.toml") for r in requests(path.stem)]
    russian = [text for text in said if any("а" <= letter <= "я" for letter in text.lower())]
    assert len(said) >= 150
    assert len(set(said)) == len(said)
    assert min(len(russian), len(said) - len(russian)) >= 60


def _step(design: Design) -> Step:
    return Step(1, 1, None, None, design, (), "", 7, "sketch", b"")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_piece_is_answered(language: Language) -> None:
    """What was understood, what could not be done and what was not understood is all said."""
    dreamer = Dreamer(Dreams(None), {"sketch": Sketch()}, "sketch")  # type: ignore[arg-type]
    words = catalogue(language)
    for path in FOLDER.glob("*.toml"):
        for request in requests(path.stem):
            heard = dreamer.hear(_step(random_design(11)), request["say"])
            text = report(heard, words)
            assert len(heard.outcomes) == len(heard.reading.edits), request["say"]
            for out in heard.outcomes:
                assert text, request["say"]
                if out.state == "impossible":
                    assert words.text(f"dream.why.{out.reason}") in text
            for piece in heard.lost:
                assert piece in text, request["say"]


@pytest.mark.parametrize(
    ("change", "field", "value"),
    [
        (Change("set", "silhouette", "chunky"), "silhouette", "chunky"),
        (Change("set", "laces", "none"), "laces", "none"),
        (Change("set", "logo", "bolt"), "motif", "bolt"),
        (Change("set", "model", "Converse"), "toe", "cap"),
        (Change("set", "style", "minimal"), "panels", "plain"),
        (Change("text", "text", "МЕЧТА"), "text", "МЕЧТА"),
    ],
)
def test_a_change_sets_its_field(change: Change, field: str, value: str) -> None:
    for seed in range(8):
        design, (outcome,) = apply(random_design(seed), [change], seed)
        assert getattr(design, field) == value
        assert outcome.state in ("done", "already")


def test_colours_go_to_their_parts_and_no_others() -> None:
    before = random_design(2, "low")
    after, _ = apply(before, [Change("colour", "laces", "magenta")], 0)
    assert after.recolour(laces=before.colours.laces) == before
    white, _ = apply(before, [Change("colour", "all", "white")], 0)
    assert {getattr(white.colours, part) for part in white.colours.__slots__} == {"white"}


def test_a_gum_sole_takes_a_colour_only_as_another_sole() -> None:
    gum, _ = apply(random_design(2, "low"), [Change("set", "sole_style", "gum")], 0)
    white, _ = apply(gum, [Change("colour", "sole", "white")], 0)
    assert (white.sole, white.colours.midsole, white.colours.outsole) == ("cup", "white", "white")


def test_what_cannot_be_changes_nothing_and_says_why() -> None:
    plain = Design()
    for change, reason in (
        (Change("recolour", "purple", "red"), "colour_absent"),
        (Change("without", "orange"), "colour_absent"),
        (Change("text", "text", "a" * 11), "text_too_long"),
        (Change("shade", "upper", "lighter"), "no_such_shade"),
    ):
        after, (outcome,) = apply(plain, [change], 0)
        assert (after, outcome.state, outcome.reason) == (plain, "impossible", reason)


def test_height_steps_through_the_silhouettes() -> None:
    design = random_design(1, "low")
    seen = [design.silhouette]
    for _ in range(2):
        design, _ = apply(design, [Change("more", "height", "more")], 0)
        seen.append(design.silhouette)
    assert seen == ["low", "mid", "high"]
    for _ in range(8):
        design, (outcome,) = apply(design, [Change("more", "height", "more")], 0)
    assert outcome.reason == "at_limit"


@pytest.mark.parametrize("text", ["", "   ", "!!!", "🙂", "a" * 400, "\n\n", "и", "the", "-", "1"])
def test_odd_requests_do_no_harm(text: str) -> None:
    found = read(text)
    assert not found.edits
    assert bool(found.unknown) == bool(text.strip())
