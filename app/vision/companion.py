"""Small models that belong to one encoder and lie in its folder: heads, the pair verifier.

``NAME.json`` names its ``NAME.onnx`` and, by digest, both that file and the encoder's own model: a
companion read by another encoder would answer with confident nonsense.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import onnxruntime as ort

from app.errors import EncoderError
from app.settings import Settings
from app.vision.manifest import read_manifest
from app.vision.registry import encoder_folder
from app.vision.session import build_session


def companion(
    name: str, encoder: str, settings: Settings
) -> tuple[dict[str, Any], ort.InferenceSession] | None:
    """The companion's description and its session; None where the encoder has none.

    Raises:
        EncoderError: a file is missing, unreadable, altered, or made for another encoder.
    """
    folder = encoder_folder(encoder, settings)
    if folder is None or not (folder / f"{name}.json").is_file():
        return None
    path = folder / f"{name}.json"
    try:
        facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        model = folder / str(facts["file"])
        data = model.read_bytes()
        digest, owner = str(facts["sha256"]), str(facts["encoder_sha256"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EncoderError(f"{path} cannot be used: {error!r}; train it again") from error
    if hashlib.sha256(data).hexdigest() != digest:
        raise EncoderError(f"{model} is not the file that {path.name} describes; train it again")
    if owner != read_manifest(folder).sha256:
        raise EncoderError(
            f"{path} was made for another model than the encoder {encoder} has now; train it again"
        )
    try:
        return facts, build_session(data, 1)
    except Exception as error:  # onnxruntime's exceptions have no common base
        raise EncoderError(f"{model} is no model that onnxruntime can run: {error}") from error
