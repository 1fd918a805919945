"""app.vision.encoder, classic, registry and session, with a tiny model written byte by byte."""

from __future__ import annotations

import builtins
import hashlib
import json
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from app.errors import EncoderError
from app.settings import ROOT, Settings
from app.vision import classic
from app.vision.encoder import Encoder
from app.vision.manifest import canonical_image
from app.vision.registry import encoder_names, open_encoder
from app.vision.session import available_cores, build_session, default_threads
from onnx_models.adopt import adopt
from onnx_models.bench import main_bench
from tests.unit.companions import of_means

DIM = 4
SIDE = 8


def field(number: int, value: int | bytes | str) -> bytes:
    """One protobuf field: varint or length-delimited."""

    def varint(n: int) -> bytes:
        out = b""
        while n > 127:
            out, n = out + bytes([n & 127 | 128]), n >> 7
        return out + bytes([n])

    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def tiny_model(seed: int = 0, *, batch: int | None = None, layout: str = "NHWC") -> bytes:
    """Flatten, cast, multiply by a fixed random matrix; field numbers from onnx.proto3 (IR 8)."""

    def node(op: str, inputs: list[str], output: str, attribute: bytes = b"") -> bytes:
        body = b"".join(field(1, name) for name in inputs) + field(2, output) + field(4, op)
        return field(1, body + (field(5, attribute) if attribute else b""))

    def value(number: int, name: str, kind: int, dims: list[int | str]) -> bytes:
        shape = b"".join(field(1, field(1 if isinstance(d, int) else 2, d)) for d in dims)
        tensor = field(1, kind) + field(2, shape)
        return field(number, field(1, name) + field(2, field(1, tensor)))

    size = SIDE * SIDE * 3
    weights = np.random.default_rng(seed).normal(size=(size, DIM)).astype("<f4")
    matrix = (
        field(1, size) + field(1, DIM) + field(2, 1) + field(8, "w") + field(9, weights.tobytes())
    )
    shape: list[int | str] = [SIDE, SIDE, 3] if layout == "NHWC" else [3, SIDE, SIDE]
    first: int | str = batch or "n"
    graph = (
        node("Flatten", ["pixels"], "flat", field(1, "axis") + field(3, 1) + field(20, 2))
        + node("Cast", ["flat"], "floats", field(1, "to") + field(3, 1) + field(20, 2))
        + node("MatMul", ["floats", "w"], "embedding")
        + field(2, "tiny")
        + field(5, matrix)
        + value(11, "pixels", 2, [first, *shape])
        + value(12, "embedding", 1, [first, DIM])
    )
    return field(1, 8) + field(7, graph) + field(8, field(1, "") + field(2, 13))


def make_folder(
    folder: Path, *, data: bytes | None = None, edit: dict[str, Any] | None = None
) -> Path:
    """An encoder folder made as a stranger's model is adopted; ``edit`` changes its manifest."""
    source = folder / "source"
    source.mkdir(parents=True)
    (source / "model.onnx").write_bytes(data or tiny_model())
    (source / "preprocess.json").write_text(
        json.dumps({"input": "pixels uint8 NHWC", "resize": "bilinear, white pad"})
    )
    adopt(source, folder / "tiny")
    if edit:
        path = folder / "tiny" / "manifest.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **edit}))
    return folder / "tiny"


def pictures(count: int) -> list[Image.Image]:
    rng = np.random.default_rng(5)
    return [Image.fromarray(rng.integers(0, 255, (20, 30, 3), np.uint8)) for _ in range(count)]


def test_vectors_are_the_model_s_normalised(tmp_path: Path) -> None:
    encoder = Encoder.load(make_folder(tmp_path))
    assert (encoder.name, encoder.revision, encoder.dim) == ("source", "1", DIM)
    assert encoder.sha256 == hashlib.sha256(tiny_model()).hexdigest()
    pixels = np.stack([encoder.preprocess(picture) for picture in pictures(3)])
    weights = np.random.default_rng(0).normal(size=(SIDE * SIDE * 3, DIM)).astype(np.float32)
    raw = pixels.reshape(3, -1).astype(np.float32) @ weights
    want = raw / np.linalg.norm(raw, axis=1, keepdims=True)
    got = encoder.encode_batch(pixels)
    assert got.dtype == np.float32
    assert np.allclose(got, want, atol=1e-5)
    assert np.allclose(encoder.encode(pictures(3)), got, atol=1e-6)


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 33])
@pytest.mark.parametrize("batch", [None, 1, 4])
def test_any_number_of_pictures(tmp_path: Path, count: int, batch: int | None) -> None:
    encoder = Encoder.load(make_folder(tmp_path, data=tiny_model(batch=batch)))
    all_at_once = encoder.encode(pictures(count))
    assert all_at_once.shape == (count, DIM)
    for index, picture in enumerate(pictures(count)):
        assert np.allclose(encoder.encode([picture])[0], all_at_once[index], atol=1e-5)


