"""app.vision.image: every odd file a person may send, made here."""

from __future__ import annotations

import contextlib
import io
import struct
import threading
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

from app.errors import ImageError
from app.vision.image import Decoded, decode, phash64, thumbnail

LIMITS = {"max_bytes": 25_000_000, "max_pixels": 50_000_000}


def photo(width: int = 120, height: int = 80) -> Image.Image:
    """Left half red, right half blue, a green top edge: every turn and flip shows."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:, : width // 2] = (200, 30, 30)
    pixels[:, width // 2 :] = (30, 30, 200)
    pixels[: height // 4] = (30, 200, 30)
    return Image.fromarray(pixels)


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)  # type: ignore[arg-type]
    return out.getvalue()


def read(data: bytes | Path, **limits: int) -> Decoded:
    return decode(data, **{**LIMITS, **limits})


def near(image: Image.Image, at: tuple[int, int], colour: tuple[int, int, int], by: int) -> bool:
    got = np.asarray(image.getpixel(at), int)
    return bool(np.abs(got - np.asarray(colour)).max() <= by)


def png(width: int, height: int, *, data: bytes | None = None, depth: int = 8) -> bytes:
    """A PNG of one grey colour, written by hand: its size costs nothing."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    row = bytes(1 + width * depth // 8)
    body = zlib.compress(row * height, 1) if data is None else data
    header = struct.pack(">IIBBBBB", width, height, depth, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF"])
def test_reads_the_usual_formats(kind: str) -> None:
    data = saved(photo(), kind)
    decoded = read(data)
    assert (decoded.format, decoded.width, decoded.height) == (kind, 120, 80)
    assert decoded.image.mode == "RGB"
    assert near(decoded.image, (20, 60), (200, 30, 30), 12)
    assert near(decoded.image, (100, 60), (30, 30, 200), 12)


def test_digest_is_that_of_the_file(tmp_path: Path) -> None:
    import hashlib

    data = saved(photo(), "PNG")
    path = tmp_path / "a.png"
    path.write_bytes(data)
    assert read(path).sha256 == read(data).sha256 == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(orientation: int) -> None:
    turned = {
        1: None, 2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]  # fmt: skip
    stored = photo() if turned is None else photo().transpose(turned)
    exif = Image.Exif()
    exif[0x0112] = orientation
    decoded = read(saved(stored, "JPEG", exif=exif, quality=95))
    assert decoded.image.size == (decoded.width, decoded.height) == (120, 80)
    assert ImageOps.exif_transpose(decoded.image).size == (120, 80)
    assert near(decoded.image, (60, 5), (30, 200, 30), 25)
    assert near(decoded.image, (20, 60), (200, 30, 30), 25)
    assert near(decoded.image, (100, 60), (30, 30, 200), 25)


def test_tiff_orientation_is_applied_once() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    decoded = read(saved(photo().transpose(Image.Transpose.ROTATE_90), "TIFF", exif=exif))
    assert decoded.image.size == (decoded.width, decoded.height) == (120, 80)
    assert near(decoded.image, (60, 5), (30, 200, 30), 2)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_broken_exif_does_not_refuse_the_photo() -> None:
    data = saved(photo(), "JPEG")
    broken = b"Exif\x00\x00II*\x00\xff\xff\xff\xff"
    segment = b"\xff\xe1" + struct.pack(">H", len(broken) + 2) + broken
    assert read(data[:2] + segment + data[2:]).image.size == (120, 80)


def test_heic() -> None:
    pillow_heif = pytest.importorskip("pillow_heif")
    out = io.BytesIO()
    try:
        pillow_heif.from_pillow(photo()).save(out, quality=90)
    except RuntimeError as error:
        pytest.skip(f"no HEVC encoder here: {error}")
    decoded = read(out.getvalue())
    assert (decoded.format, decoded.width, decoded.height) == ("HEIF", 120, 80)
    assert near(decoded.image, (20, 60), (200, 30, 30), 30)
    for cut in (16, 200, len(out.getvalue()) // 2):
        with pytest.raises(ImageError) as caught:
            read(out.getvalue()[:cut])
        assert caught.value.code == "truncated"


def test_avif() -> None:
    from PIL import features

    if not features.check("avif"):
        pytest.skip("Pillow was built without AVIF")
    decoded = read(saved(photo(), "AVIF", quality=90))
    assert decoded.format == "AVIF"
    assert near(decoded.image, (100, 60), (30, 30, 200), 30)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_animation_gives_its_first_frame(kind: str) -> None:
    frames = [Image.new("RGB", (40, 30), colour) for colour in ("red", "blue")]
    data = saved(frames[0], kind, save_all=True, append_images=frames[1:], duration=50)
    assert near(read(data).image, (20, 15), (255, 0, 0), 6)


def test_cmyk_jpeg_as_adobe_writes_it() -> None:
    cmyk = Image.new("CMYK", (64, 64), (0, 255, 255, 0))
    assert near(read(saved(cmyk, "JPEG", quality=95)).image, (30, 30), (255, 0, 0), 8)


def test_cmyk_jpeg_without_adobe_marker_is_not_inverted() -> None:
    inverted = Image.new("CMYK", (64, 64), (255, 0, 0, 255))
    data = saved(inverted, "JPEG", quality=95)
    start = data.index(b"\xff\xee")
    length = struct.unpack(">H", data[start + 2 : start + 4])[0]
    assert near(read(data[:start] + data[start + 2 + length :]).image, (30, 30), (255, 0, 0), 8)


def test_embedded_profile_is_used() -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    # A profile whose red primary is blue and the other way round, under another name.
    swapped = srgb.replace(b"rXYZ", b"tmp!").replace(b"bXYZ", b"rXYZ").replace(b"tmp!", b"bXYZ")
    swapped = swapped.replace("sRGB".encode("utf-16-be"), "xRGB".encode("utf-16-be"))
    red = Image.new("RGB", (16, 16), (200, 30, 20))
    for kind in ("PNG", "JPEG", "WEBP"):
        assert near(read(saved(red, kind, icc_profile=swapped)).image, (8, 8), (20, 30, 200), 12)
        assert near(read(saved(red, kind, icc_profile=srgb)).image, (8, 8), (200, 30, 20), 8)
        assert near(read(saved(red, kind, icc_profile=b"rubbish")).image, (8, 8), (200, 30, 20), 8)


def test_sixteen_bit_grey_png_keeps_its_tones() -> None:
    ramp = np.linspace(0, 65535, 256).astype(np.uint16)[None, :].repeat(8, 0)
    image = read(saved(Image.fromarray(ramp), "PNG")).image
    got = np.asarray(image)[4, :, 0].astype(int)
    assert np.abs(got - np.arange(256)).max() <= 1


def test_sixteen_bit_colour_png() -> None:
    cv2 = pytest.importorskip("cv2")
    pixels = np.zeros((20, 20, 3), np.uint16)
    pixels[..., 2] = 200 * 257  # OpenCV's order is BGR
    data = cv2.imencode(".png", pixels)[1].tobytes()
    assert near(read(data).image, (10, 10), (200, 0, 0), 1)


def test_one_bit_and_float_grey() -> None:
    assert near(read(saved(Image.new("1", (9, 9), 1), "PNG")).image, (4, 4), (255,) * 3, 0)
    floats = Image.fromarray(np.linspace(-5, 5, 64, dtype=np.float32).reshape(8, 8))
    image = read(saved(floats, "TIFF")).image
    assert image.getpixel((0, 0)) == (0, 0, 0)
    assert image.getpixel((7, 7)) == (255, 255, 255)


def test_transparency_becomes_white() -> None:
    layer = Image.new("RGBA", (20, 20), (0, 0, 0, 0))
    layer.paste((200, 0, 0, 255), (0, 0, 10, 20))
    for data in (saved(layer, "PNG"), saved(layer, "WEBP", lossless=True)):
        image = read(data).image
        assert near(image, (5, 10), (200, 0, 0), 1)
        assert near(image, (15, 10), (255, 255, 255), 1)
    palette = layer.convert("P")
    palette.info["transparency"] = palette.getpixel((15, 10))
    assert near(read(saved(palette, "PNG")).image, (15, 10), (255, 255, 255), 1)
    grey = Image.new("LA", (5, 5), (0, 0))
    assert near(read(saved(grey, "PNG")).image, (2, 2), (255, 255, 255), 0)


@pytest.mark.parametrize(
    ("data", "code", "words"),
    [
        (b"", "empty", "empty"),
        (b"%PDF-1.7\n1 0 obj", "not_an_image", "PDF"),
        (b"\xef\xbb\xbf\n<!DOCTYPE html><html>", "not_an_image", "web page"),
        (b"PK\x03\x04rest", "not_an_image", "archive"),
        (b"just words", "not_an_image", "not a picture"),
        (b"BMW is a car maker, not a bitmap", "not_an_image", "not a picture"),
        (b"\x00\x00\x00\x18ftypmp42" + bytes(40), "not_an_image", "video"),
        (b'<?xml version="1.0"?><svg xmlns=""/>', "unsupported", "SVG"),
        (b"8BPS\x00\x01", "unsupported", "Photoshop"),
        (b"%!PS-Adobe-3.0 EPSF-3.0", "unsupported", "PostScript"),
        (b"\xff\xd8\xff\xe0", "truncated", "breaks off"),
        (b"\x89PNG\r\n\x1a\n", "truncated", "breaks off"),
        (b"RIFF\x10\x00\x00\x00WEBP", "truncated", "breaks off"),
    ],
)
def test_what_is_no_picture_is_named(data: bytes, code: str, words: str) -> None:
    with pytest.raises(ImageError, match=words) as caught:
        read(data)
    assert caught.value.code == code
    assert caught.value.exit_code == 2


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="no such file") as caught:
        read(tmp_path / "absent.jpg")
    assert caught.value.code == "missing"
    with pytest.raises(ImageError, match="cannot be read") as caught:
        read(tmp_path)
    assert caught.value.code == "missing"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF"])
def test_truncated(kind: str) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (200, 300, 3), np.uint8)
    data = saved(Image.fromarray(noise), kind)
    for share in (0.1, 0.5, 0.9):
        with pytest.raises(ImageError) as caught:
            read(data[: int(len(data) * share)])
        assert caught.value.code == "truncated", share


