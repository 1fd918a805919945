"""A sheet of picture pairs, side by side, for a person's eyes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw

_CELL = 200


def pairs_sheet(pairs: Sequence[tuple[Path, Path]], target: Path, columns: int = 3) -> None:
    """Write the pairs as one JPEG, numbered."""
    rows = -(-len(pairs) // columns)
    sheet = Image.new("RGB", (columns * (2 * _CELL + 20), max(1, rows) * (_CELL + 24)), "white")
    draw = ImageDraw.Draw(sheet)
    for number, pair in enumerate(pairs):
        left, top = number % columns * (2 * _CELL + 20), number // columns * (_CELL + 24)
        draw.text((left + 4, top + 4), str(number + 1), fill="black")
        for side, file in enumerate(pair):
            with Image.open(file) as opened:
                picture = opened.convert("RGB")
            picture.thumbnail((_CELL - 8, _CELL - 8))
            sheet.paste(picture, (left + side * _CELL + 4, top + 20))
    sheet.save(target, quality=85)
