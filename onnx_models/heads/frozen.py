"""The encoder under the heads, run as it is: file, digest and outputs."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort

from app.vision.encoder import CATALOGUE, FEATURES
from onnx_models.dataset import F32, U8


@dataclass(frozen=True)
class Frozen:
    """A loaded encoder of this project: uint8 NHWC square input, letterboxed on white."""

    name: str
    sha256: str
    dim: int
    size: int
    input: str
    output: str
    parts: tuple[tuple[int, int], ...]
    session: ort.InferenceSession

    @classmethod
    def load(cls, folder: Path, threads: int = 1) -> Frozen:
        """Open ``folder``.

        Raises:
            ValueError: the file is not the manifest's, or it takes another kind of input.
        """
        facts: dict[str, Any] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        data = (folder / facts["file"]).read_bytes()
        digest = hashlib.sha256(data).hexdigest()
        if digest != facts["sha256"]:
            raise ValueError(f"{folder}: the model is not the file its manifest describes")
        spec = facts["input"]
        kind = (spec["layout"], spec["dtype"], spec["resize"], spec["height"] == spec["width"])
        if kind != ("NHWC", "uint8", "letterbox", True):
            raise ValueError(f"{folder}: heads are trained on uint8 NHWC square letterboxed input")
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # Whatever the parts are called, each is a half-open span of the vector; the recipe's own
        # encoders name every one of theirs.
        parts = facts.get("slices") or facts["parts"] or {"all": [0, facts["dim"]]}
        return cls(
            facts["name"], digest, facts["dim"], spec["height"], spec["name"],
            facts["output"]["name"], tuple((int(a), int(b)) for a, b in parts.values()),
            ort.InferenceSession(data, options, providers=["CPUExecutionProvider"]),
        )  # fmt: skip

    def run(self, pixels: U8) -> tuple[F32, F32, F32]:
        """(n, S, S, 3) uint8 to unit vectors (n, dim) such as ask and such as are kept (the same
        where the graph has one output for both), and features (n, F): the vectors themselves where
        the graph has none."""
        there = {out.name for out in self.session.get_outputs()}
        names = [self.output, *(name for name in (CATALOGUE, FEATURES) if name in there)]
        found = dict(zip(names, self.session.run(names, {self.input: pixels}), strict=True))
        asking, kept = (found.get(name, found[self.output]) for name in (self.output, CATALOGUE))
        asking, kept = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (asking, kept))
        return asking, kept, found.get(FEATURES, asking)
