"""The results as Markdown tables and as drawings (SVG) of figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from onnx_models.metrics import Interval
from onnx_models.scorecard.bench import Result

COLOURS: Final = ("#4269d0", "#efb118", "#ff725c", "#6cc5b0", "#3ca951", "#ff8ab7", "#a463f2",
                  "#97bbf5", "#9c6b4e", "#9498a0")  # fmt: skip


def cell(interval: Interval | None) -> str:
    """``0.123 [0.100, 0.150]``, or a dash."""
    if interval is None:
        return "-"
    return f"{interval.value:.3f} [{interval.low:.3f}, {interval.high:.3f}]"


def table(results: Mapping[str, Result], revisions: Mapping[str, str]) -> str:
    """A row for each entrant, a column for each figure any has; n above, notes below."""
    columns = list(dict.fromkeys(key for result in results.values() for key in result.figures))
    counts = {key: n for result in results.values() for key, n in result.counts.items()}
    lines = ["n: " + ", ".join(f"{key.replace('_', ' ')} {n:,}" for key, n in counts.items()), ""]
    if columns:
        lines += ["| encoder | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
        for name, result in results.items():
            cells = [cell(result.figures.get(column)) for column in columns]
            lines.append(f"| {name} r{revisions[name]} | " + " | ".join(cells) + " |")
    notes: dict[str, list[str]] = {}
    for name, result in results.items():
        for note in result.notes:
            notes.setdefault(note, []).append(name)
    lines.append("")
    for note, names in notes.items():
        whose = "all" if len(names) == len(results) else ", ".join(names)
        lines.append(f"- {whose}: {note}")
    return "\n".join(lines).rstrip() + "\n"


def bars(
    path: Path, title: str, names: Sequence[str], series: Mapping[str, Sequence[Interval | None]]
) -> None:
    """Bars with intervals in 0..1: a group for each name, a colour for each series."""
    step, left, width = 15 * len(series) + 12, 190, 460
    height = 60 + step * len(names)
    out = [_open(left + width + 70, height, title)]
    for at, key in enumerate(series):
        x: float = left + at * 150
        out.append(f'<rect x="{x}" y="28" width="10" height="10" fill="{COLOURS[at]}"/>')
        out.append(f'<text x="{x + 14}" y="37">{key}</text>')
    for tick in range(6):
        x = left + width * tick / 5
        out.append(f'<line x1="{x}" x2="{x}" y1="45" y2="{height - 12}" stroke="#ddd"/>')
        out.append(f'<text x="{x}" y="{height - 1}" text-anchor="middle">{tick / 5:.1f}</text>')
    for row, name in enumerate(names):
        y = 50 + row * step
        out.append(f'<text x="{left - 6}" y="{y + step / 2 - 2}" text-anchor="end">{name}</text>')
        for at, values in enumerate(series.values()):
            value = values[row]
            if value is None:
                continue
            top = y + at * 15
            out.append(f'<rect x="{left}" y="{top}" width="{width * value.value:.1f}" height="12" '
                       f'fill="{COLOURS[at]}"/>')  # fmt: skip
            low, high = left + width * value.low, left + width * value.high
            out.append(f'<line x1="{low:.1f}" x2="{high:.1f}" y1="{top + 6}" y2="{top + 6}" '
                       'stroke="#333"/>')  # fmt: skip
            out.append(
                f'<text x="{max(high, low) + 4:.1f}" y="{top + 10}">{value.value:.2f}</text>'
            )
    path.write_text("\n".join([*out, "</svg>\n"]), encoding="utf-8")


def curves(path: Path, title: str, lines: Mapping[str, Sequence[Sequence[float]]]) -> None:
    """Reliability: points (said, was) in 0..1 beside the diagonal, a colour for each line."""
    side, left, top = 360, 50, 40
    out = [_open(left + side + 240, top + side + 45, title)]
    out.append(
        f'<rect x="{left}" y="{top}" width="{side}" height="{side}" fill="none" stroke="#999"/>'
    )
    out.append(f'<line x1="{left}" y1="{top + side}" x2="{left + side}" y2="{top}" stroke="#bbb"/>')
    for tick in range(6):
        at = side * tick / 5
        out.append(
            f'<text x="{left + at}" y="{top + side + 14}" text-anchor="middle">{tick / 5}</text>'
        )
        out.append(
            f'<text x="{left - 5}" y="{top + side - at + 4}" text-anchor="end">{tick / 5}</text>'
        )
    out.append(f'<text x="{left + side / 2}" y="{top + side + 32}" text-anchor="middle">'
               "probability said against share that is the same pair</text>")  # fmt: skip
    for at, (name, points) in enumerate(lines.items()):
        colour = COLOURS[at % len(COLOURS)]
        where = [(left + side * p[0], top + side * (1 - p[1])) for p in points]
        text = " ".join(f"{x:.1f},{y:.1f}" for x, y in where)
        out.append(f'<polyline points="{text}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        out += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in where]
        y = top + 10 + at * 15
        out.append(
            f'<rect x="{left + side + 12}" y="{y - 8}" width="9" height="9" fill="{colour}"/>'
        )
        out.append(f'<text x="{left + side + 26}" y="{y}">{name}</text>')
    path.write_text("\n".join([*out, "</svg>\n"]), encoding="utf-8")


def _open(width: float, height: float, title: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        'font-family="sans-serif" font-size="11"><rect width="100%" height="100%" fill="white"/>'
        f'<text x="8" y="16" font-size="13">{title}</text>'
    )