def test_pixels_are_limited_before_decoding() -> None:
    data = png(10_000, 6_000)
    assert len(data) < 400_000
    start = time.perf_counter()
    with pytest.raises(ImageError, match="10000 x 6000") as caught:
        read(data)
    assert caught.value.code == "too_large"
    assert time.perf_counter() - start < 0.1


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("side", [10_500, 13_000, 65_000])
def test_decompression_bomb(side: int) -> None:
    with pytest.raises(ImageError) as caught:
        read(png(side, side, data=b""))
    assert caught.value.code == "too_large"


def test_bytes_are_limited(tmp_path: Path) -> None:
    data = saved(photo(), "PNG")
    path = tmp_path / "a.png"
    path.write_bytes(data)
    for source in (data, path):
        with pytest.raises(ImageError, match="larger than") as caught:
            read(source, max_bytes=len(data) - 1)
        assert caught.value.code == "too_large"
        assert read(source, max_bytes=len(data)).width == 120


def test_large_jpeg_is_decoded_reduced() -> None:
    decoded = read(saved(photo(4000, 3000), "JPEG"))
    assert (decoded.width, decoded.height) == (4000, 3000)
    assert decoded.image.size == (1000, 750)
    assert read(saved(photo(1400, 1000), "JPEG")).image.size == (1400, 1000)


