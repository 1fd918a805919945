"""Encoders by name."""

from __future__ import annotations

from pathlib import Path

from app.errors import EncoderError
from app.settings import Settings
from app.vision import classic
from app.vision.encoder import Encoder, ImageEncoder
from app.vision.manifest import FILE, ClassicManifest, read_manifest


def open_encoder(
    name_or_path: str | Path, settings: Settings, *, verify: bool = True
) -> ImageEncoder:
    """An encoder by its folder's name under ``models_dir`` or ``home/encoders``, a classic
    descriptor's name (``hsv-histogram``, ``hog``, ...), or the path of a folder.

    Raises:
        EncoderError: nothing of that name, or the folder cannot be used.
    """
    text = str(name_or_path)
    folder = _folder(text, settings)
    if folder is None:
        for method in classic.NAMES:
            if method == text:
                return classic.ClassicEncoder.named(method)
        raise EncoderError(
            f"there is no encoder {text!r}; known: {', '.join(encoder_names(settings))}"
        )
    manifest = read_manifest(folder)
    if isinstance(manifest, ClassicManifest):
        return classic.ClassicEncoder(manifest)
    return Encoder.load(folder, settings.encoder_threads, verify)


def encoder_names(settings: Settings) -> list[str]:
    """Names that :func:`open_encoder` accepts: model folders first, then the classic ones."""
    folders = [
        path.parent.name for root in _roots(settings) for path in sorted(root.glob(f"*/{FILE}"))
    ]
    return [*dict.fromkeys(folders), *classic.NAMES]


def encoder_folder(name_or_path: str | Path, settings: Settings) -> Path | None:
    """The folder :func:`open_encoder` would read; None: there is none (a classic descriptor)."""
    return _folder(str(name_or_path), settings)


def _roots(settings: Settings) -> tuple[Path, Path]:
    return settings.models_dir, settings.home / "encoders"


def _folder(text: str, settings: Settings) -> Path | None:
    for root in _roots(settings):
        if "/" not in text and (root / text / FILE).is_file():
            return root / text
    path = Path(text).expanduser()
    if (path / FILE).is_file() or ("/" in text and path.is_dir()):
        return path
    return None
