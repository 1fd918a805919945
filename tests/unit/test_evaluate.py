"""onnx_models.metrics, features and evaluate: against hand-made cases, and once on real data."""

from __future__ import annotations

import csv
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

pytest.importorskip("cv2", reason="needs the evaluate group")

from app.errors import BadInput, EncoderError
from app.settings import Settings
from app.vision.classic import ClassicEncoder
from onnx_models import evaluate as scorecard
from onnx_models.evaluate import evaluate, main_evaluate, resolve_encoder
from onnx_models.features import file_features
from onnx_models.metrics import bootstrap_mean, pair_auc, product_ranks, triplet_agreement
from onnx_models.scorecard.bench import read_bench
from onnx_models.scorecard.elsewhere import mates, other_shop
from onnx_models.scorecard.run import PROTOCOLS


def rows(*values: tuple[float, ...]) -> np.ndarray:
    array = np.asarray(values, np.float32)
    return array / np.linalg.norm(array, axis=1, keepdims=True)


def test_ranks_count_products_and_leave_the_query_out() -> None:
    gallery = rows((1, 0), (0.8, 0.6), (0.95, 0.3), (0.94, 0.3), (0, 1))
    products = np.array([0, 0, 1, 1, 2])
    # Query = row 0. Its product's other picture comes after product 1, whose two count once.
    assert product_ranks(gallery[:1], products[:1], np.array([0]), gallery, products).tolist() == [
        2
    ]
    assert product_ranks(
        gallery[2:3], products[2:3], np.array([2]), gallery, products
    ).tolist() == [1]


def test_a_tie_is_not_a_find() -> None:
    gallery = rows((1, 0), (1, 0), (1, 0))
    products = np.array([0, 0, 1])
    assert product_ranks(gallery[:1], products[:1], np.array([0]), gallery, products).tolist() == [
        2
    ]


def test_bootstrap_resamples_groups() -> None:
    values = np.repeat([0.0, 1.0], 50)
    alone = bootstrap_mean(values, np.arange(100))
    grouped = bootstrap_mean(values, np.repeat([0, 1], 50))
    assert alone.value == grouped.value == 0.5
    assert 0.35 < alone.low < 0.5 < alone.high < 0.65
    assert (grouped.low, grouped.high) == (0.0, 1.0)
    assert bootstrap_mean(values, np.arange(100)) == alone


def test_triplets() -> None:
    vectors = rows((1, 0), (0.9, 0.1), (0, 1), (0.9, 0.1))
    triplets = np.array([[0, 1, 2], [0, 2, 1], [0, 1, 3], [0, 1, 2]])
    assert triplet_agreement(vectors, triplets).value == pytest.approx((1 + 0 + 0.5 + 1) / 4)


def test_pair_auc_is_the_share_of_ordered_pairs() -> None:
    sklearn = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(0)
    products = np.repeat(np.arange(10), 3)
    sources = np.where(products < 5, "a", "b")
    vectors = rows(*(rng.normal(size=4) + np.eye(4)[products % 4] for products in products))
    first, second = np.triu_indices(30, 1)
    within = sources[first] == sources[second]
    first, second = first[within], second[within]
    want = sklearn.roc_auc_score(
        products[first] == products[second], (vectors[first] * vectors[second]).sum(axis=1)
    )
    got = pair_auc(vectors, products, sources)
    assert got.value == pytest.approx(want, abs=1e-6)
    assert got.low < got.value < got.high


