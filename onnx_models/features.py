"""Vectors of many picture files under several encoders, decoded once, kept on disk.

A cached block is named by a digest of everything its numbers depend on (encoder, preprocessing,
names and bytes of the files, re-shooting), so it is never stale, data copied anew are known again,
and an interrupted run goes on where it stopped. Vectors are kept as float16, the precision the
database stores (halfvec).
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import platformdirs
from PIL import Image

from app.errors import ImageError
from app.vision.encoder import AsksInWays, ImageEncoder
from app.vision.image import decode
from app.vision.session import available_cores
from onnx_models import reshoot

BLOCK: Final = 512
_LIMITS: Final = {"max_bytes": 100_000_000, "max_pixels": 200_000_000}
Array = npt.NDArray[Any]
Progress = Callable[[int], None]
Run = Callable[[Array], Array]


def default_cache() -> Path:
    """The user's cache folder for vectors and adopted models."""
    return Path(platformdirs.user_cache_dir("solemate", appauthor=False))


def photograph(path: Path) -> Image.Image:
    """A photograph of the data, RGB and upright; larger ones than a bot would take are fine.

    Raises:
        ImageError: it cannot be read.
    """
    return decode(path, **_LIMITS).image


def file_features(
    encoders: Sequence[ImageEncoder],
    folder: Path,
    files: Sequence[str],
    *,
    seed: int | None = None,
    catalogue: bool = False,
    ways: bool = False,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> list[Array]:
    """Vectors (n, dim) float32 of ``files`` (relative to ``folder``) for each encoder.

    Args:
        seed: re-shoot every picture with this seed first; None: the pictures as they are.
        catalogue: vectors to be asked for; False: such as ask.
        ways: all that ask, (n, ways, dim), of encoders that are :class:`AsksInWays`.
        cache: folder for cached blocks; None: the user's.
        progress: called with the number of files done since the last call.

    A file that cannot be read has a row of NaN.
    """
    store = (cache or default_cache()) / "features"
    store.mkdir(parents=True, exist_ok=True)
    parts: list[list[Array]] = [[] for _ in encoders]
    for start in range(0, len(files), BLOCK):
        block = files[start : start + BLOCK]
        stamps = [stamp(folder, file) for file in block]
        keys = [_key(encoder, stamps, seed, catalogue, ways) for encoder in encoders]
        paths = [store / f"{key}.npy" for key in keys]
        absent = [index for index, path in enumerate(paths) if not path.exists()]
        made = _encode([encoders[index] for index in absent], folder, block, seed, catalogue, ways)
        for index, vectors in zip(absent, made, strict=True):
            partial_file = paths[index].with_suffix(".partial")
            with partial_file.open("wb") as handle:
                np.save(handle, vectors.astype(np.float16))
            partial_file.replace(paths[index])
        for index, path in enumerate(paths):
            parts[index].append(np.load(path).astype(np.float32))
        if progress:
            progress(len(block))
    found = [np.concatenate(part) for part in parts]
    return found if ways else [_renormalised(one) for one in found]


def made_features(
    encoder: ImageEncoder,
    key: str,
    make: Callable[[], Sequence[Image.Image]],
    *,
    cache: Path | None = None,
) -> Array:
    """Vectors (n, dim) float32 of pictures that ``make`` draws; ``key`` says all they depend on."""
    store = (cache or default_cache()) / "features"
    store.mkdir(parents=True, exist_ok=True)
    path = store / f"{_key(encoder, [('made ' + key, '')], None)}.npy"
    if not path.exists():
        partial_file = path.with_suffix(".partial")
        with partial_file.open("wb") as handle:
            np.save(handle, encoder.encode(list(make())).astype(np.float16))
        partial_file.replace(path)
    return _renormalised(np.load(path).astype(np.float32))


def _run_of(encoder: ImageEncoder, catalogue: bool, ways: bool) -> tuple[Run, tuple[int, ...]]:
    """What makes vectors of the encoder's preprocessed pictures, and the shape of one picture's.

    Raises:
        TypeError: ``ways`` of an encoder that knows none.
    """
    if ways:
        if not isinstance(encoder, AsksInWays):
            raise TypeError(f"{encoder.name} asks by one vector")
        return encoder.asking_batch, (encoder.ways, encoder.dim)
    return encoder.catalogue_batch if catalogue else encoder.encode_batch, (encoder.dim,)


def _encode(
    encoders: Sequence[ImageEncoder], folder: Path, block: Sequence[str], seed: int | None,
    catalogue: bool, ways: bool,
) -> list[Array]:  # fmt: skip
    if not encoders:
        return []
    runs, shapes = zip(*(_run_of(one, catalogue, ways) for one in encoders), strict=True)
    results = [np.full((len(block), *shape), np.nan, np.float32) for shape in shapes]
    # Pillow and OpenCV release the interpreter lock, so threads prepare while the model runs.
    step = 64
    with ThreadPoolExecutor(available_cores()) as pool:
        prepare = functools.partial(_prepare, encoders=encoders, folder=folder, seed=seed)
        pending = list(pool.map(prepare, block[:step]))
        for start in range(0, len(block), step):
            following = pool.map(prepare, block[start + step : start + 2 * step])
            rows = [start + i for i, arrays in enumerate(pending) if arrays is not None]
            readable = [arrays for arrays in pending if arrays is not None]
            for index, run in enumerate(runs):
                if readable:
                    results[index][rows] = run(np.stack([arrays[index] for arrays in readable]))
            pending = list(following)
    return results


def _prepare(
    file: str, encoders: Sequence[ImageEncoder], folder: Path, seed: int | None
) -> list[Array] | None:
    try:
        decoded = decode(folder / file, **_LIMITS)
    except ImageError:
        return None
    image = decoded.image
    if seed is not None:
        image = reshoot.reshoot(image, decoded.sha256, seed)
    return [encoder.preprocess(image) for encoder in encoders]


def stamp(folder: Path, file: str) -> tuple[str, str]:
    """Name and digest of its bytes; "" for one that cannot be read."""
    path = folder / file
    try:
        status = path.stat()
        return file, _digest(path, status.st_size, status.st_mtime_ns)
    except OSError:
        return file, ""


@functools.cache
def _digest(path: Path, size: int, changed: int) -> str:
    """Read once in a process: every encoder asks for the same files."""
    del size, changed
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _key(
    encoder: ImageEncoder, stamps: Sequence[tuple[str, str]], seed: int | None,
    catalogue: bool = False, ways: bool = False,
) -> str:  # fmt: skip
    described = asdict(encoder.manifest)
    described.pop("calibration")
    shot = None if seed is None else [reshoot.VERSION, seed]
    kept = ["ways"] if ways else ["catalogue"] if catalogue and encoder.has_catalogue else []
    said = [encoder.sha256, described, shot, stamps, *kept]
    text = json.dumps(said, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:40]


def _renormalised(vectors: Array) -> Array:
    normalised: Array = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return normalised
