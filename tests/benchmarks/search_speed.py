"""Search at catalogue size: milliseconds of each part, recall of the index against exact.

    python -m tests.benchmarks.search_speed [--queries 200] [--clean]

Runs on the database the settings name (fill it first: etl import, etl embed). Queries are pictures
of the catalogue, put in a new light by the evaluation's camera simulation, so that they are near
but not in it; with --clean as they are, so that they ask twice, of which the index knows nothing.
"""

from __future__ import annotations

import argparse
import random
import statistics
import subprocess
import sys
import tempfile
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

from app.db.pool import open_database
from app.domain import Filters
from app.i18n import catalogue
from app.present import write_contact_sheet
from app.search import Searcher, open_searcher
from app.search.ask import Method
from app.settings import Settings, get_settings
from app.vision.image import decode
from onnx_models.reshoot import reshoot

FILTERS = {
    "no filter": Filters(),
    "one brand (Nike)": Filters(brands=("Nike",)),
    "price 50-120 USD": Filters(price_min=Decimal(50), price_max=Decimal(120), currency="USD"),
    "rare brand (Converse)": Filters(brands=("Converse",)),
    "not Nike": Filters(brands_out=("Nike",)),
}


def query_files(settings: Settings, n: int, folder: Path, *, clean: bool) -> list[Path]:
    """n catalogue pictures as JPEG files, re-shot unless ``clean``."""
    stored = sorted(settings.images_dir.glob("??/*"))
    if not stored:
        sys.exit("the catalogue is empty: solemate etl import, then solemate etl embed")
    files = []
    for number, path in enumerate(random.Random(0).sample(stored, min(n, len(stored)))):
        opened = decode(
            path, max_bytes=settings.max_image_bytes, max_pixels=settings.max_image_pixels
        )
        made = folder / f"{number}.jpg"
        shown = opened.image if clean else reshoot(opened.image, opened.sha256, 0)
        shown.save(made, quality=88)
        files.append(made)
    return files


def timings(searcher: Searcher, files: list[Path]) -> None:
    """Warm searches, as inside the bot, for each filter."""
    words = catalogue("en")
    print(f"\nwarm search, ms: median (p95), n = {len(files)}")
    print(f"{'filter':24}{'decode':>14}{'encode':>14}{'SQL':>14}{'render':>14}  method")
    for path in files[:10]:
        searcher.by_photo([path])
    with tempfile.TemporaryDirectory() as folder:
        for name, filters in FILTERS.items():
            parts: dict[str, list[float]] = {"decode": [], "encode": [], "sql": [], "render": []}
            methods = set()
            for path in files:
                result = searcher.by_photo([path], filters)
                parts["decode"].append(result.timings.decode)
                parts["encode"].append(result.timings.encode)
                parts["sql"].append(result.timings.sql)
                methods.add(result.method)
                start = time.perf_counter()
                write_contact_sheet(Path(folder) / "sheet.html", result, [path], words)
                parts["render"].append((time.perf_counter() - start) * 1000)
            cells = "".join(
                f"{statistics.median(v):8.1f}({sorted(v)[int(0.95 * len(v))]:4.0f})"
                for v in parts.values()
            )
            print(f"{name:24}{cells}  {'/'.join(sorted(methods))}")


def recall(searcher: Searcher, settings: Settings, files: list[Path]) -> None:
    """Share of the exact first ten products that users get, as searched and by HNSW alone."""
    print(f"\nrecall@10 against the exact scan, n = {len(files)} queries")
    print(f"{'filter':24}{'as searched':>14}{'HNSW alone':>14}")
    limits = {"max_bytes": settings.max_image_bytes, "max_pixels": settings.max_image_pixels}
    asked = [searcher._look([decode(path, **limits).image])[:2] for path in files]
    for name, filters in FILTERS.items():
        found = {"searched": 0, "hnsw": 0}
        total = 0
        for vector, elsewhere in asked:

            def first(
                method: Method | None, asks: tuple[Any, Any] = (vector, elsewhere),
                filters: Filters = filters,
            ) -> set[int]:  # fmt: skip
                return {row[0] for row in searcher.nearest(asks[0], filters, 10, method, asks[1])}

            truth = first("exact")
            total += len(truth)
            found["searched"] += len(truth & first(None))
            found["hnsw"] += len(truth & first("hnsw"))
        if total:
            print(f"{name:24}{found['searched'] / total:14.4f}{found['hnsw'] / total:14.4f}")
        else:
            print(f"{name:24}  nothing in the catalogue passes")


def whole_command(files: list[Path]) -> None:
    """Wall time of ``solemate search --photo`` from start to end, the server already running."""
    walls = []
    for path in files[:7]:
        start = time.perf_counter()
        subprocess.run(
            [sys.executable, "-c", "from app.cli import main; main()", "search", "--photo", path],
            check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        walls.append(time.perf_counter() - start)
    print(
        f"\nthe whole command: median {statistics.median(walls):.2f} s,"
        f" best {min(walls):.2f} s, n = {len(walls)}"
    )


def main() -> None:
    """Prints the three tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--clean", action="store_true")
    given = parser.parse_args()
    settings = get_settings()
    with tempfile.TemporaryDirectory() as folder, open_database(settings) as db:
        searcher = open_searcher(settings, db)
        files = query_files(settings, given.queries, Path(folder), clean=given.clean)
        with db.connection() as conn:
            conn.execute("ANALYZE")
            row = conn.execute("SELECT count(*) FROM embedding").fetchone()
        print(f"{row[0] if row else 0} embeddings; {searcher.encoder_row.name}")
        timings(searcher, files)
        recall(searcher, settings, files)
        whole_command(files)


if __name__ == "__main__":
    main()
