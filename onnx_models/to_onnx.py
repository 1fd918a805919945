"""Write the artifact folder: model.onnx, manifest.json and card.md."""

from __future__ import annotations

import copy
import hashlib
import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import torch
from PIL import Image

from app.sketch.design import random_design
from app.sketch.render import render
from app.vision.encoder import CATALOGUE
from onnx_models import packing
from onnx_models.assemble import COLOUR, KEPT, SHAPE
from onnx_models.calibrate import Calibration, calibrate
from onnx_models.card import write_card
from onnx_models.dataset import (
    CACHE_SIZE,
    F32,
    FILL,
    I64,
    RESAMPLE_NAME,
    U8,
    Cache,
    Row,
    gradient_v1,
    letterbox,
)
from onnx_models.fused import fuse
from onnx_models.heads.pictures import Seen, remembered
from onnx_models.integers import in_integers
from onnx_models.weigh import STORED

TOLERANCE = 2e-3
OPSET = 18
INT8_FROM = 20_000
"""Values from which weights are packed in int8: depthwise kernels and the fixed axes, small as they
are, bring half of the error that int8 throughout would."""
EXPORT_TOLERANCE = 1e-3
PACKED_COSINE = 0.995
"""Least cosine between a vector and that of the packed model."""


def open_session(model: Path) -> ort.InferenceSession:
    """One thread, no spinning: as serving runs it."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


def encode(session: ort.InferenceSession, pictures: U8, batch: int = 64) -> F32:
    """Vectors that ask (n, d), of pictures (n, s, s, 3) through onnxruntime."""

    def run(start: int) -> F32:
        pixels = np.ascontiguousarray(pictures[start : start + batch])
        return np.asarray(session.run(["embedding"], {"pixels": pixels})[0])

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return np.concatenate(list(pool.map(run, range(0, len(pictures), batch))))


def milliseconds(session: ort.InferenceSession, size: int, runs: int = 50) -> float:
    """Median time of one picture, batch 1."""
    picture = np.asarray(letterbox(gradient_v1(), size))[None]
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        session.run(["embedding"], {"pixels": picture})
        times.append(time.perf_counter() - start)
    return float(np.median(times)) * 1e3


def _anonymous(path: Path) -> None:
    """Drop what the exporter notes of the machine: source paths and stack traces in every node."""
    model = onnx.load(str(path))
    for thing in (model, model.graph, *model.graph.node):
        del thing.metadata_props[:]
        thing.doc_string = ""
    for value in (*model.graph.input, *model.graph.output, *model.graph.initializer):
        del value.metadata_props[:]
        value.doc_string = ""
    onnx.save(model, str(path))


def _unshaped(path: Path) -> None:
    """Drop the shapes between nodes, which onnxruntime finds by itself: 50 kB."""
    model = onnx.load(str(path))
    del model.graph.value_info[:]
    onnx.save(model, str(path))


def _samples() -> list[Image.Image]:
    return [
        render(random_design(seed), view, (320, 240), "white", seed)
        for seed, view in ((1, "side"), (2, "three_quarter"), (3, "medial"))
    ]


def export(
    module: torch.nn.Module, target: Path, outputs: list[str], ranges: U8 | None = None,
    pack: bool = True,
) -> None:  # fmt: skip
    """Trace to ONNX with a dynamic batch, check it against torch, pack the weights, check again.

    ``ranges`` (n, s, s, 3): pictures to take the ranges of the transformer's integers from; None:
    it stays float32.
    """
    plain = copy.deepcopy(module).to(memory_format=torch.contiguous_format).eval()  # type: ignore[call-overload]
    sample = torch.from_numpy(np.stack([letterbox(picture, CACHE_SIZE) for picture in _samples()]))
    part = target.with_suffix(".part.onnx")
    torch.onnx.export(
        plain,
        (sample,),
        str(part),
        dynamo=True,
        external_data=False,
        opset_version=OPSET,
        input_names=["pixels"],
        output_names=outputs,
        dynamic_shapes=({0: torch.export.Dim("n", min=1)},),
        verbose=False,
    )
    _anonymous(part)
    with torch.inference_mode():
        traced = plain(sample)
    expected = (traced[0] if isinstance(traced, tuple) else traced).numpy()

    def run() -> F32:
        return np.asarray(open_session(part).run(outputs[:1], {"pixels": sample.numpy()})[0])

    # Written so that a NaN, which compares false, is an error as well.
    if not (away := float(np.abs(run() - expected).max())) <= EXPORT_TOLERANCE:
        raise RuntimeError(f"the exported graph is off by {away}")
    if ranges is not None:
        in_integers(part, ranges)
        fuse(part)
    if pack:
        packing.pack(part, INT8_FROM)
        got, wanted = (x.reshape(len(sample), -1) for x in (run(), expected))
        lengths = np.linalg.norm(got, axis=1) * np.linalg.norm(wanted, axis=1)
        cosine = float(((got * wanted).sum(axis=1) / lengths).min())
        if not cosine >= PACKED_COSINE:
            raise RuntimeError(f"packing the weights turns the vector: cosine {cosine}")
    _unshaped(part)
    part.replace(target)


def louder(slices: dict[str, list[int]], studio: dict[str, float]) -> list[dict[str, Any]]:
    """What a kept vector is multiplied by to ask as a studio's picture does, part by part."""
    return [
        {"span": span, "factor": round(studio[name] / STORED[name], 6)}
        for name, span in slices.items()
    ]


