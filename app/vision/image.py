"""Pictures in: any file a person or a shop may send, turned into upright 8-bit sRGB.

Nothing here trusts the file: formats are a short list, sizes are checked from the header before any
pixel is decoded, and every failure is an :class:`app.errors.ImageError` with words for its sender.
"""

from __future__ import annotations

import hashlib
import io
import struct
import warnings
import zlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image, ImageCms

from app.errors import ImageError

DETAIL: Final = 720
"""Shorter side, pixels, that a reduced JPEG decode keeps at least: above any encoder's input."""

_HEIF_BRANDS: Final = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_ORIENTATION: Final = 0x0112  # EXIF tag; values from the TIFF 6.0 specification, p. 36
_UPRIGHT: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_FOREIGN: Final = (
    (b"%pdf", "not_an_image", "a PDF document"),
    (b"PK\x03\x04", "not_an_image", "an archive or office document"),
    (b"<!doctype", "not_an_image", "a web page"),
    (b"<html", "not_an_image", "a web page"),
    (b"{", "not_an_image", "a JSON text"),
    (b"\x1aE\xdf\xa3", "not_an_image", "a video"),
    (b"<svg", "unsupported", "an SVG drawing"),
    (b"8bps", "unsupported", "a Photoshop file"),
    (b"%!ps", "unsupported", "a PostScript file"),
    (b"\xff\x0a", "unsupported", "a JPEG XL picture"),
    (b"\x00\x00\x00\x0cJXL ", "unsupported", "a JPEG XL picture"),
    (b"\x00\x00\x00\x0cjP  ", "unsupported", "a JPEG 2000 picture"),
    (b"\x00\x00\x01\x00", "unsupported", "an icon"),
)
# What Pillow's readers raise on damaged data, besides OSError for plain truncation.
_DAMAGE: Final = (
    OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, OverflowError,
    RuntimeError, struct.error, zlib.error,
)  # fmt: skip

# `decode` refuses by its own limit, before the pixels; Pillow's warning would only repeat it.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


@dataclass(frozen=True, slots=True)
class Decoded:
    """A decoded picture.

    ``image`` is mode RGB, upright, opaque; a large JPEG may have been decoded at 1/2, 1/4 or 1/8.
    ``width`` and ``height`` are the upright size in pixels that the file states. ``format`` is
    Pillow's name of the file format; ``sha256`` the hex digest of the file's bytes.
    """

    image: Image.Image
    width: int
    height: int
    format: str
    sha256: str


def decode(source: bytes | Path, *, max_bytes: int, max_pixels: int) -> Decoded:
    """Read a picture: first frame, EXIF orientation applied, alpha on white, colours to sRGB.

    Args:
        source: the file's bytes, or its path.
        max_bytes: larger files are refused unread.
        max_pixels: pictures of more pixels are refused from their header, undecoded.

    Raises:
        ImageError: code ``missing``, ``empty``, ``too_large``, ``not_an_image``, ``unsupported`` or
            ``truncated``. A picture that breaks off is refused even when most of it is there: half
            a shoe finds wrong shoes, and the sender can send it again.
    """
    data = _read(source, max_bytes)
    name = f"{source.name}: " if isinstance(source, Path) else ""
    kind = _sniff(data)
    if kind is None:
        raise _foreign(data, name)
    try:
        with _open(data, kind) as opened:
            width, height = opened.size
            if width * height > max_pixels:
                raise ImageError(
                    "too_large",
                    f"{name}the picture has {width} x {height} pixels; "
                    f"at most {max_pixels / 1e6:g} megapixels are accepted",
                )
            _reduce(opened)
            opened.load()
            turn = _orientation(opened)
            # A copy without the file's metadata: nobody may turn the picture a second time.
            image = _to_rgb(opened).copy()
            image.info = {}
    except (Image.DecompressionBombError, Image.DecompressionBombWarning, MemoryError) as error:
        raise ImageError(
            "too_large", f"{name}the picture has far more than {max_pixels / 1e6:g} megapixels"
        ) from error
    except _DAMAGE as error:
        raise ImageError(
            "truncated", f"{name}the picture is damaged or breaks off before its end"
        ) from error
    if turn in _UPRIGHT:
        image = image.transpose(_UPRIGHT[turn])
        if turn >= 5:
            width, height = height, width
    return Decoded(image, width, height, kind, hashlib.sha256(data).hexdigest())


def phash64(image: Image.Image) -> int:
    """64-bit DCT perceptual hash as a signed integer, for a Postgres ``bigint`` or ``bit(64)``.

    Source: pHash's DCT hash as in ImageHash (8 x 8 low frequencies of a 32 x 32 grey picture
    against their median); the first bit is the most significant. Distance = differing bits.
    """
    import imagehash  # here: it brings scipy, which a command that only searches need not load

    bits = np.packbits(imagehash.phash(image).hash.flatten())
    return int.from_bytes(bits.tobytes(), "big", signed=True)


def thumbnail(image: Image.Image, side: int) -> bytes:
    """JPEG of the RGB picture whose longer side is at most ``side`` pixels."""
    small = image.copy()
    small.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=3.0)
    out = io.BytesIO()
    small.save(out, "JPEG", quality=85, optimize=True)
    return out.getvalue()


