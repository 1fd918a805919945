"""How fast an encoder runs: bare onnxruntime by batch size and threads, and with preprocessing."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from app.errors import EncoderError
from app.settings import Settings, get_settings
from app.vision.encoder import Encoder
from app.vision.registry import open_encoder
from app.vision.session import available_cores

BATCHES: Final = (1, 8, 16, 32, 64)


@dataclass(frozen=True)
class Speed:
    """Median over ``n`` timed runs (after warm-up), milliseconds per run and images per second."""

    threads: int
    batch: int
    n: int
    median_ms: float
    images_per_s: float


def bench(
    encoder: str | Path,
    *,
    threads: Sequence[int] = (1, 2),
    batches: Sequence[int] = BATCHES,
    seconds: float = 2.0,
    settings: Settings | None = None,
) -> list[Speed]:
    """Bare onnxruntime on ready-made input, each combination for about ``seconds``.

    Raises:
        EncoderError: not an ONNX encoder, or unusable.
    """
    results = []
    for count in threads:
        opened = _onnx(encoder, settings or get_settings(), count)
        spec = opened.manifest.input
        one = opened.preprocess(_noise(spec.height, spec.width))
        for size in batches:
            pixels = np.repeat(one[None], size, axis=0)
            wanted = [opened.manifest.output.name]
            times = _time(partial(opened.session.run, wanted, {spec.name: pixels}), seconds)
            median = statistics.median(times)
            results.append(Speed(count, size, len(times), median * 1e3, size / median))
    return results


def main_bench(
    encoder: str | Path,
    *,
    threads: Sequence[int] = (1, 2),
    batches: Sequence[int] = BATCHES,
    seconds: float = 2.0,
) -> list[Speed]:
    """Bench, print a table and what :meth:`Encoder.encode` reaches on decoded pictures; the body of
    ``solemate models bench``.

    Raises:
        EncoderError: not an ONNX encoder, or unusable.
    """
    settings = get_settings()
    speeds = bench(encoder, threads=threads, batches=batches, seconds=seconds, settings=settings)
    print(f"{encoder}: bare onnxruntime on {available_cores()} cores, medians of n runs\n")
    print("| threads | batch | n | ms per run | images/s |\n|---|---|---|---|---|")
    for speed in speeds:
        print(
            f"| {speed.threads} | {speed.batch} | {speed.n} | {speed.median_ms:.2f} "
            f"| {speed.images_per_s:.1f} |"
        )
    for count in threads:
        opened = _onnx(encoder, settings, count)
        pictures = [_noise(480, 640)] * 32
        median = statistics.median(_time(partial(opened.encode, pictures), seconds))
        print(
            f"\nencode(), 640 x 480 pictures in memory, resize included, {count} thread(s), "
            f"folds of {opened.fold}: {len(pictures) / median:.1f} images/s"
        )
    return speeds


def _onnx(encoder: str | Path, settings: Settings, threads: int) -> Encoder:
    opened = open_encoder(encoder, settings.model_copy(update={"encoder_threads": threads}))
    if not isinstance(opened, Encoder):
        raise EncoderError(f"{encoder} is no ONNX model; there is no session to time")
    return opened


def _noise(height: int, width: int) -> Image.Image:
    rng = np.random.default_rng(0)
    return Image.fromarray(rng.integers(0, 255, (height, width, 3), np.uint8))


def _time(run: Callable[[], object], seconds: float) -> list[float]:
    """Durations in seconds of repeated runs, at least 3, after one untimed."""
    run()
    times: list[float] = []
    end = time.perf_counter() + seconds
    while len(times) < 3 or time.perf_counter() < end:
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return times
