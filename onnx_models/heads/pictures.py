"""What the frozen encoder says of the training pictures, kept on disk.

Per encoder (its file's digest) and seed one folder: ``clean`` and ``shotK`` hold the vectors and
features of every labelled photograph, as the shop shows it and re-shot by the training camera;
``strange`` and ``heldout`` those of pictures without a shoe.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

import cv2
import numpy as np
from PIL import Image

from onnx_models.augment import Camera, backdrop_pool
from onnx_models.dataset import CACHE_SIZE, F32, I64, U8, Cache, Row
from onnx_models.heads.frozen import Frozen
from onnx_models.heads.strange import DRAWN, HELD_OUT, corner, shuffled

BATCH: Final = 32
SEED: Final = 20
BACKDROPS: Final = 3000
STRANGE: Final = 4000
STRANGE_HELD_OUT: Final = 1000
STRENGTHS: Final = (0.8,)
"""Of the training camera, by copy."""


class Seen(NamedTuple):
    """Vectors (n, dim) that ask and that are kept, and features (n, F), of n pictures, float32."""

    asking: F32
    kept: F32
    features: F32

    @classmethod
    def of(cls, blocks: Iterable[Sequence[F32]]) -> Seen:
        """Of blocks of pictures one after the other, each (asking, kept, features)."""
        return cls(*map(np.concatenate, zip(*blocks, strict=True)))


@dataclass(frozen=True)
class Pictures:
    """Everything the heads learn from; ``shots`` run parallel to ``clean`` (a row a photograph)."""

    clean: Seen
    shots: tuple[Seen, ...]
    strange: Seen
    heldout: Seen


def _fitted(picture: U8, size: int) -> U8:
    """A cached picture as serving would feed it; exact where the cache has the encoder's size."""
    if size == CACHE_SIZE:
        return np.ascontiguousarray(picture[..., :3])
    image = Image.fromarray(np.ascontiguousarray(picture[..., :3]))
    return np.asarray(image.resize((size, size), Image.Resampling.BILINEAR))


def _run(encoder: Frozen, pictures: Iterator[U8]) -> Seen:
    blocks: list[tuple[F32, F32, F32]] = []
    batch: list[U8] = []

    def flush() -> None:
        blocks.append(encoder.run(np.stack(batch)))
        batch.clear()

    for picture in pictures:
        batch.append(picture)
        if len(batch) == BATCH:
            flush()
    if batch:
        flush()
    return Seen.of(blocks)


def remembered(path: Path, make: Callable[[], Seen], say: Callable[[str], None]) -> Seen:
    """What ``make`` gives, kept at ``path`` in half precision; read from there the next time."""
    if not path.exists():
        made = make()
        part = path.with_suffix(".part")
        with part.open("wb") as handle:
            np.savez(handle, **{n: x.astype(np.float16) for n, x in made._asdict().items()})
        part.replace(path)
        say(f"{path.name}: {len(made.asking)} pictures encoded")
    with np.load(path) as stored:
        return Seen(*(stored[name].astype(np.float32) for name in Seen._fields))


def look(
    encoder: Frozen,
    rows: list[Row],
    cache: Cache,
    folder: Path,
    shots: int = len(STRENGTHS),
    say: Callable[[str], None] = print,
) -> Pictures:
    """Encode all pictures, or read what an earlier call left under ``folder``.

    About a millisecond a picture for the camera and the encoder's own time for each of
    ``(1 + shots) * len(rows) + 7,500`` pictures; an interrupted call goes on with the next block.
    """
    cv2.setNumThreads(1)
    size = encoder.size
    home = folder / f"{encoder.name}-{encoder.sha256[:12]}"
    home.mkdir(parents=True, exist_ok=True)
    rgba = cache.rgba
    wild = np.array([i for i, row in enumerate(rows) if row.setting == "wild"])
    shoes = np.array([i for i, row in enumerate(rows) if row.split != "test"])
    others = np.setdiff1d(shoes, wild)
    backdrops: list[U8] = []

    def camera(seed: int, strength: float) -> Camera:
        if not backdrops:
            backdrops.append(backdrop_pool(rgba, wild, others, BACKDROPS, SEED))
        return Camera(backdrops[0], size, np.random.default_rng((SEED, seed)), strength)

    def clean() -> Seen:
        return _run(encoder, (_fitted(picture, size) for picture in rgba))

    def shot(copy: int) -> Seen:
        shooting = camera(copy, STRENGTHS[copy % len(STRENGTHS)])
        views = (
            shooting.reshoot(rgba[i], cache.boxes[i], bool(cache.masked[i]))[0]
            for i in range(len(rows))
        )
        return _run(encoder, views)

    def strange() -> Seen:
        rng = np.random.default_rng((SEED, 100))
        return _run(encoder, _strange(rng, camera(101, 0.8), rgba, wild, shoes, size))

    def heldout() -> Seen:
        rng = np.random.default_rng((SEED, 200))
        kinds = list(HELD_OUT.values())
        drawn = (
            cv2.resize(kinds[i % len(kinds)](rng), (size, size)) for i in range(STRANGE_HELD_OUT)
        )
        return _run(encoder, (np.asarray(picture, np.uint8) for picture in drawn))

    return Pictures(
        remembered(home / "clean.npz", clean, say),
        tuple(remembered(home / f"shot{k}.npz", partial(shot, k), say) for k in range(shots)),
        remembered(home / "strange.npz", strange, say),
        remembered(home / "heldout.npz", heldout, say),
    )


def _strange(
    rng: np.random.Generator, camera: Camera, rgba: U8, wild: I64, shoes: I64, size: int
) -> Iterator[U8]:
    kinds = list(DRAWN.values())
    for index in range(STRANGE):
        kind = rng.random()
        if kind < 0.2 and len(wild):
            picture = corner(rgba, wild, rng)
        elif kind < 0.28:
            picture = shuffled(rgba, shoes, rng)
        else:
            picture = kinds[index % len(kinds)](rng)
        if rng.random() < 0.6:
            yield camera.scene(picture)[0]
        else:
            # As it is, sometimes with the letterbox's bars.
            canvas = np.full((size, size, 3), 255, np.uint8)
            height = int(size * (rng.uniform(0.5, 1.0) if rng.random() < 0.5 else 1.0))
            top = (size - height) // 2
            canvas[top : top + height] = cv2.resize(picture, (size, height))
            yield canvas