@pytest.fixture
def small_data(tmp_path: Path) -> Path:
    """Six products of two sources in three views each, two loners, four triplet pictures."""
    folder = tmp_path / "data" / "shoes"
    (folder / "zappos_triplets").mkdir(parents=True)
    lines = []

    def add(name: str, source: str, product: str, colour: str, shift: int) -> None:
        image = Image.new("RGB", (200, 140), (252, 252, 252))
        ImageDraw.Draw(image).ellipse((30 + shift, 40, 150 + shift, 110), fill=colour)
        image.save(folder / name, quality=92)
        lines.append({"file": name, "source": source, "product_id": product})

    colours = ["red", "blue", "green", "orange", "purple", "black"]
    for index, colour in enumerate(colours):
        source = scorecard.TEST_SOURCES[index % 2]
        for view in range(3):
            add(f"p{index}_{view}.jpg", source, f"p{index}", colour, view * 10)
    add("lone1.jpg", "other", "", "cyan", 0)
    add("lone2.jpg", scorecard.TEST_SOURCES[0], "single", "pink", 0)
    for number, colour in enumerate(["gold", "goldenrod", "teal", "darkcyan"]):
        add(f"zt_{number}__1.jpg", "zappos_triplets", f"zt_{number}", colour, 0)
    lines.append({"file": "gone.jpg", "source": "other", "product_id": "x"})
    with (folder / "labels.csv").open("w", newline="") as handle:
        writer = csv.DictWriter(handle, ["file", "source", "product_id"])
        writer.writeheader()
        writer.writerows(lines)
    (folder / "zappos_triplets" / "triplets.csv").write_text(
        "anchor,closer,farther\n0,1,2\n2,3,0\n2,0,3\n0,1,9\n"
    )
    return tmp_path / "data"


@pytest.fixture
def bare(tmp_path: Path) -> Settings:
    return Settings(models_dir=tmp_path, home=tmp_path)


NAMES = ["hsv-histogram", "hog"]


def test_protocol(small_data: Path, tmp_path: Path, bare: Settings) -> None:
    chosen = ["retrieval", "triplets", "pairs"]
    report = evaluate(NAMES, small_data, bare, protocols=chosen, cache=tmp_path / "cache")
    assert report.unreadable == 1
    retrieval = report.results["retrieval"]
    assert retrieval["hog"].counts == {"queries": 18, "products": 6}
    assert report.results["triplets"]["hog"].counts["all"] == 3
    colour, shape = (retrieval[name].figures for name in NAMES)
    assert colour["clean R@1"].value == colour["clean mAP@10"].value == 1.0
    assert colour["clean R@1"].value > shape["clean R@1"].value
    assert report.results["pairs"]["hsv-histogram"].figures["cosine AUC"].value > 0.95
    for row in (colour, shape):
        for part in ("clean", "reshot"):
            r1, r5, r10, m10 = (row[f"{part} {k}"].value for k in ("R@1", "R@5", "R@10", "mAP@10"))
            assert r1 <= r5 <= r10
            assert r1 <= m10 <= r10
    again = evaluate(NAMES, small_data, bare, protocols=chosen, cache=tmp_path / "cache")
    assert again == report


