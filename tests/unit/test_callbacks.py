"""The callback codec: what goes in comes out, in 64 bytes, and nothing else is taken for ours."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.bot.callbacks import (
    MAX_BYTES,
    VERSION,
    Action,
    ChooseLanguage,
    MoreLike,
    OutdatedButton,
    Place,
    ShowPage,
    decode,
    encode,
)
from app.i18n import LANGUAGES

numbers = st.integers(0, 2**63 - 1)
places = st.builds(Place, numbers, st.integers(0, 10_000))
origins = st.none() | places
actions: st.SearchStrategy[Action] = st.one_of(
    st.builds(ShowPage, places, origins),
    st.builds(MoreLike, numbers, st.integers(1, 10), origins),
    st.builds(ChooseLanguage, st.sampled_from(LANGUAGES)),
)


@given(actions)
def test_every_action_survives_the_way_there_and_back(action: Action) -> None:
    data = encode(action)
    assert 1 <= len(data.encode()) <= MAX_BYTES
    assert data.startswith(VERSION)
    assert decode(data) == action


@given(st.text())
def test_any_text_is_an_action_or_outdated(data: str) -> None:
    try:
        action = decode(data)
    except OutdatedButton:
        return
    # Whatever reads as an action is written the same: there are no two spellings of one button.
    assert encode(action) == data


@given(actions, st.data())
def test_a_changed_button_never_breaks(action: Action, data: st.DataObject) -> None:
    whole = encode(action)
    at = data.draw(st.integers(0, len(whole) - 1))
    other = data.draw(st.characters())
    changed = whole[:at] + other + whole[at + 1 :]
    try:
        decode(changed)
    except OutdatedButton:
        return
    assert encode(decode(changed)) == changed


@pytest.mark.parametrize(
    "data",
    [
        "", "1", "1p", "1p:", "1p:1", "1p:1:", "1p:1:2:3", "1p:1:2:3:4:5", "1p:01:2", "1p:-1:2",
        "1p:A:2", "1p: 1:2", "1p:１:2", "1m:1", "1l:de", "1l", "2p:1:2", "0p:1:2", "page_2",
        "1x:1:2", "1p:zzzzzzzzzzzzz:1", "1p:" + "z" * 60, "\x00", "1p:1:2\n",
    ],
)  # fmt: skip
def test_foreign_and_old_texts_are_outdated(data: str) -> None:
    with pytest.raises(OutdatedButton):
        decode(data)


@pytest.mark.parametrize("number", [-1, 2**63])
def test_numbers_that_do_not_fit_are_not_written(number: int) -> None:
    with pytest.raises(ValueError, match="64-bit"):
        encode(MoreLike(number, 1))


def test_the_longest_button_fits() -> None:
    largest = 2**63 - 1
    place = Place(largest, largest)
    assert len(encode(ShowPage(place, place))) == 58
    assert len(encode(MoreLike(largest, largest, place))) == 58


def test_the_wire_format_does_not_change_by_accident() -> None:
    assert encode(ShowPage(Place(123456, 2))) == "1p:2n9c:2"
    assert encode(ShowPage(Place(123456, 0), Place(36, 1))) == "1p:2n9c:0:10:1"
    assert encode(MoreLike(35, 8)) == "1m:z:8"
    assert encode(MoreLike(35, 8, Place(7, 0))) == "1m:z:8:7:0"
    assert encode(ChooseLanguage("ru")) == "1l:ru"
