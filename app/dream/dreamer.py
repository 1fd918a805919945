"""The dream as a whole: begin, change, surprise, go back, and what each step says."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from app.dream.apply import Outcome, apply, surprise
from app.dream.changes import Change, Reading
from app.dream.generators.base import QUIET, Generator, GeneratorFault, Watch
from app.dream.prompt import change_prompt, prompt
from app.dream.read import read
from app.dream.sessions import Dreams, Step
from app.errors import BadInput
from app.sketch.design import Design, random_design

LOG = logging.getLogger(__name__)

MOST_WORDS: Final = 12
"""Pieces of free text a dream keeps; older ones give way."""
_SEEDS: Final = 2**31
LONGEST_REQUEST: Final = 600


@dataclass(frozen=True, slots=True)
class Heard:
    """A request before anything is drawn: its reading, the design it leads to, what became of each
    change, and the words that go on to a generator that takes words (``passed``) or nowhere
    (``lost``)."""

    reading: Reading
    design: Design
    outcomes: tuple[Outcome, ...]
    extra: tuple[str, ...]
    passed: tuple[str, ...]
    lost: tuple[str, ...]

    @property
    def changes_anything(self) -> bool:
        """Whether another picture would be another picture."""
        return bool(self.passed) or any(out.state == "done" for out in self.outcomes)

    def drawn_by(self, takes_words: bool) -> Heard:
        """The same, where another generator than was asked has drawn it."""
        left = self.reading.unknown
        return replace(self, passed=left if takes_words else (), lost=() if takes_words else left)


class Dreamer:
    """All that flows ask for. Calls block; pictures take as long as their generator does."""

    def __init__(self, dreams: Dreams, generators: Mapping[str, Generator], default: str) -> None:
        """``default`` names the generator that is used where a call names none.

        Raises:
            BadInput: it is none of the generators.
        """
        if default not in generators:
            raise BadInput(
                f"no generator {default!r}: SOLEMATE_DREAM_GENERATOR is one of"
                f" {', '.join(generators)}"
            )
        self.dreams = dreams
        self.default = default
        self._generators = generators

    @property
    def names(self) -> tuple[str, ...]:
        """The generators there are."""
        return tuple(self._generators)

    def takes_words(self, generator: str) -> bool:
        """Whether words that no design field holds reach that generator's pictures."""
        return self._generators[generator].takes_words

    def maker_of(self, step: Step | None) -> str:
        """Who draws next: whoever drew the step, so that a chosen way on stays chosen."""
        if step is not None and step.generator in self._generators:
            return step.generator
        return self.default

    def begin(
        self,
        user_key: str,
        *,
        seed: int | None = None,
        design: Design | None = None,
        asked: str | None = None,
        generator: str | None = None,
        watch: Watch = QUIET,
    ) -> Step:
        """A new dream from a design, a random one where none is given.

        Raises:
            GeneratorFault: no picture was made; nothing has changed.
            DatabaseUnavailable: the database cannot be reached now.
        """
        seed = secrets.randbelow(_SEEDS) if seed is None else seed
        start = design or random_design(seed)
        name = generator or self.default
        words = prompt(start)
        picture = self._draw(name, lambda made: made.generate(start, words, seed, watch))
        return self.dreams.begin(user_key, start, words, seed, name, picture, asked=asked)

    def hear(self, step: Step, request: str, generator: str | None = None) -> Heard:
        """What a request means for a step; draws nothing.

        Raises:
            BadInput: it is far too long.
        """
        if len(request) > LONGEST_REQUEST:
            raise BadInput(f"a change of at most {LONGEST_REQUEST} characters, please")
        return self.weigh(step, read(request), generator)

    def weigh(self, step: Step, reading: Reading, generator: str | None = None) -> Heard:
        """The same for changes that are known already: a button's."""
        design, outcomes = apply(step.design, reading.edits, step.seed)
        words = self.takes_words(generator or self.maker_of(step))
        fresh = tuple(piece for piece in reading.unknown if piece not in step.extra)
        return Heard(
            reading=reading,
            design=design,
            outcomes=tuple(outcomes),
            extra=(*step.extra, *fresh)[-MOST_WORDS:],
            passed=reading.unknown if words else (),
            lost=() if words else reading.unknown,
        )

    def change(
        self,
        step: Step,
        heard: Heard,
        asked: str,
        *,
        generator: str | None = None,
        watch: Watch = QUIET,
    ) -> Step:
        """Draws what was heard, as the next step; as :meth:`begin`."""
        name = generator or self.maker_of(step)
        maker = self._generators[name]
        extra = heard.extra if maker.takes_words else step.extra
        words = prompt(heard.design, extra)
        if maker.takes_words:
            wish = change_prompt(heard.design, asked, extra)
            picture = self._draw(
                name,
                lambda made: made.edit(step.picture, heard.design, wish, step.seed, watch),
            )
        else:
            picture = self._draw(
                name, lambda made: made.edit(step.picture, heard.design, words, step.seed, watch)
            )
        # What the sketch could not do stays known: a generator that takes words may do it later.
        return self._keep(step, heard.design, heard.extra, words, step.seed, name, picture, asked)

    def surprise(self, step: Step, *, generator: str | None = None, watch: Watch = QUIET) -> Step:
        """Another shoe that keeps something of this one; as :meth:`begin`."""
        seed = secrets.randbelow(_SEEDS)
        name = generator or self.maker_of(step)
        design = surprise(step.design, seed)
        words = prompt(design)
        picture = self._draw(name, lambda made: made.generate(design, words, seed, watch))
        return self._keep(step, design, (), words, seed, name, picture, None)

    def redraw(self, step: Step, generator: str, watch: Watch = QUIET) -> Step:
        """The same design by another generator: the way on after a fault."""
        words = prompt(step.design, step.extra)
        picture = self._draw(
            generator, lambda made: made.generate(step.design, words, step.seed, watch)
        )
        return self._keep(step, step.design, step.extra, words, step.seed, generator, picture, None)

    def undo(self, user_key: str, step: Step) -> Step | None:
        """Back to the step this one was changed from; None at the first."""
        if step.parent is None:
            return None
        return self.dreams.go(user_key, step.session_id, step.parent)

    def close(self) -> None:
        """Ends what runs for the generators."""
        for generator in self._generators.values():
            generator.close()

    def _draw(self, name: str, ask: Callable[[Generator], bytes]) -> bytes:
        try:
            return ask(self._generators[name])
        except GeneratorFault as fault:
            if fault.code != "cancelled":
                LOG.warning("%s made no picture: %s: %s", name, fault.code, fault.detail)
            raise

    def _keep(
        self,
        before: Step,
        design: Design,
        extra: tuple[str, ...],
        words: str,
        seed: int,
        generator: str,
        picture: bytes,
        asked: str | None,
    ) -> Step:
        step = replace(
            before, parent=before.number, asked=asked, design=design, extra=extra, prompt=words,
            seed=seed, generator=generator, picture=picture,
        )  # fmt: skip
        return self.dreams.add(step)


def reading_of(*changes: Change) -> Reading:
    """A reading of changes that were not said but pressed."""
    return Reading(tuple(changes))