def manifest(
    name: str, model: Path, size: int, calibration: Calibration, vector: F32,
    studio: dict[str, float],
) -> dict[str, Any]:  # fmt: skip
    """The file that serving reads; every preprocessing step is stated in it. ``studio``: how what a
    studio's picture asks weighs the parts."""
    dim = len(vector)
    ends = dict(zip(KEPT, accumulate(KEPT.values()), strict=True))
    slices = {name: [end - KEPT[name], end] for name, end in ends.items()}
    return {
        "schema": 1,
        "name": name,
        "revision": "1",
        "kind": "onnx",
        "dim": dim,
        "file": model.name,
        "sha256": hashlib.sha256(model.read_bytes()).hexdigest(),
        "licence": "MIT (the weights are the project's own)",
        "training_data": "photographs of shoes from shops and open collections, owned by them, "
        "not redistributed; see card.md",
        "input": {
            "name": "pixels",
            "layout": "NHWC",
            "dtype": "uint8",
            "height": size,
            "width": size,
            "resize": "letterbox",
            "interpolation": RESAMPLE_NAME,
            "antialias": True,
            "fill": list(FILL),
            "scale": None,
            "mean": None,
            "std": None,
        },
        "output": {"name": "embedding", "normalise": False},
        "parts": {
            "shape": [slices[SHAPE[0]][0], slices[SHAPE[-1]][1]],
            "colour": [slices[COLOUR[0]][0], slices[COLOUR[-1]][1]],
            "asks": louder(slices, studio),
        },
        "slices": slices,
        "calibration": {
            "same": calibration.same,
            "similar": calibration.similar,
            "how": calibration.how,
        },
        "canonical": {
            "image": "gradient-v1",
            "vector": [round(float(v), 6) for v in vector],
            "tolerance": TOLERANCE,
        },
    }


@dataclass(frozen=True)
class Work:
    """What every step after training needs."""

    rows: list[Row]
    cache: Cache
    backdrops: U8
    where: Path


def everything(model: Path, name: str, work: Work) -> F32:
    """Vectors to be asked for (n, d), of all photographs through the artifact; left where the
    heads look for them, with the features."""
    digest = hashlib.sha256(model.read_bytes()).hexdigest()
    kept = work.where / "heads" / f"{name}-{digest[:12]}" / "clean.npz"
    kept.parent.mkdir(parents=True, exist_ok=True)

    def make() -> Seen:
        session = open_session(model)

        def run(block: I64) -> list[F32]:
            pixels = work.cache.clean(block)
            found: list[F32] = session.run(["embedding", CATALOGUE, "features"], {"pixels": pixels})
            return found

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            blocks = np.array_split(np.arange(len(work.rows)), len(work.rows) // 64)
            return Seen.of(pool.map(run, blocks))

    return remembered(kept, make, print).kept


def write_artifact(
    model: Path, vectors: F32, work: Work, step: int, minutes: float, notes: str, least: float,
    studio: dict[str, float],
) -> None:  # fmt: skip
    """Calibrate, measure, describe the exported ``model``; ``vectors`` are of all rows, ``least``
    as :func:`calibrate` takes it, ``studio`` as :func:`manifest`."""
    out = model.parent
    session = open_session(model)

    def run(pictures: U8) -> F32:
        return encode(session, pictures)

    calibration = calibrate(
        run, vectors, work.rows, work.cache, work.backdrops, CACHE_SIZE, thin=2, least=least
    )
    vector = run(letterbox(gradient_v1(), CACHE_SIZE)[None])[0]
    facts = manifest(out.name, model, CACHE_SIZE, calibration, vector, studio)
    part = out / "manifest.part"
    part.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    part.replace(out / "manifest.json")
    took = milliseconds(session, CACHE_SIZE)
    write_card(
        out / "card.md", facts, run, vectors, work.rows, work.cache, work.backdrops, step, minutes,
        took, notes,
    )  # fmt: skip
