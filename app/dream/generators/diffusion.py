"""An existing diffusion model, exported to ONNX, on this machine's CPU.

It runs in a process of its own (``onnx_models.diffusion.worker``), one picture at a time, users in
turn: the bot imports none of its libraries, and a search never waits for a picture.
"""

from __future__ import annotations

import base64
import contextlib
import importlib.util
import itertools
import json
import logging
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from app.dream.generators.base import QUIET, GeneratorFault, Progress, Watch, as_png
from app.dream.generators.queue import Turns
from app.settings import ROOT
from app.sketch.design import Design

LOG = logging.getLogger(__name__)

WORKER: Final = "onnx_models.diffusion.worker"
GROUP: Final = ("optimum", "diffusers", "transformers", "torch")
_LOOK_S: Final = 0.1
_PATIENCE_S: Final = 5.0
"""How long a cancelled or late job may take to end by itself before its process is killed."""


@dataclass(frozen=True, slots=True)
class Model:
    """A folder that ``solemate dream export-model`` made, and how to run it.

    ``steps``, ``guidance``: of few-step models such as SD-Turbo (1 to 4, 0) or LCM (4 to 8, 1).
    ``strength``: how much an edit may change, 0 to 1. ``size``: side in pixels, 0 the model's own.
    Times in seconds.
    """

    folder: Path | None
    steps: int = 4
    guidance: float = 0.0
    strength: float = 0.6
    size: int = 0
    threads: int = 0
    time_limit_s: float = 300.0
    start_limit_s: float = 240.0
    idle_s: float = 600.0


