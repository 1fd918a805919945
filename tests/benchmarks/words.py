"""How many queries of the table are read right, and how long a reading takes.

python -m tests.benchmarks.words [--misses]
"""

from __future__ import annotations

import argparse
import statistics
import time

from app.words import read, vocabulary
from tests.words.table import cases, differences


def main() -> None:
    """Print shares and times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--misses", action="store_true", help="print what was read otherwise")
    asked = parser.parse_args()
    start = time.process_time()
    vocabulary()
    print(f"vocabulary: {1000 * (time.process_time() - start):.0f} ms of CPU, once")
    table = cases()
    took = []
    for held_out in (False, True):
        part = [case for case in table if case.held_out == held_out]
        wrong = []
        for case in part:
            start = time.process_time()
            reading = read(case.query)
            took.append(1000 * (time.process_time() - start))
            if found := differences(case, reading):
                wrong.append((case.query, found))
        name = "held out" if held_out else "seen"
        print(f"{name}: {len(part) - len(wrong)} of {len(part)} right")
        for query, found in wrong if asked.misses else ():
            print(f"    {query}: {found}")
    took.sort()
    print(
        f"a query: median {statistics.median(took):.2f} ms,"
        f" p95 {took[int(0.95 * len(took))]:.2f} ms,"
        f" longest {took[-1]:.2f} ms (n = {len(took)})"
    )


if __name__ == "__main__":
    main()
