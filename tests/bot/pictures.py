"""Pictures of every odd kind, made here."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pillow_heif
from PIL import Image, ImageDraw


def shoe(colour: str = "red", size: tuple[int, int] = (640, 480)) -> Image.Image:
    """A sneaker-like blot: enough for tests of everything but the search itself."""
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    width, height = size
    draw.rounded_rectangle(
        (width * 0.1, height * 0.4, width * 0.9, height * 0.75), height // 8, fill=colour
    )
    draw.rectangle((width * 0.1, height * 0.7, width * 0.9, height * 0.8), fill="black")
    return image


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def jpeg(colour: str = "red", size: tuple[int, int] = (640, 480)) -> bytes:
    return encoded(shoe(colour, size), "JPEG", quality=90)


def truncated_jpeg() -> bytes:
    whole = jpeg()
    return whole[: len(whole) // 2]


def animated_gif() -> bytes:
    frames = [shoe(colour).convert("P") for colour in ("red", "green", "blue")]
    return encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=100)


def cmyk_jpeg() -> bytes:
    return encoded(shoe().convert("CMYK"), "JPEG")


def png16() -> bytes:
    ramp = np.linspace(0, 65535, 320 * 240, dtype=np.uint16).reshape(240, 320)
    return encoded(Image.fromarray(ramp), "PNG")


def rotated_jpeg() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return encoded(shoe().rotate(90, expand=True), "JPEG", exif=exif)


def heic() -> bytes:
    pillow_heif.register_heif_opener()
    return encoded(shoe(size=(320, 240)), "HEIF")


def huge_png(width: int = 10_000, height: int = 6_000) -> bytes:
    """A real, valid PNG of 60 megapixels in some kilobytes: one bit a pixel, all white."""
    row = b"\x00" + b"\xff" * (width // 8)
    packer = zlib.compressobj(1)
    body = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    )


PDF = b"%PDF-1.4\n1 0 obj\n<< >>\nendobj\ntrailer\n<< >>\n%%EOF\n"
