"""The scorecard's counts against cases worked by hand, and its parts on drawn pictures."""

from __future__ import annotations

import math
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("cv2", reason="needs the evaluate group")
pytest.importorskip("sklearn", reason="needs the evaluate group")

from app.settings import Settings
from app.vision.classic import ClassicEncoder
from onnx_models.asking import each, nearness, ways
from onnx_models.dataset import Row
from onnx_models.features import file_features
from onnx_models.metrics import (
    Interval,
    bootstrap,
    equal_error,
    false_accepts,
    macro_f1,
    picture_precision,
    product_ranks,
    reliability,
    roc_auc,
)
from onnx_models.scorecard import run as scorecard_run
from onnx_models.scorecard.bench import Bench, Photo, Result, colour_words
from onnx_models.scorecard.classify import BRANDS, brand, chosen, family
from onnx_models.scorecard.entrants import Joined, Pictures, Table
from onnx_models.scorecard.pictures import PICTURES, face, landscape, texture
from onnx_models.scorecard.report import bars, curves, table
from onnx_models.scorecard.run import PROTOCOLS
from onnx_models.scorecard.sheets import CELL, WORST, drawn_sheets, first_products
from onnx_models.scorecard.sift import SiftWords
from onnx_models.scorecard.similarity import across_views, colourways, retrieval
from onnx_models.scorecard.words import image_to_text, phrases, russian_title, text_to_image


def test_precision_over_pictures() -> None:
    # From picture 0 the order is 1 (right), 2 (wrong), 3 (right): AP = (1/1 + 2/3) / 2.
    angles = np.deg2rad([0, 10, 20, 30])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    products = np.array([7, 7, 8, 7])
    got = picture_precision(vectors[:1], products[:1], np.array([0]), vectors, products)
    assert got[0] == pytest.approx((1 + 2 / 3) / 2)


def test_roc_auc_counts_ordered_pairs() -> None:
    scores = np.array([0.9, 0.5, 0.5, 0.1])
    positive = np.array([True, True, False, False])
    # Pairs: .9>.5, .9>.1, .5=.5 (half), .5>.1.
    assert roc_auc(scores, positive) == pytest.approx(3.5 / 4)
    # The tied negative twice: pairs of weight 1+1, 2*(1+.5)=... right 1+.5 of it.
    assert roc_auc(scores, positive, np.array([1, 1, 2, 1])) == pytest.approx((2 + 1 + 1 + 1) / 6)


def test_equal_error() -> None:
    positive = np.array([True, True, True, True, False, False, False, False])
    apart = np.array([8, 7, 6, 5, 4, 3, 2, 1.0])
    assert equal_error(apart, positive) == 0
    # One of four on the wrong side each way.
    crossed = np.array([8, 7, 6, 3, 5, 2, 1, 0.5])
    assert equal_error(crossed, positive) == pytest.approx(0.25)


def test_false_accepts_at_recall() -> None:
    scores = np.concatenate([np.arange(20, dtype=float), [0.5, 1.5, 30, -3]])
    positive = np.arange(24) < 20
    # 95 % of 20 is 19: threshold 1, which 1.5 and 30 pass.
    assert false_accepts(scores, positive) == pytest.approx(0.5)


def test_macro_f1_by_hand() -> None:
    truth, guess = np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1])
    # Class 0: 2*2/(3+2) = .8; class 1: 2*1/(1+2) = 2/3; class 2 does not occur.
    assert macro_f1(truth, guess, 3) == pytest.approx((0.8 + 2 / 3) / 2)
    assert macro_f1(truth, np.array([0, 0, -1, 1]), 3) == pytest.approx((0.8 + 1) / 2)


def test_reliability_and_its_error() -> None:
    points, error = reliability(np.array([0.2, 0.2, 0.9, 0.9]), np.array([0, 1, 1, 1]) > 0)
    assert points == [[pytest.approx(0.2), 0.5, 2.0], [pytest.approx(0.9), 1.0, 2.0]]
    assert error == pytest.approx(0.5 * 0.3 + 0.5 * 0.1)


def test_bootstrap_draws_groups_together() -> None:
    values = np.array([1.0, 1, 0, 0])
    got = bootstrap(lambda w: float((w @ values) / w.sum()), np.array([0, 0, 1, 1]))
    assert got == Interval(0.5, 0.0, 1.0)


