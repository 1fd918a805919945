"""``solemate demo`` as ``make demo`` runs it: from nothing, and once more."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.db import embedded


@pytest.fixture
def home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="sm-", dir="/tmp", ignore_cleanup_errors=True) as made:
        folder = Path(made)
        folder.chmod(0o755)
        yield folder
        embedded.stop(folder)


def demo(home: Path, *arguments: object) -> str:
    environment = {**os.environ, "SOLEMATE_HOME": str(home), "LANG": "C.UTF-8"}
    for name in ("DATABASE_URL", "LC_ALL", "LC_MESSAGES"):
        environment.pop(name, None)
    done = subprocess.run(
        [sys.executable, "-c", "from app.cli import main; main()", "demo", *map(str, arguments)],
        env=environment, capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.timeout(900)
def test_demo_from_nothing_and_again(home: Path) -> None:
    first = demo(home)
    shops = re.findall(
        r"^(.+): ([\d,]+) new, (\d+) changed, (\d+) unchanged, (\d+) failed", first, re.MULTILINE
    )
    assert [name for name, *_ in shops] == ["Harbour Kicks", "Boxfresh Lane", "Corner Store"]
    assert sum(int(new) for _, new, *_ in shops) >= 300
    assert all(failed == "0" for *_, failed in shops)
    found = re.search(
        r"Of (\d+) such pictures the own product came first for (\d+) "
        r"and was on the first page for (\d+)",
        first,
    )
    assert found is not None
    asked, on_top, on_page = (int(number) for number in found.groups())
    # One drawn photograph more or less is chance; a third less would be a broken encoder.
    assert asked == 21
    assert on_top >= 8
    assert on_page >= 13
    sheet = re.search(r"Contact sheet: (.+)", first)
    assert sheet is not None
    assert Path(sheet[1]).stat().st_size > 50_000

    second = demo(home, "--language", "ru")
    assert len(re.findall(r"новых 0, изменилось 0, без изменений \d+, с ошибкой 0", second)) == 3
    assert "Первый результат" in second
