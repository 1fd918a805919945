"""Pictures to vectors with a model folder: model file, manifest, nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
from PIL import Image

from app.errors import EncoderError
from app.vision.manifest import (
    ByManifest,
    Manifest,
    OnnxManifest,
    Thresholds,
    canonical_image,
    read_manifest,
)
from app.vision.preprocess import to_array
from app.vision.session import build_session

Vectors = npt.NDArray[np.float32]
Pixels = npt.NDArray[Any]

FOLD: Final = 8
"""Pictures in one run of the model. Larger folds gained nothing on 2 cores and cost memory."""
FEATURES: Final = "features"
"""Optional second output: what the trunk saw, before the embedding; heads read it."""
CATALOGUE: Final = "catalogue"
"""Optional output: the vector to keep of a picture on sale, where it is not the one that asks.

A photograph that asks may say how much of itself to believe (a phone's colours are not the shop's).
Were stored vectors scaled alike, those of unsure pictures would lie nearer to every query: of unit
length, what one part loses the others gain."""

ELSEWHERE: Final = "elsewhere"
"""Optional output: a second vector that asks, for the same shoe as other shops show it.

Within a shop the very shades and the paper find it, which mislead in any other. A kept vector is as
near as the better of its products with the two: the first has unit length, this one the length that
makes them comparable, and of a photograph that asks the same everywhere it is the first again."""


class ImageEncoder(Protocol):
    """What searching, embedding and evaluating need of an encoder; safe to share by threads."""

    @property
    def name(self) -> str:
        """Its name in the registry and in the ``encoder`` table."""

    @property
    def revision(self) -> str:
        """Its revision; with the name it identifies the encoder."""

    @property
    def dim(self) -> int:
        """Length of its vectors."""

    @property
    def sha256(self) -> str:
        """Hex digest of the model file (of the description, where there is no file)."""

    @property
    def thresholds(self) -> Thresholds:
        """Cosines from which a pair is the same shoe, and similar; None: not calibrated."""

    @property
    def manifest(self) -> Manifest:
        """Everything the manifest says."""

    @property
    def has_catalogue(self) -> bool:
        """Whether what it keeps of a picture on sale is another vector than the one that asks."""

    def preprocess(self, image: Image.Image) -> Pixels:
        """One picture as the model's input, without the batch axis."""

    def encode_batch(self, pixels: Pixels) -> Vectors:
        """(n, ...) preprocessed pictures to (n, dim) float32, each row of L2 norm 1."""

    def catalogue_batch(self, pixels: Pixels) -> Vectors:
        """The same of pictures on sale, to be stored and asked for: see :data:`CATALOGUE`."""

    def encode(self, images: Sequence[Image.Image]) -> Vectors:
        """RGB pictures to (n, dim) float32, each row of L2 norm 1, in order."""


@runtime_checkable
class AsksInWays(Protocol):
    """An encoder of which a picture may ask by several vectors: see :data:`ELSEWHERE`."""

    ways: int
    """By how many."""

    def asking_batch(self, pixels: Pixels) -> Vectors:
        """(n, ...) preprocessed pictures to all vectors that ask, (n, ways, dim) float32: the first
        of L2 norm 1, others of their own length."""

    def encode_asking(self, images: Sequence[Image.Image]) -> tuple[Vectors, Vectors]:
        """The same of RGB pictures, and their features (n, F)."""