def test_wrong_shape_or_type_is_refused(tmp_path: Path) -> None:
    encoder = Encoder.load(make_folder(tmp_path))
    with pytest.raises(EncoderError, match=r"takes uint8 \(8, 8, 3\)"):
        encoder.encode_batch(np.zeros((1, 9, 8, 3), np.uint8))
    with pytest.raises(EncoderError, match="given float32"):
        encoder.encode_batch(np.zeros((1, 8, 8, 3), np.float32))


def test_a_zero_vector_is_an_error_not_a_result(tmp_path: Path) -> None:
    encoder = Encoder.load(make_folder(tmp_path))
    with pytest.raises(EncoderError, match="zero or not finite"):
        encoder.encode_batch(np.zeros((1, 8, 8, 3), np.uint8))


def test_altered_model_file(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    (folder / "model.onnx").write_bytes(tiny_model(seed=1))
    with pytest.raises(EncoderError, match="not the file its manifest describes"):
        Encoder.load(folder)
    assert Encoder.load(folder, verify=False).dim == DIM


def test_other_canonical_vector(tmp_path: Path) -> None:
    canonical = {"image": "gradient-v1", "vector": [0.5] * DIM, "tolerance": 0.002}
    folder = make_folder(tmp_path, edit={"canonical": canonical})
    with pytest.raises(EncoderError, match="does not reproduce its canonical vector"):
        Encoder.load(folder)


def test_canonical_difference_is_reported(tmp_path: Path) -> None:
    assert Encoder.load(make_folder(tmp_path)).check_canonical() < 1e-5


def test_missing_model_file(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    (folder / "model.onnx").unlink()
    with pytest.raises(EncoderError, match="cannot be read"):
        Encoder.load(folder)


def test_file_that_is_no_model(tmp_path: Path) -> None:
    rubbish = b"not a model"
    folder = make_folder(tmp_path, edit={"sha256": hashlib.sha256(rubbish).hexdigest()})
    (folder / "model.onnx").write_bytes(rubbish)
    with pytest.raises(EncoderError, match="no model that onnxruntime can run"):
        Encoder.load(folder)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"input": {"name": "image"}}, "has inputs"),
        ({"input": {"dtype": "float32"}}, "takes tensor"),
        ({"input": {"height": 9}}, "takes tensor"),
        ({"output": {"name": "vector", "normalise": True}}, "has outputs"),
        ({"dim": 3, "canonical": {"vector": [0.5] * 3}}, "returns"),
    ],
)
def test_graph_and_manifest_must_agree(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    folder = make_folder(tmp_path)
    path = folder / "manifest.json"
    data = json.loads(path.read_text())
    for key, value in change.items():
        data[key] = {**data[key], **value} if isinstance(value, dict) else value
    path.write_text(json.dumps(data))
    with pytest.raises(EncoderError, match=words):
        Encoder.load(folder)


def test_threads_share_an_encoder(tmp_path: Path) -> None:
    encoder = Encoder.load(make_folder(tmp_path), threads=1)
    batch = pictures(20)
    want = encoder.encode(batch)
    wrong: list[float] = []

    def work() -> None:
        for _ in range(10):
            difference = float(np.abs(encoder.encode(batch) - want).max())
            if difference > 1e-6:
                wrong.append(difference)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.parametrize("name", classic.NAMES)
def test_classic_descriptors(name: str, tmp_path: Path) -> None:
    if "foreground" in name or "lab" in name:
        pytest.importorskip("cv2")
    encoder = open_encoder(name, Settings(models_dir=tmp_path, home=tmp_path))
    vectors = encoder.encode([*pictures(2), canonical_image(), Image.new("RGB", (9, 9), "white")])
    assert vectors.shape == (4, encoder.dim)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert encoder.encode([]).shape == (0, encoder.dim)
    assert encoder.name == name
    with pytest.raises(EncoderError, match="takes uint8"):
        encoder.encode_batch(np.zeros((1, 8, 8, 3), np.uint8))


def test_colour_histogram_knows_colour_and_hog_knows_shape(tmp_path: Path) -> None:
    def scene(colour: str, box: tuple[int, int, int, int]) -> Image.Image:
        image = Image.new("RGB", (128, 128), "white")
        image.paste(colour, box)
        return image

    low, tall = (10, 60, 118, 100), (50, 5, 80, 120)
    red, red_tall, blue = scene("red", low), scene("red", tall), scene("blue", low)
    settings = Settings(models_dir=tmp_path, home=tmp_path)
    a, b, c = open_encoder("hsv-histogram", settings).encode([red, red_tall, blue])
    assert a @ b > a @ c
    a, b, c = open_encoder("hog", settings).encode([red, red_tall, blue])
    assert a @ c > a @ b


def test_foreground_histogram_ignores_the_backdrop() -> None:
    pytest.importorskip("cv2")
    shots = []
    for backdrop in ("white", (225, 230, 228)):
        image = Image.new("RGB", (128, 128), backdrop)
        image.paste((180, 40, 20), (20, 40, 110, 90))
        shots.append(image)
    a, b = classic.ClassicEncoder.named("hsv-histogram-foreground").encode(shots)
    assert a @ b > 0.99


def test_opencv_is_asked_for_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without_cv2(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "cv2":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_cv2)
    assert classic.ClassicEncoder.named("hsv-histogram").encode(pictures(1)).shape == (1, 512)
    with pytest.raises(EncoderError, match=r"pip install solemate\[evaluate\]"):
        classic.ClassicEncoder.named("lab-histogram").encode(pictures(1))


def test_registry(tmp_path: Path) -> None:
    models = tmp_path / "models"
    folder = make_folder(models)
    settings = Settings(models_dir=models, home=tmp_path / "home")
    assert encoder_names(settings) == ["tiny", *classic.NAMES]
    assert open_encoder("tiny", settings).dim == DIM
    assert open_encoder(folder, settings).dim == DIM
    with pytest.raises(EncoderError, match=r"no encoder 'none'; known: tiny, hsv"):
        open_encoder("none", settings)
    with pytest.raises(EncoderError, match="holds no manifest"):
        open_encoder(models, settings)


def test_classic_folder(tmp_path: Path) -> None:
    data = {
        "schema": 1, "name": "mine", "revision": "3", "kind": "classic", "dim": 512,
        "licence": "MIT", "training_data": "none", "method": "hsv-histogram",
        "calibration": {"same": 0.95, "similar": 0.6, "how": "looked at"},
    }  # fmt: skip
    (tmp_path / "mine").mkdir()
    path = tmp_path / "mine" / "manifest.json"
    path.write_text(json.dumps(data))
    settings = Settings(models_dir=tmp_path, home=tmp_path)
    encoder = open_encoder("mine", settings)
    assert encoder.revision == "3"
    assert encoder.manifest.calibration is not None
    with pytest.raises(EncoderError, match="not an ONNX model"):
        Encoder.load(tmp_path / "mine")
    path.write_text(json.dumps({**data, "dim": 100}))
    with pytest.raises(EncoderError, match="512 dimensions"):
        open_encoder("mine", settings)


def test_adoption_never_guesses(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(tiny_model())
    facts = tmp_path / "preprocess.json"
    with pytest.raises(EncoderError, match="cannot be adopted"):
        adopt(tmp_path, tmp_path / "out")
    facts.write_text(json.dumps({"input": "uint8", "resize": "bilinear, white pad"}))
    with pytest.raises(EncoderError, match="not stated"):
        adopt(tmp_path, tmp_path / "out")
    facts.write_text(json.dumps({"input": "uint8 NHWC"}))
    with pytest.raises(EncoderError, match="how to resize"):
        adopt(tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_session_options(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(tiny_model())
    session = build_session(path, 1)
    options = session.get_session_options()
    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (1, 1)
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"
    assert 1 <= default_threads() <= min(4, available_cores())


def test_shipped_encoders_are_sound() -> None:
    """Digest, graph and canonical vector of every encoder folder in the checkout."""
    folders = [path.parent for path in (ROOT / "onnx_models").glob("*/manifest.json")]
    if not folders:
        pytest.skip("no encoder is shipped")
    for folder in folders:
        encoder = Encoder.load(folder)
        assert encoder.name == folder.name
        assert encoder.check_canonical() <= encoder.manifest.canonical.tolerance


def test_bench(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = make_folder(tmp_path)
    speeds = main_bench(folder, threads=(1,), batches=(1, 8), seconds=0.01)
    assert [(speed.threads, speed.batch) for speed in speeds] == [(1, 1), (1, 8)]
    for speed in speeds:
        assert speed.n >= 3
        assert speed.images_per_s == pytest.approx(speed.batch / speed.median_ms * 1000)
    assert capsys.readouterr().out.count("\n| 1 |") == 2
    with pytest.raises(EncoderError, match="no session to time"):
        main_bench("hsv-histogram")


def test_a_catalogue_keeps_other_vectors_than_those_that_ask(tmp_path: Path) -> None:
    encoder = of_means(tmp_path / "two", features=True, catalogue=True)
    pixels = np.stack([encoder.preprocess(Image.new("RGB", (40, 40), (10, 20, 30)))] * 11)
    asks, kept = np.array([1, 2, 3]) / 14**0.5, np.array([1, 4, 9]) / 98**0.5
    assert np.allclose(encoder.encode_batch(pixels), asks, atol=1e-3)
    assert np.allclose(encoder.catalogue_batch(pixels), kept, atol=1e-3)
    for vectors, catalogue in ((asks, False), (kept, True)):
        found, features = encoder.features_batch(pixels, catalogue=catalogue)
        assert np.allclose(found, vectors, atol=1e-3)
        assert np.allclose(features, [100, 200, 300], rtol=1e-3)


@pytest.mark.parametrize("features", [False, True])
def test_a_picture_asks_other_shops_by_a_vector_of_its_own_length(
    tmp_path: Path, features: bool
) -> None:
    encoder = of_means(tmp_path / "two", features=features, elsewhere=True)
    assert encoder.ways == 2
    images = [Image.new("RGB", (40, 40), (10, 20, 30))] * 11
    ways, seen = encoder.encode_asking(images)
    unit = np.array([1, 2, 3]) / 14**0.5
    assert ways.shape == (11, 2, 3)
    assert np.allclose(ways[:, 0], unit, atol=1e-3)
    assert np.allclose(ways[:, 1], [20, 40, 60], rtol=1e-3), "not of length 1"
    assert np.allclose(seen, [100, 200, 300] if features else unit, rtol=1e-3)
    pixels = np.stack([encoder.preprocess(image) for image in images])
    assert np.allclose(encoder.asking_batch(pixels), ways)
    assert encoder.asking_batch(pixels[:0]).shape == (0, 2, 3)


def test_an_encoder_with_one_way_asks_by_it(tmp_path: Path) -> None:
    encoder = of_means(tmp_path / "one", features=True)
    assert encoder.ways == 1
    ways, features = encoder.encode_asking(pictures(3))
    vectors, same = encoder.encode_features(pictures(3))
    assert np.array_equal(ways, vectors[:, None])
    assert np.array_equal(features, same)


def test_one_vector_serves_both_where_the_graph_has_one(tmp_path: Path) -> None:
    encoder = of_means(tmp_path / "one")
    pixels = np.stack([encoder.preprocess(picture) for picture in pictures(3)])
    assert np.array_equal(encoder.catalogue_batch(pixels), encoder.encode_batch(pixels))
    plain = classic.ClassicEncoder.named("hsv-histogram")
    pixels = np.stack([plain.preprocess(picture) for picture in pictures(3)])
    assert np.array_equal(plain.catalogue_batch(pixels), plain.encode_batch(pixels))


def test_a_catalogue_vector_of_another_length_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match=r"returns \['n', 2\], the manifest says \(n, 3\)"):
        of_means(tmp_path / "two", catalogue=True, width=2)