def test_reduced_jpeg_is_turned_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = photo(4000, 3000).transpose(Image.Transpose.ROTATE_90)
    decoded = read(saved(stored, "JPEG", exif=exif))
    assert (decoded.width, decoded.height) == (4000, 3000)
    assert decoded.image.size == (1000, 750)
    assert near(decoded.image, (500, 20), (30, 200, 30), 12)


def test_phash_is_signed_64_bits_and_stable() -> None:
    blocks = np.random.default_rng(4).integers(0, 255, (10, 15, 3), np.uint8)
    image = Image.fromarray(blocks).resize((300, 200), Image.Resampling.BICUBIC)
    value = phash64(image)
    assert -(2**63) <= value < 2**63
    again = phash64(read(saved(image, "JPEG", quality=60)).image)
    assert ((value ^ again) & (2**64 - 1)).bit_count() <= 6
    other = Image.fromarray(np.random.default_rng(2).integers(0, 255, (200, 300, 3), np.uint8))
    assert ((value ^ phash64(other)) & (2**64 - 1)).bit_count() > 12


def test_phash_is_imagehash_bit_for_bit() -> None:
    import imagehash

    noise = Image.fromarray(np.random.default_rng(3).integers(0, 255, (64, 64, 3), np.uint8))
    assert phash64(noise) & (2**64 - 1) == int(str(imagehash.phash(noise)), 16)


def test_thumbnail() -> None:
    small = Image.open(io.BytesIO(thumbnail(photo(1200, 800), 160)))
    assert (small.format, small.size) == ("JPEG", (160, 107))
    assert Image.open(io.BytesIO(thumbnail(photo(40, 30), 160))).size == (40, 30)


def test_threads_decode_alike() -> None:
    data = [saved(photo(300 + i, 200), "JPEG") for i in range(8)]
    want = [np.asarray(read(one).image) for one in data]
    wrong: list[int] = []

    def work() -> None:
        for index, one in enumerate(data):
            if not np.array_equal(np.asarray(read(one).image), want[index]):
                wrong.append(index)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.data
def test_real_photographs_decode(real_data: Path) -> None:
    """Every 60th labelled photograph, all sources among them."""
    import csv

    folder = real_data / "shoes"
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))[::60]
    assert len({row["source"] for row in rows}) > 10
    for row in rows:
        decoded = read(folder / row["file"])
        assert min(decoded.image.size) > 10
        assert decoded.image.mode == "RGB"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF"])
def test_damage_never_raises_anything_else(kind: str) -> None:
    rng = np.random.default_rng(7)
    exif = Image.Exif()
    exif[0x0112] = 6
    options = {"exif": exif} if kind in ("JPEG", "TIFF") else {}
    whole = saved(Image.fromarray(rng.integers(0, 255, (30, 40, 3), np.uint8)), kind, **options)
    for _ in range(150):
        data = bytearray(whole)
        reach = min(len(data), int(rng.choice([40, 400, len(data)])))
        for _ in range(int(rng.choice([1, 4, 16]))):
            data[int(rng.integers(reach))] = int(rng.integers(256))
        with contextlib.suppress(ImageError):
            assert read(bytes(data)).image.mode == "RGB"