def test_results_are_measured_once(
    small_data: Path, tmp_path: Path, bare: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = evaluate(["hog"], small_data, bare, protocols=["retrieval"], cache=tmp_path / "c")

    def never(*_: object) -> None:
        raise AssertionError("measured again")

    monkeypatch.setattr("onnx_models.scorecard.entrants.Pictures.gallery", never)
    assert first == evaluate(
        ["hog"], small_data, bare, protocols=["retrieval"], cache=tmp_path / "c"
    )


def test_a_report_carries_its_results_along(
    small_data: Path, tmp_path: Path, bare: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another machine has no cache: what stands beside the report holds while all is the same."""
    out = tmp_path / "docs" / "card.md"
    chosen = ["retrieval", "triplets"]
    first = evaluate(NAMES, small_data, bare, protocols=chosen, cache=tmp_path / "c", out=out)
    kept = out.with_suffix(".json").read_text()
    assert len(json.loads(kept)) == len(NAMES) * len(chosen)
    shutil.copytree(small_data, moved := tmp_path / "elsewhere")

    def never(*_: object) -> None:
        raise AssertionError("measured again")

    with monkeypatch.context() as patch:
        patch.setattr("onnx_models.scorecard.entrants.Pictures.gallery", never)
        again = evaluate(NAMES, moved, bare, protocols=chosen, cache=tmp_path / "d", out=out)
        assert again.markdown == first.markdown == out.read_text()
        assert out.with_suffix(".json").read_text() == kept
        Image.new("RGB", (50, 50), "lime").save(moved / "shoes" / "p0_0.jpg")
        with pytest.raises(AssertionError, match="measured again"):
            evaluate(NAMES, moved, bare, protocols=chosen, cache=tmp_path / "d", out=out)
    out.with_suffix(".json").write_text("[]")
    with pytest.raises(BadInput, match=r"card\.json holds no results"):
        evaluate(NAMES, small_data, bare, protocols=chosen, cache=tmp_path / "c", out=out)


def test_every_protocol_says_why_it_has_no_figures(
    small_data: Path, tmp_path: Path, bare: Settings
) -> None:
    """Pictures without brand, category or text: dashes and reasons, no failure."""
    out = tmp_path / "docs" / "scorecard.md"
    report = evaluate(
        ["hog", "tabular"], small_data, bare, cache=tmp_path / "cache", thin=2, out=out
    )
    assert set(report.results) == set(PROTOCOLS)
    for name in ("brand", "text", "shoe", "wild"):
        for result in report.results[name].values():
            assert result.figures == {}
            assert result.notes
    text = out.read_text()
    assert text == report.markdown
    assert "THINNED" in text
    for picture in re.findall(r"\]\((img/[^)]+)\)", text):
        assert (out.parent / picture).read_text().startswith("<svg")


def test_main_writes_markdown_and_json(
    small_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    markdown, figures = tmp_path / "a.md", tmp_path / "a.json"
    main_evaluate(
        ["hsv-histogram"], small_data, markdown, figures, protocols=["retrieval", "views"]
    )
    assert markdown.read_text() == capsys.readouterr().out
    result = json.loads(figures.read_text())["results"]["retrieval"]["hsv-histogram"]
    assert result["figures"]["clean R@1"]["value"] == 1.0


def test_features_are_cached_per_file_state(
    small_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = ClassicEncoder.named("hsv-histogram")
    folder, cache = small_data / "shoes", tmp_path / "cache"
    first = file_features([encoder], folder, ["p0_0.jpg", "gone.jpg"], cache=cache)[0]
    assert np.isnan(first[1]).all()
    assert np.linalg.norm(first[0]) == pytest.approx(1, abs=1e-5)
    encoded: list[int] = []
    real = ClassicEncoder.encode_batch

    def counted(self: ClassicEncoder, pixels: np.ndarray) -> np.ndarray:
        encoded.append(len(pixels))
        return real(self, pixels)

    monkeypatch.setattr(ClassicEncoder, "encode_batch", counted)
    same = file_features([encoder], folder, ["p0_0.jpg", "gone.jpg"], cache=cache)[0]
    assert np.array_equal(first, same, equal_nan=True)
    assert encoded == []
    shot = file_features([encoder], folder, ["p0_0.jpg"], seed=0, cache=cache)[0]
    assert not np.allclose(shot[0], first[0])
    Image.new("RGB", (50, 50), "lime").save(folder / "p0_0.jpg")
    changed = file_features([encoder], folder, ["p0_0.jpg", "gone.jpg"], cache=cache)[0]
    assert not np.allclose(changed[0], first[0])
    assert encoded == [1, 1]


def test_a_product_is_asked_for_in_another_shop(
    small_data: Path, tmp_path: Path, bare: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """p0 (red) and p2 (green) stand for one product, so do p1 and its like in cyan; the query's own
    product is left out, and what training saw does not ask."""
    pairs = tmp_path / "elsewhere.csv"
    pairs.write_text("p0_0.jpg,p2_1.jpg\nlone1.jpg,p1_0.jpg\nnot_here.jpg,p3_0.jpg\n")
    monkeypatch.setattr("onnx_models.scorecard.elsewhere.PAIRS", pairs)
    bench = read_bench(small_data, bare)
    found = mates(bench)
    named = {
        bench.files[row]: [bench.files[mate] for mate in mates] for row, mates in found.items()
    }
    assert named["p0_0.jpg"] == ["p2_1.jpg"]
    assert named["p2_1.jpg"] == ["p0_0.jpg"]
    assert named["p1_0.jpg"] == ["lone1.jpg"]
    assert ("lone1.jpg" in named) == bool(bench.held_out[bench.files.index("lone1.jpg")])

    class Told:
        """p0 lies nearest to its own, then to p1's, then to p2's pictures."""

        def gallery(self) -> np.ndarray:
            near = {"p0": 1.0, "p1": 0.9, "p2": 0.8}
            cosine = np.array([near.get(file[:2], 0.0) for file in bench.files])
            return np.stack([cosine, np.sqrt(1 - cosine**2)], axis=1).astype(np.float32)

        def asking(self, _: object, rows: np.ndarray) -> np.ndarray:
            return self.gallery()[rows]

        shots = asking

    told = Told()
    result = other_shop(bench, told, told.gallery())  # type: ignore[arg-type]
    assert result.counts["queries"] == len(found)
    ranks = {"p0_0.jpg": 2, "p2_1.jpg": 2}
    first = [ranks.get(bench.files[row], 9) == 1 for row in found]
    assert result.figures["clean R@1"].value == pytest.approx(np.mean(first))
    five = [ranks.get(bench.files[row], 9) <= 5 for row in found]
    assert result.figures["reshot R@5"].value == pytest.approx(np.mean(five))
    monkeypatch.setattr("onnx_models.scorecard.elsewhere.PAIRS", tmp_path / "none.csv")
    (tmp_path / "none.csv").write_text("")
    none = other_shop(bench, told, told.gallery())  # type: ignore[arg-type]
    assert not none.figures
    assert none.notes


def test_faults_are_words(tmp_path: Path, small_data: Path, bare: Settings) -> None:
    with pytest.raises(BadInput, match="no data to evaluate on"):
        evaluate(["hog"], tmp_path / "nowhere", bare)
    with pytest.raises(BadInput, match="no protocol nonsense; there are: retrieval"):
        evaluate(["hog"], small_data, bare, protocols=["nonsense"], cache=tmp_path)
    with pytest.raises(EncoderError, match="reference model mobilenet is not there"):
        resolve_encoder("mobilenet", small_data, bare)
    labels = small_data / "shoes" / "labels.csv"
    labels.write_text("".join(labels.read_text().splitlines(keepends=True)[:2]))
    with pytest.raises(BadInput, match="no product with several pictures"):
        evaluate(["hog"], small_data, bare, cache=tmp_path)


@pytest.mark.data
def test_real_photographs_give_the_known_picture(
    real_data: Path, tmp_path: Path, bare: Settings
) -> None:
    """Colour finds the untouched picture's sister and is lost once the scene changes."""
    report = evaluate(
        ["hsv-histogram"], real_data, bare, thin=60, cache=tmp_path,
        protocols=["retrieval", "triplets", "colourways", "brand", "shoe"],
    )  # fmt: skip
    assert report.unreadable == 0
    row = {name: rows["hsv-histogram"] for name, rows in report.results.items()}
    assert row["retrieval"].counts["queries"] > 200
    assert row["retrieval"].figures["clean R@1"].value > 0.6
    assert row["retrieval"].figures["reshot R@1"].value < 0.1
    assert row["triplets"].counts["all"] > 200_000
    assert row["triplets"].figures["all"].value == pytest.approx(0.56, abs=0.02)
    assert row["colourways"].figures["whole: model nearer"].value < 0.5
    assert 0.02 < row["brand"].figures["disjoint SVM"].value < 0.6
    assert row["shoe"].figures["shoe kNN, faces AUROC"].value > 0.9


@pytest.mark.data
@pytest.mark.parametrize("name", sorted(scorecard.REFERENCES))
def test_reference_models_are_adopted(
    real_data: Path, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not (real_data.parent / "reference" / scorecard.REFERENCES[name]).is_dir():
        pytest.skip("no reference models beside the data")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    settings = Settings(models_dir=tmp_path, home=tmp_path)
    encoder = resolve_encoder(name, real_data, settings)
    assert encoder.encode([Image.new("RGB", (300, 200), "red")]).shape == (1, encoder.dim)
    assert resolve_encoder(name, real_data, settings).sha256 == encoder.sha256
