"""The sketch: the same seed and design, the same bytes."""

from __future__ import annotations

import hashlib
import subprocess
import sys

from app.dream.generators.sketch import Sketch
from app.settings import ROOT
from app.sketch.design import random_design

_AGAIN = """
import hashlib
from app.dream.generators.sketch import Sketch
from app.sketch.design import random_design
for seed in range(3):
    print(hashlib.sha256(Sketch().generate(random_design(seed), "", seed)).hexdigest())
"""


def test_the_same_bytes_also_in_another_process() -> None:
    here = [
        hashlib.sha256(Sketch().generate(random_design(seed), "", seed)).hexdigest()
        for seed in range(3)
    ]
    told = subprocess.run(
        [sys.executable, "-c", _AGAIN], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert told.stdout.split() == here
    assert len(set(here)) == 3


def test_an_edit_shows_the_design_and_nothing_of_the_picture_before() -> None:
    made, design = Sketch(), random_design(4)
    other = made.generate(random_design(5), "", 5)
    assert made.edit(other, design, "", 9) == made.generate(design, "", 9)
    assert made.generate(design, "", 9) != made.generate(design.recolour(upper="lime"), "", 9)