def photo(number: int, product: str, **more: str) -> Photo:
    row = Row(
        f"{number}.jpg", more.get("source", "footlocker_2018"), product, more.get("model_id", ""),
        more.get("brand", ""), more.get("category", "sneaker"), more.get("view", ""), "studio",
    )  # fmt: skip
    return Photo(row.file, row, colour_words(more.get("colour", "")), more.get("model", ""),
                 "", "", more.get("price", ""), "USD")  # fmt: skip


def bench(photos: list[Photo], tmp_path: Path) -> Bench:
    return Bench(tmp_path, photos, Settings(models_dir=tmp_path, home=tmp_path), tmp_path)


class Given:
    """An entrant whose vectors are given."""

    name, revision, sha256, dim = "given", "1", "0" * 64, 2

    def __init__(
        self, vectors: np.ndarray, parts: tuple | None = None, asking: np.ndarray | None = None
    ) -> None:
        self.vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        self.parts = parts
        self.asks = self.vectors if asking is None else asking

    def gallery(self, _: Bench) -> np.ndarray:
        return self.vectors

    def asking(self, _: Bench, rows: np.ndarray) -> np.ndarray:
        return self.asks[rows]

    def shots(self, _: Bench, rows: np.ndarray) -> np.ndarray:
        return self.vectors[rows]

    def made(self, _: Bench, __: str) -> None:
        return None


def test_a_photograph_is_as_near_as_the_best_of_its_ways() -> None:
    rng = np.random.default_rng(0)
    gallery = rng.normal(size=(60, 8)).astype(np.float32)
    gallery /= np.linalg.norm(gallery, axis=1, keepdims=True)
    codes, own = np.repeat(np.arange(20), 3), np.arange(0, 60, 2)
    asks = rng.normal(size=(len(own), 2, 8)).astype(np.float32)
    for measure in (product_ranks, picture_precision):
        one = each(measure, asks[:, :1], codes[own], own, gallery, codes)
        assert np.allclose(one, measure(asks[:, 0], codes[own], own, gallery, codes))
        both = each(measure, asks, codes[own], own, gallery, codes)
        for at, row in enumerate(own):
            near = np.maximum(gallery @ asks[at, 0], gallery @ asks[at, 1])
            assert np.allclose(nearness(asks[at], gallery), near, atol=1e-5)
            near[row] = -np.inf
            order = codes[np.argsort(-near)[:-1]]
            if measure is product_ranks:
                first = list(dict.fromkeys(order.tolist()))
                assert both[at] == 1 + first.index(codes[row])
            else:
                right = order == codes[row]
                assert both[at] == pytest.approx(
                    (np.cumsum(right) / np.arange(1, 60))[right].mean()
                )
        assert not np.allclose(one, both)


class Pixels:
    """An encoder of a picture's one number: it asks by it, and other shops by thrice its square."""

    name, revision, sha256, dim = "pixels", "1", "1" * 64, 2
    manifest = ClassicEncoder.named("hog").manifest
    has_catalogue, ways = False, 2

    def preprocess(self, image: Image.Image) -> np.ndarray:
        return np.asarray(image.resize((1, 1)).convert("L"), np.float32) / 255

    def encode_batch(self, pixels: np.ndarray) -> np.ndarray:
        return self.asking_batch(pixels)[:, 0]

    def asking_batch(self, pixels: np.ndarray) -> np.ndarray:
        one = pixels.reshape(-1, 1)
        first = np.concatenate([one, np.ones_like(one)], axis=1)
        first /= np.linalg.norm(first, axis=1, keepdims=True)
        return np.stack([first, 3 * first**2], axis=1)

    def catalogue_batch(self, pixels: np.ndarray) -> np.ndarray:
        return self.encode_batch(pixels)

    def encode_asking(self, images: list[Image.Image]) -> tuple[np.ndarray, np.ndarray]:
        ways = self.asking_batch(np.stack([self.preprocess(image) for image in images]))
        return ways, ways[:, 0]


def test_all_ways_are_kept_at_their_lengths(tmp_path: Path) -> None:
    for number in range(4):
        Image.new("RGB", (8, 8), (50 * number,) * 3).save(tmp_path / f"{number}.jpg")
    (tmp_path / "4.jpg").write_bytes(b"no picture")
    photos = bench([photo(number, str(number)) for number in range(5)], tmp_path)
    entrant = Pictures(Pixels())  # type: ignore[arg-type]
    for _ in range(2):  # encoded, then from the cache
        asks = ways(photos, entrant, np.arange(5))
        assert asks.shape == (5, 2, 2)
        assert np.isnan(asks[4]).all()
        assert np.allclose(np.linalg.norm(asks[:4, 0], axis=1), 1, atol=1e-3)
        assert np.allclose(asks[:4, 1], 3 * asks[:4, 0] ** 2, atol=4e-3)
    assert np.allclose(entrant.gallery(photos)[:4], asks[:4, 0], atol=1e-3)
    assert np.array_equal(
        ways(photos, Given(np.eye(5)), np.arange(3)), np.eye(5)[:3, None]
    )  # fmt: skip
    with pytest.raises(TypeError, match="asks by one vector"):
        file_features([ClassicEncoder.named("hog")], tmp_path, ["0.jpg"], ways=True)


