"""Buttons and captions of the dream. Pure: no Telegram calls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final, Literal, TypeAlias

from telegram import InlineKeyboardButton, InlineKeyboardMarkup

from app.bot.callbacks import Action, button, encode
from app.dream.changes import Change
from app.dream.dreamer import Dreamer
from app.dream.phrases import colour_name, value_name
from app.dream.sessions import Step, Trace
from app.i18n import Catalogue, Html
from app.sketch.design import MATERIALS, MOTIFS, SILHOUETTES

Topic: TypeAlias = Literal[
    "silhouette", "upper", "sole", "laces", "material", "logo", "height", "style"
]
Deed: TypeAlias = Literal["surprise", "undo", "done", "close", "steps", "menu", "new", "again"]

CAPTION: Final = 1000
_IN_ROW: Final = 3
_TRAIL: Final = 24
_PAINTS: Final = (
    "white", "black", "grey", "red", "burgundy", "orange", "yellow", "green", "olive", "teal",
    "sky", "blue", "navy", "purple", "pink", "brown", "sand", "cream",
)  # fmt: skip
_STYLES: Final = ("retro", "minimal", "basketball", "tennis", "sporty", "outdoor", "futuristic",
                  "elegant", "street")  # fmt: skip


@button("dm")
@dataclass(frozen=True)
class DreamTopic(Action):
    """Show the choices of a topic under the picture of a step."""

    session: int
    step: int
    topic: Topic


@button("ds")
@dataclass(frozen=True)
class DreamSet(Action):
    """Change one thing of a step."""

    session: int
    step: int
    kind: Literal["colour", "set", "more"]
    target: str
    value: str


@button("dd")
@dataclass(frozen=True)
class DreamDo(Action):
    """Surprise, undo, this is it, ... at a step."""

    session: int
    step: int
    deed: Deed


@button("dg")
@dataclass(frozen=True)
class DreamGo(Action):
    """Go back to a step."""

    session: int
    step: int


@button("dw")
@dataclass(frozen=True)
class DreamDraw(Action):
    """Draw with another generator: what failed last at this step, else the step itself.
    ``session`` 0: there is no dream yet."""

    session: int
    step: int
    generator: str


@button("dx")
@dataclass(frozen=True)
class DreamCancel(Action):
    """Stop drawing."""

    job: int


@button("df")
@dataclass(frozen=True)
class DreamFrom(Action):
    """Dream from a catalogue picture."""

    image_id: int


def key(text: str, action: Action) -> InlineKeyboardButton:
    """A button."""
    return InlineKeyboardButton(text, callback_data=encode(action))


def step_keyboard(words: Catalogue, step: Step, dreamer: Dreamer) -> InlineKeyboardMarkup:
    """What can be done at a step."""
    session, number = step.session_id, step.number
    topics = [
        key(words.text(f"dream.topic.{topic}"), DreamTopic(session, number, topic))
        for topic in Topic.__args__  # type: ignore[attr-defined]
    ]

    def do(deed: Deed) -> InlineKeyboardButton:
        return key(words.text(f"dream.button.{deed}"), DreamDo(session, number, deed))

    rows = [[do("done"), do("surprise")], *_rows(topics)]
    last = [do("undo"), do("steps")] if step.parent is not None else []
    rows.append([*last, do("close")])
    others = [name for name in dreamer.names if name != step.generator]
    rows += [
        [key(words.text("dream.button.draw", name=name), DreamDraw(session, number, name))]
        for name in others
    ]
    return InlineKeyboardMarkup(rows)


def topic_keyboard(words: Catalogue, session: int, step: int, topic: Topic) -> InlineKeyboardMarkup:
    """The choices of a topic and the way back to the other buttons."""
    choices = [
        key(label, DreamSet(session, step, change.kind, change.target, change.value))  # type: ignore[arg-type]
        for label, change in _choices(words, topic)
    ]
    back = key(words.text("dream.button.back"), DreamDo(session, step, "menu"))
    return InlineKeyboardMarkup([*_rows(choices), [back]])


def _choices(words: Catalogue, topic: Topic) -> list[tuple[str, Change]]:
    def paints(part: str) -> list[tuple[str, Change]]:
        return [(colour_name(c, words), Change("colour", part, c)) for c in _PAINTS]

    def values(field: str, names: Sequence[str]) -> list[tuple[str, Change]]:
        return [(value_name(field, name, words), Change("set", field, name)) for name in names]

    def more(target: str) -> list[tuple[str, Change]]:
        return [
            (words.text(f"dream.more.{target}.{way}"), Change("more", target, way))
            for way in ("more", "less")
        ]

    match topic:
        case "upper":
            return paints("upper")
        case "sole":
            return [*more("thickness"), *values("sole_style", ("gum", "air")), *paints("sole")]
        case "laces":
            return [*values("laces", ("none", "straps", "crossed")), *paints("laces")]
        case "height":
            return [*more("height"), *values("silhouette", ("low", "mid", "high"))]
        case "material":
            return values("material", MATERIALS)
        case "logo":
            return values("logo", MOTIFS)
        case "style":
            return values("style", _STYLES)
        case "silhouette":
            return [*values("silhouette", SILHOUETTES), *more("bulk")]


def steps_keyboard(words: Catalogue, step: Step, trail: Sequence[Trace]) -> InlineKeyboardMarkup:
    """Every step that led to this one."""
    rows = []
    for trace in trail[-20:]:
        asked = trace.asked or "…"
        label = f"{trace.number}. {asked if len(asked) <= _TRAIL else asked[: _TRAIL - 1] + '…'}"
        rows.append([key(label, DreamGo(step.session_id, trace.number))])
    back = key(words.text("dream.button.back"), DreamDo(step.session_id, step.number, "menu"))
    return InlineKeyboardMarkup([*rows, [back]])


def fault_keyboard(
    words: Catalogue, session: int, step: int, generator: str
) -> InlineKeyboardMarkup:
    """The ways on after a picture that was not made."""
    return InlineKeyboardMarkup(
        [
            [key(words.text("dream.button.sketch"), DreamDraw(session, step, "sketch"))],
            [key(words.text("dream.button.retry"), DreamDraw(session, step, generator))],
        ]
    )


def again_keyboard(words: Catalogue, step: Step) -> InlineKeyboardMarkup:
    """From the real ones back to the dream."""
    deed = DreamDo(step.session_id, step.number, "again")
    return InlineKeyboardMarkup([[key(words.text("dream.button.again"), deed)]])


def cancel_keyboard(words: Catalogue, job: int) -> InlineKeyboardMarkup:
    """The one button while something is drawn."""
    return InlineKeyboardMarkup([[key(words.text("dream.button.cancel"), DreamCancel(job))]])


def caption(words: Catalogue, step: Step, said: str) -> Html:
    """Below a picture: what was done, who drew it, the question."""
    said = said if len(said) <= CAPTION - 420 else said[: CAPTION - 421].rstrip() + "…"
    lines = [words.html("dream.step", number=step.number)]
    if said:
        lines[0] = Html(f"{lines[0]} {escape(said)}")
    by = "dream.by_sketch" if step.generator == "sketch" else "dream.by_generator"
    lines.append(Html(f"<i>{words.html(by, name=step.generator)}</i>"))
    lines.append(words.html("dream.question"))
    if step.number == 1:
        lines.append(words.html("dream.hint"))
    return Html("\n".join(lines))


def _rows(buttons: Sequence[InlineKeyboardButton]) -> list[list[InlineKeyboardButton]]:
    return [list(buttons[at : at + _IN_ROW]) for at in range(0, len(buttons), _IN_ROW)]
