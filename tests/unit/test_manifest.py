"""app.vision.manifest and app.vision.preprocess."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from app.errors import EncoderError
from app.vision.manifest import (
    ClassicManifest,
    Input,
    OnnxManifest,
    canonical_image,
    parse_manifest,
    read_manifest,
    write_manifest,
)
from app.vision.preprocess import fit, to_array


def described(**changes: Any) -> dict[str, Any]:
    return {
        "schema": 1, "name": "solemate-s1", "revision": "1", "kind": "onnx", "dim": 4,
        "file": "model.onnx", "sha256": "0" * 64, "licence": "MIT", "training_data": "none",
        "input": {
            "name": "pixels", "layout": "NHWC", "dtype": "uint8", "height": 8, "width": 8,
            "resize": "letterbox", "interpolation": "bilinear", "antialias": True,
            "fill": [255, 255, 255], "scale": None, "mean": None, "std": None,
        },
        "output": {"name": "embedding", "normalise": True},
        "parts": {"shape": [0, 3], "colour": [3, 4]},
        "calibration": {"same": 0.8, "similar": 0.5, "how": "validation pairs"},
        "canonical": {"image": "gradient-v1", "vector": [0.5] * 4, "tolerance": 0.002},
        **changes,
    }  # fmt: skip


def spec(**changes: Any) -> Input:
    return Input(**{**described()["input"], **changes})


def test_the_contract_is_read_and_written_back(tmp_path: Path) -> None:
    manifest = parse_manifest({**described(), "notes": "kept by the recipe, ignored here"})
    assert isinstance(manifest, OnnxManifest)
    assert manifest.input.fill == (255, 255, 255)
    assert manifest.parts is not None
    assert manifest.parts.colour == (3, 4)
    write_manifest(manifest, tmp_path)
    assert read_manifest(tmp_path) == manifest


def test_how_a_kept_vector_asks_is_read_and_checked() -> None:
    parts = described()["parts"]
    louder = [{"span": [0, 2], "factor": 0.5}, {"span": [2, 3], "factor": 4}]
    manifest = parse_manifest(described(parts={**parts, "asks": louder}))
    assert isinstance(manifest, OnnxManifest)
    assert manifest.parts is not None
    assert [(one.span, one.factor) for one in manifest.parts.asks] == [((0, 2), 0.5), ((2, 3), 4)]
    for wrong in ({"span": [2, 2], "factor": 1}, {"span": [0, 1], "factor": -1}):
        with pytest.raises(EncoderError, match=r"asks|empty"):
            parse_manifest(described(parts={**parts, "asks": [wrong]}))


def test_parts_and_calibration_may_be_null() -> None:
    manifest = parse_manifest(described(parts=None, calibration=None))
    assert (manifest.parts, manifest.calibration) == (None, None)


def test_classic() -> None:
    data = {
        "schema": 1, "name": "hsv", "revision": "1", "kind": "classic", "dim": 512,
        "licence": "MIT", "training_data": "none", "method": "hsv-histogram", "calibration": None,
    }  # fmt: skip
    manifest = parse_manifest(data)
    assert isinstance(manifest, ClassicManifest)
    assert len(manifest.sha256) == 64
    renamed = parse_manifest({**data, "revision": "2"})
    assert renamed.sha256 != manifest.sha256
    with pytest.raises(EncoderError, match="method"):
        parse_manifest({**data, "method": "guess"})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"schema": 2}, "schema"),
        ({"kind": "pickle"}, "kind"),
        ({"name": "../x"}, "name"),
        ({"dim": 0}, "dim"),
        ({"dim": 5}, "canonical.vector has 4 values"),
        ({"file": "../model.onnx"}, "file"),
        ({"sha256": "abc"}, "sha256"),
        ({"input": {**described()["input"], "layout": "HWC"}}, "input.layout"),
        ({"input": {**described()["input"], "height": -1}}, "input.height"),
        ({"input": {**described()["input"], "fill": [0, 0, 300]}}, "input.fill"),
        ({"input": {**described()["input"], "scale": 0.1}}, "uint8 input takes no scale"),
        ({"input": {**described()["input"], "antialias": False}}, "input.antialias"),
        (
            {"input": {**described()["input"], "dtype": "float32", "std": [1, 0, 1]}},
            "std holds a zero",
        ),
        ({"input": {**described()["input"], "short_side": 4}}, "short_side"),
        ({"parts": {"shape": [0, 3], "colour": [3, 9]}}, "beyond dim"),
        ({"parts": {"shape": [3, 3], "colour": [3, 4]}}, "a part is empty"),
        ({"calibration": {"same": 2, "similar": 0.5, "how": "x"}}, "calibration.same"),
        ({"canonical": {"image": "cat", "vector": [0.5] * 4, "tolerance": 0.1}}, "canonical.image"),
    ],
)
def test_a_fault_is_named(change: dict[str, Any], words: str) -> None:
    with pytest.raises(EncoderError, match=words):
        parse_manifest(described(**change))


@pytest.mark.parametrize("key", sorted(described()))
def test_every_key_is_needed(key: str) -> None:
    data = described()
    del data[key]
    with pytest.raises(EncoderError, match=key):
        parse_manifest(data)


def test_folder_without_manifest_and_broken_json(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match="holds no manifest"):
        read_manifest(tmp_path)
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(EncoderError, match="cannot be read"):
        read_manifest(tmp_path)
    (tmp_path / "manifest.json").write_text(json.dumps([1]))
    with pytest.raises(EncoderError):
        read_manifest(tmp_path)


def test_canonical_image_is_as_specified() -> None:
    pixels = np.asarray(canonical_image())
    assert pixels.shape == (240, 320, 3)
    for x, y in ((0, 0), (319, 239), (17, 200), (300, 100)):
        assert pixels[y, x].tolist() == [x * 255 // 319, y * 255 // 239, (x + y) * 255 // 558]
    assert (pixels[90:150, 60:260] == (200, 30, 40)).all()
    assert pixels[89, 60].tolist() != [200, 30, 40]
    assert pixels[149, 260].tolist() != [200, 30, 40]


@pytest.mark.parametrize(
    ("size", "box"),
    [((40, 20), (0, 2, 8, 6)), ((20, 40), (2, 0, 6, 8)), ((30, 30), (0, 0, 8, 8)),
     ((800, 2), (0, 3, 8, 4)), ((4, 3), (0, 1, 8, 7))],
)  # fmt: skip
def test_letterbox_is_centred_with_floor_offset(
    size: tuple[int, int], box: tuple[int, int, int, int]
) -> None:
    fitted = np.asarray(fit(Image.new("RGB", size, (10, 20, 30)), spec(fill=(255, 0, 255))))
    want = np.full((8, 8, 3), (255, 0, 255), np.uint8)
    want[box[1] : box[3], box[0] : box[2]] = (10, 20, 30)
    assert np.array_equal(fitted, want)


def test_stretch_and_crop() -> None:
    halves = Image.new("RGB", (32, 8), "white")
    halves.paste((0, 0, 0), (0, 0, 12, 8))
    stretched = np.asarray(fit(halves, spec(resize="stretch", interpolation="box")))
    assert stretched[0, :, 0].tolist() == [0, 0, 0, 255, 255, 255, 255, 255]
    cropped = np.asarray(fit(halves, spec(resize="crop", interpolation="box")))
    assert np.array_equal(cropped, np.full((8, 8, 3), 255))
    assert fit(halves, spec(resize="crop", short_side=10)).size == (8, 8)
    assert fit(Image.new("RGB", (7, 500)), spec(resize="crop")).size == (8, 8)


def test_arithmetic_and_layout() -> None:
    image = Image.new("RGB", (8, 8), (0, 51, 255))
    float_spec = spec(
        dtype="float32", layout="NCHW", scale=1 / 255, mean=[0.5, 0.5, 0.5], std=[0.5, 0.25, 1.0]
    )
    array = to_array(image, float_spec)
    assert (array.shape, array.dtype) == ((3, 8, 8), np.float32)
    assert array.flags.c_contiguous
    assert np.allclose(array[:, 0, 0], [-1, -1.2, 0.5], atol=1e-6)
    plain = to_array(image.convert("L"), spec())
    assert (plain.shape, plain.dtype) == ((8, 8, 3), np.uint8)
