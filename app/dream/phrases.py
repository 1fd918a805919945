"""What was understood, done and not done, in words. Pure; plain text, no markup."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.dream.apply import Outcome
from app.dream.changes import Change
from app.dream.dreamer import Heard
from app.i18n import Catalogue
from app.sketch.design import COLOUR_NAMES, COLOURS


def report(heard: Heard, words: Catalogue) -> str:
    """Lines on a request: what is done, what was so already, what cannot be and why, what was not
    understood. Every piece of the request is in one of them."""
    lines = []
    done = [out for out in heard.outcomes if out.state == "done"]
    already = [out for out in heard.outcomes if out.state == "already"]
    if done:
        lines.append(words.text("dream.done", what=_listed(done, words)))
    if already:
        lines.append(words.text("dream.already", what=_listed(already, words)))
    for out in heard.outcomes:
        if out.state == "impossible":
            why = words.text(f"dream.why.{out.reason}")
            lines.append(words.text("dream.impossible", what=named(out.change, words), why=why))
    notes = dict.fromkeys(note for out in heard.outcomes for note in out.also)
    lines += [words.text(f"dream.also.{note}") for note in notes]
    if heard.passed:
        lines.append(words.text("dream.passed", what=_quoted(heard.passed)))
    if heard.lost:
        lines.append(words.text("dream.lost", what=_quoted(heard.lost)))
    return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Difference:
    """Where a real shoe differs: of a part, colours; of the ``form``, silhouettes."""

    part: str
    real: str
    wanted: str


def differences(found: Sequence[Difference], words: Catalogue) -> str:
    """The differences in one line; empty where there is none."""
    said = []
    for one in found:
        if one.part == "form":
            real, wanted = (value_name("silhouette", v, words) for v in (one.real, one.wanted))
            said.append(words.text("dream.difference_form", real=real, wanted=wanted))
        else:
            part = part_name(one.part, words)
            real, wanted = colour_name(one.real, words), colour_name(one.wanted, words)
            said.append(words.text("dream.difference", part=part, real=real, wanted=wanted))
    return "; ".join(said)


def _listed(outcomes: Sequence[Outcome], words: Catalogue) -> str:
    return "; ".join(dict.fromkeys(named(out.change, words) for out in outcomes))


def _quoted(pieces: Sequence[str]) -> str:
    return ", ".join(f"«{piece}»" for piece in pieces)


def named(change: Change, words: Catalogue) -> str:
    """One change: «подошва — белый», "sole: white"."""
    target, value = change.target, change.value
    match change.kind:
        case "colour":
            return _pair(part_name(target, words), colour_name(value, words), words)
        case "match":
            same = words.text("dream.same_as", part=part_name(value, words))
            return _pair(part_name(target, words), same, words)
        case "shade":
            return _pair(part_name(target, words), words.text(f"dream.shade.{value}"), words)
        case "recolour":
            old, new = colour_name(target, words), colour_name(value, words)
            return words.text("dream.recolour", old=old, new=new)
        case "without":
            return words.text("dream.without", colour=colour_name(target, words))
        case "swap":
            name = colour_name if target in COLOURS else part_name
            return words.text("dream.swap", a=name(target, words), b=name(value, words))
        case "more":
            return words.text(f"dream.more.{target}.{value}")
        case "text":
            return words.text("dream.text", text=value) if value else words.text("dream.no_text")
        case "set":
            return _pair(
                words.text(f"dream.field.{target}"), value_name(target, value, words), words
            )
    return words.text(f"dream.button.{target}")


def _pair(name: str, value: str, words: Catalogue) -> str:
    return words.text("dream.pair", name=name, value=value)


def part_name(part: str, words: Catalogue) -> str:
    """A part of the shoe: «подошва», "sole"."""
    return words.text(f"dream.part.{part}")


def colour_name(colour: str, words: Catalogue) -> str:
    """A colour of the sketch's palette: «белый», "white"."""
    english, russian = COLOUR_NAMES[colour]
    return russian if words.language == "ru" else english.lower()


def value_name(field: str, value: str, words: Catalogue) -> str:
    """What a field was set to; names of models are the same in every language."""
    if field == "model":
        return value
    return words.text(f"dream.value.{field}.{value}")
