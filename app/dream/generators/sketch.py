"""The project's own renderer: draws the structured design exactly, at once, anywhere."""

from __future__ import annotations

from typing import Final

from app.dream.generators.base import QUIET, Watch, png
from app.sketch.design import Design
from app.sketch.render import render

SIZE: Final = (640, 480)
# Several pictures of a model share its form and grain; the seed is the texture's.
_SEEDS: Final = 2**31


class Sketch:
    """A parametric drawing, and called one: no photograph, nothing that is not in the design."""

    name = "sketch"
    takes_words = False

    def generate(self, design: Design, prompt: str, seed: int, watch: Watch = QUIET) -> bytes:
        """The design from its side; the same design and seed give the same bytes."""
        del prompt, watch
        return png(render(design, "side", SIZE, seed=seed % _SEEDS))

    def edit(
        self, image: bytes, design: Design, prompt: str, seed: int, watch: Watch = QUIET
    ) -> bytes:
        """The design drawn anew: the picture before it holds nothing the design does not."""
        del image
        return self.generate(design, prompt, seed, watch)

    def close(self) -> None:
        """Nothing runs."""
