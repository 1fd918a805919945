"""What the command says it understood."""

from __future__ import annotations

import pytest

from app.i18n import Language, catalogue
from app.present import understood
from app.words import read


@pytest.mark.parametrize(
    ("language", "query", "lines"),
    [
        ("en", "black nike under $100 qwzx",
         ["Understood: brand Nike; colour black; up to $100.", "By likeness alone: qwzx."]),
        ("ru", "замшевые 43 EU", ["Понято: материал замша; размер EU 43."]),
        ("en", "qwzx", ["By likeness alone: qwzx."]),
    ],
)  # fmt: skip
def test_lines(language: Language, query: str, lines: list[str]) -> None:
    assert understood(read(query), catalogue(language)) == lines