class Diffusion:
    """Text-to-image and image-to-image. The same seed gives the same picture on one machine."""

    name = "diffusion"
    takes_words = True

    def __init__(self, model: Model, python: str = sys.executable) -> None:
        """Opens nothing: the first picture starts the process."""
        self._model = model
        self._python = python
        self.turns = Turns()
        self._worker: _Worker | None = None
        self._guard = threading.Lock()
        self._jobs = itertools.count(1)
        self._closed = False

    def generate(self, design: Design, prompt: str, seed: int, watch: Watch = QUIET) -> bytes:
        """A picture of the prompt."""
        del design
        return self._run({"prompt": prompt, "seed": seed}, watch)

    def edit(
        self, image: bytes, design: Design, prompt: str, seed: int, watch: Watch = QUIET
    ) -> bytes:
        """The picture drawn over, ``strength`` of it, by the prompt."""
        del design
        packed = base64.b64encode(as_png(image)).decode()
        wish = {"prompt": prompt, "seed": seed, "image": packed, "strength": self._model.strength}
        return self._run(wish, watch)

    def check(self) -> None:
        """Whether it can run at all, without starting anything.

        Raises:
            GeneratorFault: ``no_group`` or ``no_model``; the detail says what to do.
        """
        missing = [name for name in GROUP if not self._installed(name)]
        if missing:
            raise GeneratorFault(
                "no_group", f"{', '.join(missing)} missing: pip install 'solemate[export]'"
            )
        folder = self._model.folder
        if folder is None:
            raise GeneratorFault(
                "no_model",
                "no model: `solemate dream export-model HUB_OR_FOLDER OUT`, then"
                " SOLEMATE_DIFFUSION_MODEL=OUT",
            )
        if not (folder / "model_index.json").is_file():
            raise GeneratorFault("no_model", f"{folder} holds no exported diffusion model")

    def _installed(self, name: str) -> bool:
        return self._python != sys.executable or importlib.util.find_spec(name) is not None

    def close(self) -> None:
        """Ends the process."""
        with self._guard:
            self._closed = True
            worker, self._worker = self._worker, None
        if worker is not None:
            worker.kill()

    def _run(self, wish: dict[str, Any], watch: Watch) -> bytes:
        self.check()
        with self.turns.turn(watch):
            job = {
                **wish,
                "job": next(self._jobs),
                "steps": self._model.steps,
                "guidance": self._model.guidance,
                "size": self._model.size,
                "seed": int(wish["seed"]) % 2**32,
            }
            watch.progress(Progress(step=0, steps=self._model.steps))
            for attempt in (1, 2):
                worker = self._started(watch)
                try:
                    return as_png(worker.draw(job, watch, self._model.time_limit_s))
                except _Gone as gone:
                    # It may have gone to rest just as the job came; dying twice is no accident.
                    self._drop(worker)
                    if attempt == 2 or gone.began:
                        raise GeneratorFault("worker", gone.detail) from gone
                except GeneratorFault as fault:
                    if not worker.alive or fault.code == "too_slow":
                        self._drop(worker)
                    raise
        raise AssertionError("unreachable")

    def _started(self, watch: Watch) -> _Worker:
        with self._guard:
            if self._closed:
                raise GeneratorFault("cancelled", "the generator is closed")
            if self._worker is not None and self._worker.alive:
                return self._worker
            assert self._model.folder is not None
            threads = self._model.threads or max(1, (os.cpu_count() or 2) // 2)
            self._worker = _Worker(
                [self._python, "-m", WORKER, str(self._model.folder), "--threads", str(threads),
                 "--idle", str(self._model.idle_s)]
            )  # fmt: skip
            worker = self._worker
        try:
            worker.await_ready(watch, self._model.start_limit_s)
        except BaseException:
            self._drop(worker)
            raise
        return worker

    def _drop(self, worker: _Worker) -> None:
        worker.kill()
        with self._guard:
            if self._worker is worker:
                self._worker = None


class _Gone(Exception):
    """The process ended; ``began``: while it was at work on the job."""

    def __init__(self, detail: str, began: bool) -> None:
        super().__init__(detail)
        self.detail = detail
        self.began = began


class _Worker:
    """The process and the thread that reads its lines."""

    def __init__(self, command: list[str]) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own module, arguments from settings
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            cwd=ROOT, text=True, encoding="utf-8",
            env={**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        self._lines: queue.Queue[dict[str, Any] | None] = queue.Queue()
        threading.Thread(target=self._read, name="diffusion-lines", daemon=True).start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with contextlib.suppress(ValueError, OSError):  # closed under us: the process was killed
            for line in self._process.stdout:
                self._lines.put(json.loads(line))
        self._lines.put(None)

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    def await_ready(self, watch: Watch, limit_s: float) -> None:
        """Until the model is loaded; raises GeneratorFault."""
        message = self._await(watch, time.monotonic() + limit_s, lambda _: True)
        if message is None:
            raise GeneratorFault("worker", f"ended while loading, code {self._process.poll()}")
        if "fault" in message:
            raise GeneratorFault(message["fault"], message.get("detail", ""))

    def draw(self, job: dict[str, Any], watch: Watch, limit_s: float) -> bytes:
        """One picture; raises GeneratorFault, or _Gone when the process ended."""
        number = job["job"]
        try:
            self._say(job)
        except OSError as error:
            raise _Gone("the process had ended", began=False) from error
        deadline = time.monotonic() + limit_s
        began = False
        while True:
            try:
                line = self._await(watch, deadline, lambda found: found.get("job") == number)
            except GeneratorFault:
                self._stop(number)
                raise
            if line is None:
                raise _Gone(f"the process ended, code {self._process.poll()}", began)
            began = True
            if "picture" in line:
                return base64.b64decode(line["picture"])
            if "fault" in line:
                raise GeneratorFault(line["fault"], line.get("detail", ""))
            watch.progress(Progress(step=line["step"], steps=line["steps"]))

    def _await(
        self, watch: Watch, deadline: float, wanted: Callable[[dict[str, Any]], bool]
    ) -> dict[str, Any] | None:
        while True:
            if watch.cancelled():
                raise GeneratorFault("cancelled")
            if time.monotonic() > deadline:
                raise GeneratorFault("too_slow", "the time limit has passed")
            try:
                line = self._lines.get(timeout=_LOOK_S)
            except queue.Empty:
                continue
            if line is None or wanted(line):
                return line

    def _stop(self, number: int) -> None:
        """Asks the process to leave the job; kills it when it does not."""
        until = time.monotonic() + _PATIENCE_S
        with contextlib.suppress(OSError):
            self._say({"cancel": number})
            while time.monotonic() < until:
                try:
                    line = self._lines.get(timeout=_LOOK_S)
                except queue.Empty:
                    continue
                if line is None:
                    return
                if line.get("job") == number and ("fault" in line or "picture" in line):
                    return
        self.kill()

    def _say(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()

    def kill(self) -> None:
        """Ends the process, whatever it does."""
        if self.alive:
            self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
