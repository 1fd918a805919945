"""Parts an encoder may or may not have: text tower, heads, verifier, localiser.

Each opener returns the part, or None and why it is not there.
"""

from __future__ import annotations

import importlib
from typing import Any

from app.errors import SolemateError
from onnx_models.features import photograph
from onnx_models.scorecard.bench import Array, Bench
from onnx_models.scorecard.entrants import Entrant, Pictures


def _open(module: str, opener: str, *arguments: Any) -> tuple[Any, str]:
    try:
        part = getattr(importlib.import_module(f"app.vision.{module}"), opener)(*arguments)
    except ModuleNotFoundError:
        return None, f"no app.vision.{module} here"
    except SolemateError as error:
        return None, str(error)
    return part, "" if part is not None else f"none in {module} for this encoder"


def text_tower(bench: Bench, entrant: Entrant) -> tuple[Any, str]:
    """The encoder's text tower."""
    return _open("text", "open_text_tower", entrant.name, bench.settings)


def heads(bench: Bench, entrant: Entrant) -> tuple[Any, str]:
    """The encoder's heads."""
    return _open("heads", "open_heads", entrant.name, bench.settings)


def verifier(bench: Bench, entrant: Entrant) -> tuple[Any, str]:
    """The encoder's same-pair verifier."""
    return _open("verify", "open_verifier", entrant.name, bench.settings)


def localiser(bench: Bench) -> tuple[Any, str]:
    """The localiser, whatever the encoder."""
    return _open("localise", "open_localiser", bench.settings)


def attributes(bench: Bench, entrant: Entrant, images: Any) -> list[Any] | None:
    """What the heads say of pictures (an iterable of RGB images); None without heads."""
    model, _ = heads(bench, entrant)
    if model is None or not isinstance(entrant, Pictures):
        return None
    said: list[Any] = []
    for image in images:
        _, features = entrant.encoder.encode_features([image])  # type: ignore[attr-defined]
        said += model.predict(features)
    return said


def photographs(bench: Bench, rows: Array) -> Any:
    """The photographs of ``rows``, decoded one by one."""
    return (photograph(bench.folder / bench.files[row]) for row in rows)