class Encoder(ByManifest[OnnxManifest]):
    """An ONNX encoder. Runs may overlap: onnxruntime sessions are thread-safe."""

    def __init__(
        self, manifest: OnnxManifest, session: ort.InferenceSession, fold: int = FOLD
    ) -> None:
        """Use :meth:`load`; this takes parts that were already checked."""
        self.manifest = manifest
        self.session = session
        batch = session.get_inputs()[0].shape[0]
        self._fixed = batch if isinstance(batch, int) and batch > 0 else None
        self.fold = self._fixed or fold
        widths = {out.name: out.shape[-1] for out in session.get_outputs()}
        width = widths.get(FEATURES)
        self.has_catalogue = CATALOGUE in widths
        self._asks = [name for name in (manifest.output.name, ELSEWHERE) if name in widths]
        self.ways = len(self._asks)
        self._stored = CATALOGUE if self.has_catalogue else manifest.output.name
        self.has_features = width is not None and manifest.output.name != FEATURES
        self.features_dim = int(width) if self.has_features and isinstance(width, int) else None

    @classmethod
    def load(cls, folder: Path, threads: int | None = None, verify: bool = True) -> Encoder:
        """Open an encoder's folder.

        Args:
            folder: holds manifest.json and the model file.
            threads: intra-op threads; None or 0 chooses from the cores.
            verify: check the file's digest and the canonical picture's vector as well.

        Raises:
            EncoderError: manifest missing or invalid, file missing, altered or not loadable, graph
                different from the manifest, or another vector for the canonical picture.
        """
        manifest = read_manifest(folder)
        if not isinstance(manifest, OnnxManifest):
            raise EncoderError(f"{folder} describes a classic descriptor, not an ONNX model")
        path = folder / manifest.file
        try:
            data = path.read_bytes()
        except OSError as error:
            raise EncoderError(
                f"{path} cannot be read: {error.strerror}; fetch or train the model again"
            ) from error
        if verify and (found := hashlib.sha256(data).hexdigest()) != manifest.sha256:
            raise EncoderError(
                f"{path} is not the file its manifest describes: "
                f"sha256 {found[:12]}..., expected {manifest.sha256[:12]}..."
            )
        try:
            session = build_session(data, threads)
        except Exception as error:  # onnxruntime's exceptions have no common base
            raise EncoderError(f"{path} is no model that onnxruntime can run: {error}") from error
        _check_graph(session, manifest, path)
        encoder = cls(manifest, session)
        if verify:
            encoder.check_canonical()
        return encoder

    def check_canonical(self) -> float:
        """Encode the canonical picture; returns the largest difference of a component.

        Raises:
            EncoderError: the difference exceeds the manifest's tolerance: preprocessing, runtime or
                model is not what made the manifest, so stored vectors would not match new ones.
        """
        canonical = self.manifest.canonical
        vector = self.encode([canonical_image()])[0]
        difference = float(np.abs(vector - np.asarray(canonical.vector, np.float32)).max())
        if difference > canonical.tolerance:
            raise EncoderError(
                f"encoder {self.name} {self.revision} does not reproduce its canonical vector: "
                f"off by {difference:.4f}, tolerance {canonical.tolerance}"
            )
        return difference

    def preprocess(self, image: Image.Image) -> Pixels:
        """One RGB picture as the model's input, without the batch axis."""
        return to_array(image, self.manifest.input)

    def encode_batch(self, pixels: Pixels) -> Vectors:
        """(n, ...) preprocessed pictures to (n, dim) float32, each row of L2 norm 1.

        Runs at most :attr:`fold` pictures at a time, so that memory does not follow n.

        Raises:
            EncoderError: wrong shape or dtype, or the model returned numbers that are not finite.
        """
        return self._vectors(pixels, self.manifest.output.name)

    def asking_batch(self, pixels: Pixels) -> Vectors:
        """(n, ...) preprocessed pictures to all vectors that ask, (n, ways, dim) float32: that of
        :meth:`encode_batch`, and :data:`ELSEWHERE` where the graph has it.

        Raises:
            EncoderError: as :meth:`encode_batch`.
        """
        return self._ways(self._folded(pixels, self._asks))

    def catalogue_batch(self, pixels: Pixels) -> Vectors:
        """As :meth:`encode_batch`, of pictures on sale; the same vectors where the graph has no
        :data:`CATALOGUE` output."""
        return self._vectors(pixels, self._stored)

    def _vectors(self, pixels: Pixels, output: str) -> Vectors:
        return l2_normalise(self._folded(pixels, [output])[0], self.name)

    def encode(self, images: Sequence[Image.Image]) -> Vectors:
        """RGB pictures to (n, dim) float32, each row of L2 norm 1, in order."""
        out = np.empty((len(images), self.dim), np.float32)
        for start in range(0, len(images), self.fold):
            part = images[start : start + self.fold]
            pixels = np.stack([self.preprocess(image) for image in part])
            out[start : start + len(part)] = self.encode_batch(pixels)
        return out

    def features_batch(self, pixels: Pixels, *, catalogue: bool = False) -> tuple[Vectors, Vectors]:
        """(n, ...) preprocessed pictures to their vectors (n, dim), as :meth:`encode_batch` gives
        them (``catalogue``: as :meth:`catalogue_batch`), and features (n, F) float32 from the same
        run; a graph without a ``features`` output has its vectors for features.

        Raises:
            EncoderError: as :meth:`encode_batch`, or features that are not finite.
        """
        output = self._stored if catalogue else self.manifest.output.name
        if not self.has_features:
            vectors = self._vectors(pixels, output)
            return vectors, vectors
        vectors, features = self._folded(pixels, [output, FEATURES])
        return l2_normalise(vectors, self.name), self._finite(features, "features")

    def encode_features(self, images: Sequence[Image.Image]) -> tuple[Vectors, Vectors]:
        """RGB pictures to (vectors (n, dim), features (n, F)), see :meth:`features_batch`."""
        return self.features_batch(self._pixels(images))

    def encode_asking(self, images: Sequence[Image.Image]) -> tuple[Vectors, Vectors]:
        """RGB pictures to all vectors that ask, (n, ways, dim) as :meth:`asking_batch` has them,
        and features (n, F) as :meth:`encode_features` has them, of one run."""
        features = [FEATURES] if self.has_features else []
        found = self._folded(self._pixels(images), [*self._asks, *features])
        ways = self._ways(found[: self.ways])
        return ways, self._finite(found[-1], "features") if features else ways[:, 0]

    def _ways(self, found: list[Vectors]) -> Vectors:
        first, *others = found
        others = [self._finite(one, "vectors") for one in others]
        return np.stack([l2_normalise(first, self.name), *others], axis=1)

    def _finite(self, values: Vectors, what: str) -> Vectors:
        if not np.all(np.isfinite(values)):
            raise EncoderError(f"encoder {self.name} returned {what} that are not finite")
        return values

    def _pixels(self, images: Sequence[Image.Image]) -> Pixels:
        """Pictures preprocessed, (n, ...); n may be 0."""
        spec = self.manifest.input
        made = np.empty((len(images), *spec.shape), spec.dtype)
        for row, image in zip(made, images, strict=True):
            row[:] = self.preprocess(image)
        return made

    def _folded(self, pixels: Pixels, names: list[str]) -> list[Vectors]:
        """The outputs ``names`` of any number of pictures, at most :attr:`fold` in a run."""
        self._check_pixels(pixels)
        parts = [
            self._run(pixels[start : start + self.fold], names)
            for start in range(0, len(pixels), self.fold)
        ]
        if not parts:
            return [
                np.empty(
                    (0, (self.features_dim or 0) if name == FEATURES else self.dim), np.float32
                )
                for name in names
            ]
        return [np.concatenate(column) for column in zip(*parts, strict=True)]

    def _check_pixels(self, pixels: Pixels) -> None:
        spec = self.manifest.input
        if pixels.shape[1:] != spec.shape or pixels.dtype != spec.dtype:
            raise EncoderError(
                f"encoder {self.name} takes {spec.dtype} {spec.shape}, "
                f"given {pixels.dtype} {pixels.shape[1:]}"
            )

    def _run(self, pixels: Pixels, names: list[str]) -> list[Vectors]:
        count = len(pixels)
        if self._fixed and count < self._fixed:
            pixels = np.concatenate([pixels, np.repeat(pixels[-1:], self._fixed - count, axis=0)])
        results = self.session.run(names, {self.manifest.input.name: pixels})
        return [np.asarray(result[:count], np.float32) for result in results]


