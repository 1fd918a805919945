"""``make bench``: every benchmark in turn, on the catalogue of the settings' database.

With BENCH_ARGS="--data DIR" the catalogue is first filled from DIR (labels.csv), which later runs
find done.
"""

from __future__ import annotations

import argparse
import subprocess
import sys

BENCHMARKS = (
    "embed_speed", "search_speed", "extraction_table", "refresh", "matching", "marketplace",
)  # fmt: skip


def main() -> None:
    """Runs all, or those named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*BENCHMARKS, []], default=[])
    parser.add_argument("--data", help="folder with labels.csv to fill the catalogue from")
    asked = parser.parse_args()
    if asked.data:
        command = [sys.executable, "-c", "from app.cli import main; main()", "etl"]
        subprocess.run([*command, "import", asked.data, "--labels", "labels.csv"], check=True)
        subprocess.run([*command, "embed"], check=True)
    for name in asked.names or BENCHMARKS:
        print(f"== {name}", flush=True)
        subprocess.run([sys.executable, "-m", f"tests.benchmarks.{name}"], check=True)


if __name__ == "__main__":
    main()