def test_the_querys_own_view_does_not_count(tmp_path: Path) -> None:
    source = "bazaizai_multiview"
    photos = [
        photo(0, "a", view="side", source=source), photo(1, "a", view="side", source=source),
        photo(2, "a", view="top", source=source), photo(3, "b", view="top", source=source),
    ]  # fmt: skip
    # The twin in the same view is identical; the top view lies farther than the other product.
    vectors = np.array([[1, 0], [1, 0], [0.5, 0.9], [0.9, 0.3]], np.float32)
    entrant = Given(vectors)
    result = across_views(bench(photos, tmp_path), entrant, entrant.vectors)
    assert result.counts == {"queries": 3, "products": 1}
    # Both side views find "b" first; the top view (0.5, 0.9) has "b" at .69 before "a" at .49.
    assert result.figures["R@1"].value == 0
    assert result.figures["R@5"].value == 1


def test_clean_queries_ask_with_the_vectors_that_ask(tmp_path: Path) -> None:
    source = "bazaizai_multiview"
    photos = [photo(number, product, source=source) for number, product in enumerate("aabb")]
    kept = np.array([[1, 0], [0.6, 0.8], [0.8, 0.6], [0, 1]], np.float32)
    asks = kept[[1, 0, 3, 2]]  # each asks as its product's other picture is kept
    for asking, first in ((None, 0.0), (asks, 1.0)):
        found = retrieval(bench(photos, tmp_path), Given(kept, asking=asking), kept)
        assert found.figures["clean R@1"].value == first
        assert found.figures["reshot R@1"].value == 0.0


def test_shape_and_colour_parts_are_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = [
        photo(number, f"p{number}", model_id=model, colour=colour)
        for number, (model, colour) in enumerate(
            [("m1", "Black"), ("m1", "White"), ("m2", "Black"), ("m2", "White")]
        )
    ]
    monkeypatch.setattr(Row, "split", property(lambda _: "validation"))
    # First two numbers say the model, the last two the colour.
    vectors = np.array([[2, 0, 1, 0], [2, 0, 0, 1], [0, 2, 1, 0], [0, 2, 0, 1]], np.float32)
    entrant = Given(vectors, parts=((0, 2), (2, 4)))
    figures = colourways(bench(photos, tmp_path), entrant, entrant.vectors).figures
    assert figures["shape: model nearer"].value == 1
    assert figures["colour: model nearer"].value == 0
    assert figures["colour: colour@1"].value == 1
    assert figures["shape: colour@1"].value == 0
    assert figures["whole: model first"].value == 1


def test_brand_classes_and_both_splits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        Row, "split", property(lambda row: "validation" if int(row.file[:-4]) % 5 == 0 else "train")
    )
    names = ["nike", "vans", "puma"]
    photos = [photo(n, f"p{n}", brand=names[n % 3]) for n in range(300)]
    photos += [photo(300 + n, f"r{n}", brand="rare") for n in range(4)]
    made = bench(photos, tmp_path)
    assert sorted(chosen(made, made.brands, BRANDS)) == sorted(names)
    rng = np.random.default_rng(0)
    vectors = np.eye(8)[[n % 3 for n in range(300)] + [4] * 4] + rng.normal(0, 0.1, (304, 8))
    entrant = Given(vectors)
    result = brand(made, entrant, entrant.vectors)
    assert result.counts["test"] == 60
    for key in ("disjoint SVM", "disjoint logistic", "disjoint boosting", "leaky SVM"):
        assert result.figures[key].value > 0.95
    noise = Given(rng.normal(0, 1, (304, 8)))
    assert brand(made, noise, noise.vectors).figures["disjoint SVM"].value < 0.6


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("Air Jordan 1 Retro High OG", "jordan 1 high"),
        ("Nike Air Max 90", "air max 90"),
        ("nike air max 1 premium", "air max 1"),
        ("Air Max 180", ""),
        ("adidas Ultraboost 22", "ultra boost"),
    ],
)
def test_families(text: str, want: str) -> None:
    assert family(text) == want