def _read(source: bytes | Path, max_bytes: int) -> bytes:
    if isinstance(source, Path):
        name = f"{source.name}: "
        try:
            size = source.stat().st_size
            # Reading stops past the limit as well: a file may grow, and a device states size 0.
            if size <= max_bytes:
                with source.open("rb") as handle:
                    data = handle.read(max_bytes + 1)
                size = len(data)
        except OSError as error:
            reason = (
                "there is no such file"
                if isinstance(error, FileNotFoundError)
                else (f"the file cannot be read ({error.strerror or error})")
            )
            raise ImageError("missing", f"{source}: {reason}") from error
    else:
        name, data, size = "", source, len(source)
    if size > max_bytes:
        raise ImageError("too_large", f"{name}the file is larger than {max_bytes / 1e6:g} MB")
    if size == 0:
        raise ImageError("empty", f"{name}the file is empty")
    return data


@lru_cache(maxsize=1)
def _register_heif() -> None:
    import pillow_heif  # here: only HEIC needs it, and it costs every start otherwise

    pillow_heif.register_heif_opener(thumbnails=False)


def _sniff(data: bytes) -> str | None:
    """Pillow's name of the format that the first bytes announce, if it is one we read.

    A closed list: Pillow's other readers include one that runs Ghostscript.
    """
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data.startswith((b"II*\x00", b"MM\x00*")):
        return "TIFF"
    if data[:2] == b"BM" and data[6:10] == bytes(4):
        return "BMP"
    if data[4:8] == b"ftyp":
        if b"avif" in data[8:32] or b"avis" in data[8:32]:
            return "AVIF"
        if data[8:12] in _HEIF_BRANDS:
            return "HEIF"
    return None


def _open(data: bytes, kind: str) -> Image.Image:
    if kind == "HEIF":
        _register_heif()
    return Image.open(io.BytesIO(data), formats=[kind])


def _foreign(data: bytes, name: str) -> ImageError:
    """What a file is that is none of our formats, as far as its beginning tells."""
    head = data[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for magic, code, words in _FOREIGN:
        if data.startswith(magic) or head.startswith(magic):
            if code == "unsupported":
                return ImageError(code, f"{name}this is {words}; save it as JPEG or PNG")
            return ImageError(code, f"{name}this is {words}, not a photograph")
    if data[4:8] == b"ftyp":
        return ImageError("not_an_image", f"{name}this is a video, not a photograph")
    if b"<svg" in head:
        return ImageError("unsupported", f"{name}this is an SVG drawing; save it as JPEG or PNG")
    return ImageError("not_an_image", f"{name}this file is not a picture")


def _orientation(opened: Image.Image) -> int:
    """EXIF orientation of the loaded picture, 1 where absent or unreadable.

    Read after loading: Pillow turns TIFF by itself then, and clears the tag.
    """
    try:
        return int(opened.getexif().get(_ORIENTATION, 1))
    except _DAMAGE:  # broken EXIF is no reason to refuse the photograph
        return 1


def _reduce(opened: Image.Image) -> None:
    """Let libjpeg decode a large JPEG at 1/2, 1/4 or 1/8, keeping at least DETAIL pixels."""
    shorter = min(opened.size)
    if opened.format in ("JPEG", "MPO") and shorter >= 2 * DETAIL:
        width, height = opened.size
        opened.draft(None, (width * DETAIL // shorter, height * DETAIL // shorter))


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode in ("I;16", "I;16L", "I;16B", "I;16N", "I", "F"):
        return _grey_from_wide(image)
    if image.mode == "CMYK":
        # Adobe writes inverted CMYK and says so with a marker; Pillow inverts always.
        if image.format in ("JPEG", "MPO") and "adobe" not in image.info:
            image = _invert_cmyk(image)
        return _managed(image) or image.convert("RGB")
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        layer = image.convert("RGBA")
        white = Image.new("RGBA", layer.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, layer).convert("RGB")
    if image.mode == "RGB":
        return _managed(image) or image
    return image.convert("RGB")


def _invert_cmyk(image: Image.Image) -> Image.Image:
    inverted = Image.fromarray(255 - np.asarray(image), "CMYK")
    inverted.info = dict(image.info)
    return inverted


def _grey_from_wide(image: Image.Image) -> Image.Image:
    """16-bit, 32-bit and float grey to 8 bits over its own nominal range."""
    values = np.nan_to_num(np.asarray(image).astype(np.float64))
    if image.mode == "F":
        low, high = float(values.min()), float(values.max())
        if low < 0 or high > 1:  # no nominal range: stretch what is there
            values = (values - low) / max(high - low, 1e-12)
    else:
        values = values / 65535
    grey = np.round(np.clip(values, 0, 1) * 255).astype(np.uint8)
    return Image.fromarray(grey, "L").convert("RGB")


@lru_cache(maxsize=8)
def _transform(profile: bytes, mode: str) -> Any:
    """Colour transform from an embedded ICC profile to sRGB; None where none is needed or fits."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if mode == "RGB" and "srgb" in ImageCms.getProfileDescription(source).lower():
            return None
        return ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
    except (ImageCms.PyCMSError, OSError, TypeError, ValueError):
        return None  # a broken or foreign profile: better a little off in colour than no answer


def _managed(image: Image.Image) -> Image.Image | None:
    """The picture in sRGB by its embedded profile, or None to use its numbers as they are."""
    profile = image.info.get("icc_profile")
    transform = _transform(profile, image.mode) if profile else None
    if transform is None:
        return None
    try:
        return ImageCms.applyTransform(image, transform)
    except (ImageCms.PyCMSError, ValueError):
        return None
