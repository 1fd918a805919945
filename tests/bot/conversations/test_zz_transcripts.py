"""The approved transcripts and the scenarios are one set."""

from __future__ import annotations

import importlib
from pathlib import Path

from tests.bot.conversations.talk import APPROVED


def test_every_transcript_has_its_scenario() -> None:
    named = {
        name
        for path in Path(__file__).parent.glob("test_*.py")
        for item in vars(importlib.import_module(f"{__package__}.{path.stem}")).values()
        for name in getattr(item, "scenario", ())
    }
    assert {path.stem for path in APPROVED.glob("*.txt")} == named