def l2_normalise(vectors: Vectors, name: str) -> Vectors:
    """Rows divided by their L2 norm; ``name`` is the encoder's, for the error.

    Raises:
        EncoderError: a row is zero or not finite.
    """
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not np.all(np.isfinite(norms)) or not np.all(norms > 0):
        raise EncoderError(f"encoder {name} returned a vector that is zero or not finite")
    return np.asarray(vectors / norms, np.float32)


def _check_graph(session: ort.InferenceSession, manifest: OnnxManifest, path: Path) -> None:
    spec = manifest.input
    inputs = {node.name: node for node in session.get_inputs()}
    if list(inputs) != [spec.name]:
        raise EncoderError(f"{path} has inputs {sorted(inputs)}, the manifest says {spec.name!r}")
    node = inputs[spec.name]
    wanted = {"uint8": "tensor(uint8)", "float32": "tensor(float)"}[spec.dtype]
    fits = len(node.shape) == 4 and all(
        not isinstance(have, int) or have == want
        for have, want in zip(node.shape[1:], spec.shape, strict=True)
    )
    if node.type != wanted or not fits:
        raise EncoderError(
            f"{path} takes {node.type} {node.shape}, the manifest says {wanted} {list(spec.shape)}"
        )
    outputs = {out.name: out.shape for out in session.get_outputs()}
    if manifest.output.name not in outputs:
        raise EncoderError(
            f"{path} has outputs {sorted(outputs)}, the manifest says {manifest.output.name!r}"
        )
    for name in (manifest.output.name, ELSEWHERE, CATALOGUE):
        shape = outputs.get(name, [None, manifest.dim])
        if len(shape) != 2 or (isinstance(shape[1], int) and shape[1] != manifest.dim):
            raise EncoderError(f"{path} returns {shape}, the manifest says (n, {manifest.dim})")
