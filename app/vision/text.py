"""Words to vectors beside an encoder's pictures: text.json, tokenizer.json, text.onnx."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from app.errors import EncoderError
from app.settings import Settings
from app.vision.manifest import read_manifest
from app.vision.registry import encoder_folder
from app.vision.session import build_session
from app.vision.tokenizer import Tokenizer

FILE: Final = "text.json"
Vectors = npt.NDArray[np.float32]


class TextTower:
    """An encoder's text side. Safe to share by threads."""

    def __init__(
        self, name: str, dim: int, tokenizer: Tokenizer, session: ort.InferenceSession
    ) -> None:
        """Use :meth:`load`; this takes parts that were already checked."""
        self.name = name
        self.dim = dim
        self.tokenizer = tokenizer
        self._session = session

    @classmethod
    def load(cls, folder: Path, threads: int | None = None) -> TextTower:
        """Open the text tower in an encoder's folder.

        Raises:
            EncoderError: a file is missing, altered or unusable, the tower was trained for another
                model file than the folder's, or the canonical text gets another vector.
        """
        manifest = read_manifest(folder)
        path = folder / FILE
        try:
            facts: dict[str, Any] = json.loads(_read(path).decode())
            if facts["schema"] != 1:
                raise EncoderError(f"{path} has schema {facts['schema']!r}, known is 1")
            model = _checked(folder, facts["model"])
            tokenizer = Tokenizer.from_json(_checked(folder, facts["tokenizer"]).decode())
            dim, canonical = int(facts["dim"]), facts["canonical"]
            text, tolerance = str(canonical["text"]), float(canonical["tolerance"])
            expected = np.asarray(canonical["vector"], np.float32)
            trained_for = str(facts["encoder_sha256"])
        except (KeyError, TypeError, ValueError) as error:
            raise EncoderError(f"{path} or its tokenizer cannot be used: {error}") from error
        if trained_for != manifest.sha256 or dim != manifest.dim:
            raise EncoderError(
                f"{path} was trained for another model (sha256 {trained_for[:12]}..., the folder"
                f" has {manifest.sha256[:12]}...): train the text tower again"
            )
        try:
            session = build_session(model, threads)
            tower = cls(manifest.name, dim, tokenizer, session)
            found = tower.encode([text])[0]
        except EncoderError:
            raise
        except Exception as error:  # onnxruntime's exceptions have no common base
            raise EncoderError(
                f"{folder}: onnxruntime cannot run the text model: {error}"
            ) from error
        if expected.shape != found.shape or float(np.abs(found - expected).max()) > tolerance:
            raise EncoderError(f"{path}: the text tower does not reproduce its canonical vector")
        return tower

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Texts to (n, dim) float32, rows of L2 norm 1; dot products with picture vectors compare.

        A text without a word gives what the model makes of nothing: ask :meth:`understands`.

        Raises:
            EncoderError: the model returned a vector that is zero or not finite.
        """
        if not texts:
            return np.zeros((0, self.dim), np.float32)
        (out,) = self._session.run(["embedding"], {"ids": self.tokenizer.ids(texts)})
        vectors = np.asarray(out, np.float32)
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not np.all(np.isfinite(norms)) or not np.all(norms > 0):
            raise EncoderError(f"the text tower of {self.name} returned no usable vector")
        return np.asarray(vectors / norms, np.float32)

    def understands(self, text: str) -> bool:
        """Whether the text has a word at all."""
        return bool(self.tokenizer.words(text))


def open_text_tower(encoder_name: str, settings: Settings) -> TextTower | None:
    """The text tower of the named encoder (or folder); None where it has none.

    Raises:
        EncoderError: it has one that cannot be used.
    """
    folder = encoder_folder(encoder_name, settings)
    if folder is None or not (folder / FILE).is_file():
        return None
    return TextTower.load(folder, settings.encoder_threads)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise EncoderError(f"{path} cannot be read: {error.strerror}") from error


def _checked(folder: Path, entry: dict[str, Any]) -> bytes:
    path = folder / Path(str(entry["file"])).name
    data = _read(path)
    if hashlib.sha256(data).hexdigest() != entry["sha256"]:
        raise EncoderError(f"{path} is not the file that {FILE} describes: fetch or train it again")
    return data
