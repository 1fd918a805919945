"""A tiny pipeline, saved, exported by the project's own command, and drawn with."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.dream.generators.base import GeneratorFault, Progress, Watch
from app.dream.generators.diffusion import Diffusion, Model
from app.dream.generators.queue import Turns
from app.dream.generators.sketch import Sketch
from app.settings import ROOT
from app.sketch.design import random_design
from tests.dream import tiny

DESIGN = random_design(1)
# Exporting and loading take minutes on a busy machine.
pytestmark = pytest.mark.timeout(900)


class Listener(Watch):
    """Remembers what it was told; stops after ``patience`` steps."""

    def __init__(self, user: str = "tg:1", patience: int = 99) -> None:
        self.user_key = user
        self.heard: list[Progress] = []
        self._patience = patience

    def progress(self, progress: Progress) -> None:
        self.heard.append(progress)

    def cancelled(self) -> bool:
        return sum(p.step > 0 for p in self.heard) >= self._patience


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model as `solemate dream export-model` leaves it."""
    tiny.need_group()
    return tiny.exported(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def diffusion(folder: Path) -> Iterator[Diffusion]:
    made = Diffusion(Model(folder, steps=3))
    yield made
    made.close()


def test_the_same_seed_gives_the_same_picture(diffusion: Diffusion) -> None:
    first = diffusion.generate(DESIGN, "a red shoe", 5)
    assert diffusion.generate(DESIGN, "a red shoe", 5) == first
    assert diffusion.generate(DESIGN, "a red shoe", 6) != first
    start = Sketch().generate(DESIGN, "", 1)
    edited = diffusion.edit(start, DESIGN, "a blue shoe", 5)
    assert diffusion.edit(start, DESIGN, "a blue shoe", 5) == edited != first


def test_steps_are_told(diffusion: Diffusion) -> None:
    listener = Listener()
    diffusion.generate(DESIGN, "a shoe", 1, listener)
    assert [p.step for p in listener.heard if p.step] == [1, 2, 3]


def test_a_cancelled_picture_stops_and_the_next_one_comes(diffusion: Diffusion) -> None:
    with pytest.raises(GeneratorFault) as caught:
        diffusion.generate(DESIGN, "a shoe", 1, Listener(patience=1))
    assert caught.value.code == "cancelled"
    assert diffusion.generate(DESIGN, "a red shoe", 5)


def test_a_dead_process_is_a_fault_and_the_next_picture_starts_another(
    diffusion: Diffusion,
) -> None:
    class Killer(Listener):
        def progress(self, progress: Progress) -> None:
            if progress.step == 1:
                assert diffusion._worker is not None
                diffusion._worker._process.kill()

    with pytest.raises(GeneratorFault) as caught:
        diffusion.generate(DESIGN, "a shoe", 1, Killer())
    assert caught.value.code == "worker"
    assert diffusion.generate(DESIGN, "a shoe", 1)


def test_the_time_limit(folder: Path) -> None:
    made = Diffusion(Model(folder, steps=900, time_limit_s=1.0))
    with pytest.raises(GeneratorFault) as caught:
        made.generate(DESIGN, "a shoe", 1)
    made.close()
    assert caught.value.code == "too_slow"


def test_a_folder_that_is_no_model(tmp_path: Path) -> None:
    tiny.need_group()
    (tmp_path / "model_index.json").write_text('{"_class_name": "StableDiffusionPipeline"}')
    made = Diffusion(Model(tmp_path))
    with pytest.raises(GeneratorFault) as caught:
        made.generate(DESIGN, "a shoe", 1)
    assert caught.value.code == "no_model"


def test_what_is_missing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(GeneratorFault) as caught:
        Diffusion(Model(tmp_path / "nowhere"), python="/usr/bin/python3").check()
    assert caught.value.code == "no_model"
    monkeypatch.setattr("app.dream.generators.diffusion.GROUP", ("no_such_package",))
    with pytest.raises(GeneratorFault) as caught:
        Diffusion(Model(tmp_path)).check()
    assert caught.value.code == "no_group"
    assert "pip install" in caught.value.detail


def test_serving_imports_none_of_the_group() -> None:
    told = subprocess.run(
        [sys.executable, "-c",
         "import sys; import app.dream.setup, app.dream.generators.diffusion;"
         "print([name for name in ('torch', 'diffusers', 'optimum') if name in sys.modules])"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert told.stdout.strip() == "[]"


# ---- the line


def test_users_take_turns() -> None:
    """Five wishes of one user do not stand before the first of another."""
    turns, ran, lock = Turns(waiting_per_user=5), [], threading.Lock()
    first_in, go = threading.Event(), threading.Event()

    def wish(user: str) -> None:
        with turns.turn(Listener(user)):
            first_in.set()
            go.wait(10)
            with lock:
                ran.append(user)

    threads = [threading.Thread(target=wish, args=("a",))]
    threads[0].start()
    assert first_in.wait(10)
    for user in ("a", "a", "a", "b", "c", "b"):
        threads.append(threading.Thread(target=wish, args=(user,)))
        threads[-1].start()
        time.sleep(0.05)
    go.set()
    for thread in threads:
        thread.join(10)
    assert ran == ["a", "b", "c", "a", "b", "a", "a"]


def test_the_place_in_line_is_told_and_a_full_line_refuses() -> None:
    turns = Turns(waiting=2, waiting_per_user=1)
    inside, out = threading.Event(), threading.Event()

    def hold() -> None:
        with turns.turn(Listener("a")):
            inside.set()
            out.wait(10)

    holder = threading.Thread(target=hold)
    holder.start()
    assert inside.wait(10)
    waiting = [Listener("b"), Listener("c")]
    threads = []
    for listener in waiting:
        thread = threading.Thread(target=_take, args=(turns, listener))
        thread.start()
        threads.append(thread)
        time.sleep(0.3)
    for user in ("b", "d"):  # one of b's waits already; and then the line is full
        with pytest.raises(GeneratorFault) as caught, turns.turn(Listener(user)):
            pass
        assert caught.value.code == "busy"
    out.set()
    for thread in (holder, *threads):
        thread.join(10)
    assert [p.place for p in waiting[0].heard] == [1]
    assert [p.place for p in waiting[1].heard][:2] == [2, 1]


def _take(turns: Turns, listener: Listener) -> None:
    with turns.turn(listener):
        time.sleep(0.3)