def test_colour_words() -> None:
    assert colour_words("Black / Navy Blue") == ("black", "blue")
    assert colour_words("Gray/Varsity Red, Navy") == ("grey", "red", "blue")
    assert colour_words("") == ()


def test_russian_words() -> None:
    shoe = photo(0, "p", brand="nike", model="Nike Air Max 90", colour="Black / Red")
    assert russian_title(shoe) == "чёрные красные кроссовки найк air max 90"
    assert phrases("type", "sandals") == {"en": "sandals", "ru": "сандалии"}


class Told:
    """A tower that looks along the first number for nike, along the second for anything else."""

    def encode(self, texts: list[str]) -> np.ndarray:
        return np.array([[1.0, 0.0] if "nike" in text or "найк" in text else [0.0, 1.0]
                         for text in texts])  # fmt: skip


def test_precision_counts_values_that_ten_products_have_by_themselves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of six pumas ten cannot be found."""
    brands = ["nike"] * 12 + ["puma"] * 6 + ["fila"] * 4
    # Colours that are a name's last word, and a shop that calls all it has a sneaker, tell nothing.
    colour, kind = "Shattered Backboard", "sneaker"
    asked = bench([photo(i, f"p{i}", brand=b, colour=colour, category=kind if b == "fila" else
                         "sneaker/sports") for i, b in enumerate(brands)], tmp_path)  # fmt: skip
    asked.splits[:] = "test"
    vectors = np.array([[1.0, i / 99] if b == "nike" else [i / 99, 1.0]
                        for i, b in enumerate(brands)])  # fmt: skip
    entrant = Given(vectors)
    monkeypatch.setattr("onnx_models.scorecard.words.text_tower", lambda *_: (Told(), ""))
    result = text_to_image(asked, entrant, entrant.vectors)
    for language in ("en", "ru"):
        assert result.figures[f"brand {language} P@10"].value == pytest.approx((1.0 + 0.6) / 2)
        assert result.figures[f"brand {language} P@10 of ten"].value == 1.0
    assert result.counts["brand values"] == 2
    assert result.counts["brand values of ten"] == 1
    assert [note for note in result.notes if note.startswith("brand")] == [
        "brand by chance 0.409, at best 0.800"
    ]
    assert result.figures["type en P@10 of ten"].value == 1.0
    assert "type by chance 1.000, at best 1.000" in result.notes, "filas are of no known kind"
    assert "colour en P@10" not in result.figures


@pytest.mark.parametrize(
    ("said", "label", "right"),
    [("sports", "sneaker/sports", True), ("sneaker", "sneaker/casual", True),
     ("formal", "formal shoes", True), ("cleats", "cleat", True), ("boots", "boot", True),
     ("sports", "sandals", False), ("flats", "heels", False), (None, "sneaker/casual", False)],
)  # fmt: skip
def test_what_a_head_calls_a_type_is_that_type(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str | None, label: str, right: bool
) -> None:
    others = [photo(i, f"p{i}", category=c) for i, c in enumerate([label] * 5 + ["heels"] * 5)]
    asked = bench([*others, *(photo(9 + i, f"q{i}", category="sandals") for i in range(5))],
                  tmp_path)  # fmt: skip
    asked.splits[:] = "test"
    none = SimpleNamespace(brand=None, colours=(), category=None)
    heard = [SimpleNamespace(brand=None, colours=(), category=said)] + [none] * 14
    monkeypatch.setattr("onnx_models.scorecard.words.text_tower", lambda *_: (None, "none"))
    monkeypatch.setattr("onnx_models.scorecard.words.attributes", lambda *_: heard)
    monkeypatch.setattr("onnx_models.scorecard.words.photographs", lambda *_: [])
    entrant = Given(np.ones((15, 2)))
    head = image_to_text(asked, entrant, entrant.vectors).figures["type head"]
    assert head.value == pytest.approx(right / 15)


def test_a_result_depends_on_its_own_protocol_and_what_all_share(tmp_path: Path) -> None:
    """A change of how words are measured leaves the other results as they are."""
    package = Path(scorecard_run.__file__).parent
    for file in package.glob("*.py"):
        (tmp_path / file.name).write_bytes(file.read_bytes())

    def sources() -> dict[str, str]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(scorecard_run, "__file__", str(tmp_path / "run.py"))
            return {
                name: scorecard_run._source.__wrapped__(protocol.measure.__module__)
                for name, protocol in PROTOCOLS.items()
            }

    def changed(file: str) -> set[str]:
        before = sources()
        with (tmp_path / file).open("a") as more:
            more.write("# more\n")
        return {name for name, digest in sources().items() if digest != before[name]}

    assert changed("words.py") == {"text", "caption"}
    assert changed("classify.py") == {"brand", "silhouette", "shoe", "wild"}
    assert changed("bench.py") == set(PROTOCOLS)
    assert changed("report.py") == set()


def test_made_pictures_are_the_same_every_time() -> None:
    for draw in (texture, face, landscape):
        first, again = (draw(np.random.default_rng(5)) for _ in range(2))
        other = draw(np.random.default_rng(6))
        assert first.size == (240, 240)
        assert first.tobytes() == again.tobytes() != other.tobytes()
    assert set(PICTURES) == {"textures", "faces", "landscapes", "backgrounds", "localised"}


def test_sift_words_tell_textures_apart() -> None:
    rng = np.random.default_rng(0)
    words = SiftWords(np.abs(rng.normal(0, 0.09, (32, 128))))
    pictures = [face(np.random.default_rng(n)) for n in (1, 1, 2)]
    vectors = words.encode(pictures)
    assert SiftWords(words.vocabulary, "learned from").sha256 == "learned from" != words.sha256
    assert vectors.shape == (3, 33)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 1, 1], abs=1e-5)
    assert vectors[0] @ vectors[1] == pytest.approx(1)
    assert vectors[0] @ vectors[2] < 0.999
    assert Pictures(words).name == "sift-words"


def test_joined_weigh_the_same(tmp_path: Path) -> None:
    one = Given(np.array([[1.0, 0], [0, 1]]))
    two = Given(np.array([[3.0, 0], [5, 0]]))
    both = Joined("both", [one, two])
    vectors = both.gallery(bench([photo(0, "a"), photo(1, "b")], tmp_path))
    assert vectors.shape == (2, 4)
    assert vectors[0] @ vectors[1] == pytest.approx((0 + 1) / 2)


def test_the_label_table_reads_neither_brand_nor_model(tmp_path: Path) -> None:
    photos = [
        photo(0, "a", brand="nike", model="x", colour="Red"),
        photo(1, "b", brand="vans", colour="Red"),
        photo(2, "c", colour="Blue", category="boot", price="90"),
    ]  # fmt: skip
    vectors = Table().gallery(bench(photos, tmp_path))
    assert vectors[0] @ vectors[1] == pytest.approx(1)
    assert vectors[0] @ vectors[2] < 0.7


def test_table_and_drawings(tmp_path: Path) -> None:
    results = {
        "a": Result({"x": Interval(0.5, 0.4, 0.6)}, {"queries": 1200}, {}, []),
        "b": Result({}, {}, {}, ["has no x"]),
    }
    text = table(results, {"a": "1", "b": "2"})
    assert "n: queries 1,200" in text
    assert "| a r1 | 0.500 [0.400, 0.600] |" in text
    assert "| b r2 | - |" in text
    assert text.endswith("- b: has no x\n")
    bars(tmp_path / "b.svg", "t", ["a", "b"], {"x": [results["a"].figures["x"], None]})
    curves(tmp_path / "c.svg", "t", {"a": [[0.1, 0.2, 3], [0.9, 0.8, 4]]})
    import xml.etree.ElementTree as ET

    for name in ("b.svg", "c.svg"):
        assert ET.parse(tmp_path / name).getroot().tag.endswith("svg")
    assert math.isfinite((tmp_path / "b.svg").stat().st_size)


def test_sheets_of_drawn_shoes(tmp_path: Path) -> None:
    paths = drawn_sheets(ClassicEncoder.named("hsv-histogram"), tmp_path, products=12)
    assert [path.name for path in paths] == ["queries.jpg", "worst.jpg", "worst.md"]
    with Image.open(paths[1]) as worst:
        assert worst.height == WORST * (CELL + 14)
    text = paths[2].read_text()
    ranks = [int(rank) for rank in re.findall(r"came at rank (\d+)", text)]
    assert len(ranks) == WORST
    assert ranks == sorted(ranks, reverse=True)
    assert ranks[-1] >= 1


def test_first_products_show_each_product_once() -> None:
    scores = np.array([0.9, 0.8, 0.7, 0.95])
    assert first_products(scores, np.array([1, 1, 2, 3])) == [3, 0, 2]
