"""Measuring: every protocol for every entrant, each result kept on disk.

A result is named by a digest of all it depends on: the entrant and its folder, the photographs and
their labels, the source of its protocol and of what all share. So another run measures what is
new; a report has the results that it shows beside it, in a file that a checkout carries along
(:data:`KEPT`). On two cores one new encoder takes some minutes, most of it encoding 17,754
photographs and gradient boosting; nothing at all a second time.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from rich.console import Console

from app.errors import BadInput
from app.settings import Settings
from app.vision import image
from onnx_models import asking, metrics, reshoot
from onnx_models.features import default_cache, stamp
from onnx_models.metrics import Interval
from onnx_models.scorecard import classify, elsewhere, similarity, words
from onnx_models.scorecard.bench import Array, Bench, Result
from onnx_models.scorecard.entrants import Entrant
from onnx_models.scorecard.report import bars, curves, table

Measure = Callable[[Bench, Entrant, Array], Result]
ASKED: Final = frozenset({"similarity", "elsewhere"})
"""Protocols of which :mod:`onnx_models.asking` is a part."""
KEPT: Final = ".json"
"""Ending of the file of results beside a report."""
DECIMALS: Final = 5
"""Of what is kept there."""


@dataclass(frozen=True)
class Protocol:
    """One protocol: how it is measured, and what the report says of it."""

    title: str
    measure: Measure
    about: str


PROTOCOLS: Final[dict[str, Protocol]] = {
    "retrieval": Protocol("Instance retrieval", similarity.retrieval,
        "Each picture of the multi-view products of bazaizai and projeto (never trained on) asks "
        "for its product among all other pictures; one result a product, ties lose. Clean: as the "
        "shop shows it; reshot: through a fixed camera simulation. mAP@10 is the reciprocal rank "
        "of the product; mAP is over single pictures."),
    "smaller": Protocol("Instance retrieval in a smaller gallery", similarity.smaller,
        "The same queries among 5,701 photographs, the size of gallery in which the plain "
        "baselines of this data were first measured (HSV .673 clean and .011 re-shot, MobileNetV1 "
        ".548 and .171, ViT-Tiny .505 and .133, with other queries and another camera): all of the "
        "multi-view products and others drawn five times, the mean over the draws."),
    "views": Protocol("Across views only", similarity.across_views,
        "Held-out multi-view products of all sources; the product's pictures in the query's own "
        "view are taken out of the gallery."),
    "shops": Protocol("The same product in another shop", elsewhere.other_shop,
        "Held-out pictures ask for the same product as another shop shows it, among all pictures: "
        "pairs looked at side by side (onnx_models/scorecard/elsewhere.csv). The query's own "
        "product is left out; one result a product, ties lose. Clean: as the one shop shows it. "
        "The pairs were looked for among solemate-s16's near neighbours, which favours its kind, "
        "then among pictures of one model and like colours by name, which gave a quarter of them."),
    "colourways": Protocol("Colourways", similarity.colourways,
        "footlocker_2018, held-out queries. model nearer: share of (same model in another colour, "
        "other model in the same colour) pairs in which the model lies nearer, so 1 is right for "
        "shape and 0 for colour. model first: the same of the best of each. colour@1: the nearest "
        "picture has the same colour words. Whole vector, and its parts where it has them."),
    "triplets": Protocol("Human similarity", similarity.triplets,
        "Agreement with human judgements (arXiv 1511.02254), ties half; sneakers: all three "
        "pictures show sneakers or sports shoes; shape: by the shape part of the vector alone. The "
        "bootstrap is over anchors."),
    "brand": Protocol("Brand", classify.brand,
        "Macro F1. disjoint: fitted on rows of the encoder's training, tested on held-out models "
        "and products. leaky: a fifth of the images at random, as a published peer did, so that "
        "views and colourways stand on both sides; there an encoder has seen the test images. "
        "SVM (RBF) and logistic regression on 128 principal components, gradient boosting on 64 "
        "with 60 rounds. Sneakers only, without wild photographs."),
    "silhouette": Protocol("Silhouette", classify.silhouette,
        "As brand, over model families found in model and title."),
    "pairs": Protocol("Same pair or not", similarity.pairs,
        "All pairs of test pictures within one source, one asking and one kept; the bootstrap is "
        "over products. ECE and the drawing: each re-shot test query with its ten nearest "
        "products, the cosine turned into a probability by a logistic curve fitted on validation "
        "products. An encoder that seldom has the product among the ten gets a small ECE by always "
        "saying no: read it beside reshot R@10."),
    "text": Protocol("Text to image", words.text_to_image,
        "Titles of held-out products among held-out pictures; precision@10 of attribute words "
        "there, of values that five held-out products have; of ten: of those that ten have, so "
        "that ten right ones can be found. What a label leaves open is not among them: words that "
        "name no colour (\"Shattered Backboard\"), and \"sneaker\" where every shoe of the shop is "
        "called that. Russian titles are made of the labels: colour in "
        "Russian, brand in Cyrillic."),
    "caption": Protocol("Image to text", words.image_to_text,
        "Held-out pictures: is what the head says, or the nearest phrase, what the label says."),
    "shoe": Protocol("A shoe, a sneaker", classify.shoe,
        "Held-out sneakers against 400 made pictures without a shoe (textures, drawn faces, "
        "rendered landscapes, upper corners of held-out photographs), and against held-out heels, "
        "sandals and flip flops. kNN: mean cosine to the five nearest training pictures; for "
        "sneakers a vote of fifteen. FA@95: false accepts where 95 % of the sneakers pass. "
        "The made pictures are plain and small crops are blurred by enlarging, so a figure of "
        "1.000 says that they are easy; the other shoes are few and all from one "
        "source with its own framing."),
    "wild": Protocol("Wild photographs", classify.wild,
        "Brand of photographs on foot and in clutter, by a vote of the 15 nearest pictures of all "
        "other sources. Training saw most of these photographs: held out has those it did not."),
}  # fmt: skip
QUICK: Final = ("retrieval", "smaller", "views", "shops", "colourways", "triplets", "pairs")


def measure(
    bench: Bench, entrants: Sequence[Entrant], names: Sequence[str],
    console: Console | None = None, known: Mapping[str, Result] | None = None,
) -> dict[str, dict[str, Result]]:  # fmt: skip
    """Results by protocol and entrant; ``known``: what a report has beside it (:func:`beside`)."""
    out: dict[str, dict[str, Result]] = {name: {} for name in names}
    store = (bench.cache or default_cache()) / "results"
    store.mkdir(parents=True, exist_ok=True)
    photographs = _photographs(bench)
    for entrant in entrants:
        vectors: Array | None = None
        for name in names:
            key = _key(photographs, bench.settings, entrant, name)
            path = store / f"{key}.json"
            if not path.exists():
                result = known.get(key) if known else None
                if result is None:
                    if console:
                        console.print(f"{entrant.name}: {name}")
                    if vectors is None:
                        vectors = entrant.gallery(bench)
                    result = PROTOCOLS[name].measure(bench, entrant, vectors)
                path.write_text(json.dumps(asdict(result)), encoding="utf-8")
            out[name][entrant.name] = _result(json.loads(path.read_text(encoding="utf-8")))
    return out


def beside(report: Path | None) -> dict[str, Result]:
    """The results that a report shows, by key; none where none are kept.

    Raises:
        BadInput: the file is not one of them.
    """
    path = report.with_suffix(KEPT) if report else None
    if path is None or not path.exists():
        return {}
    try:
        return {k: _result(one) for k, one in json.loads(path.read_text(encoding="utf-8")).items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInput(f"{path} holds no results of a scorecard: move it away") from error


def write(
    results: Mapping[str, Mapping[str, Result]], entrants: Sequence[Entrant], bench: Bench,
    path: Path | None,
) -> str:  # fmt: skip
    """The report's Markdown; written to ``path`` with its drawings in ``img/`` beside it."""
    revisions = {entrant.name: entrant.revision for entrant in entrants}
    thinned = " THINNED for a quick look: not the real figures." if bench.thin > 1 else ""
    lines = [
        "# Scorecard", "",
        f"Written by `solemate models evaluate`: {len(bench.photos):,} photographs, seed "
        f"{bench.seed}, camera simulation {reshoot.VERSION}.{thinned} Every row is asked the same. "
        "In brackets the 95 % percentile bootstrap interval over products (models, anchors, values "
        "where the text says so); a dash is a figure that row cannot have.", "",
    ]  # fmt: skip
    for name, rows in results.items():
        lines += [f"## {PROTOCOLS[name].title}", "", PROTOCOLS[name].about, "",
                  table(rows, revisions)]  # fmt: skip
        for plot in _plots(name, rows, path):
            lines += [f"![{PROTOCOLS[name].title}](img/{plot})", ""]
    text = "\n".join(lines).rstrip() + "\n"
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        photographs = _photographs(bench)
        kept = {
            _key(photographs, bench.settings, entrant, name): {
                "encoder": entrant.name, "protocol": name, **_rounded(asdict(rows[entrant.name])),
            }
            for name, rows in results.items() for entrant in entrants
        }  # fmt: skip
        text_of = "\n,".join(f"{json.dumps(k)}: {json.dumps(one)}" for k, one in kept.items())
        path.with_suffix(KEPT).write_text(f"{{{text_of}\n}}\n", encoding="utf-8")
    return text


def _rounded(value: Any) -> Any:
    """The same with numbers of DECIMALS, dicts and lists within."""
    if isinstance(value, dict):
        return {key: _rounded(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_rounded(one) for one in value]
    return round(value, DECIMALS) if isinstance(value, float) else value


_BARS: Final = {
    "retrieval": ("clean R@1", "reshot R@1"), "views": ("R@1",), "triplets": ("all", "sneakers"),
    "brand": ("disjoint SVM", "leaky SVM"), "silhouette": ("disjoint SVM", "leaky SVM"),
}  # fmt: skip


def _plots(name: str, rows: Mapping[str, Result], path: Path | None) -> list[str]:
    if path is None:
        return []
    folder = path.parent / "img"
    folder.mkdir(parents=True, exist_ok=True)
    file = f"scorecard-{name}.svg"
    if keys := _BARS.get(name):
        series = {key: [result.figures.get(key) for result in rows.values()] for key in keys}
        bars(folder / file, PROTOCOLS[name].title, list(rows), series)
        return [file]
    lines = {
        f"{entrant} {key.removesuffix(' reliability')}": points
        for entrant, result in rows.items() for key, points in result.series.items()
    }  # fmt: skip
    if name == "pairs" and lines:
        curves(folder / file, "Reliability of the same-pair probability", lines)
        return [file]
    return []


def _key(photographs: str, settings: Settings, entrant: Entrant, name: str) -> str:
    """Encoders with a folder depend on its files and on app.vision, which opens their parts."""
    folders = [entrant.name] + (["localiser", "finder"] if name == "wild" else [])
    files = sorted(
        (folder, *stamp(root / folder, str(path.relative_to(root / folder))))
        for root in (settings.models_dir, settings.home / "encoders")
        for folder in folders
        for path in (root / folder).rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc", ".md")
    )
    source = _source(PROTOCOLS[name].measure.__module__) + (_vision() if files else "")
    text = json.dumps([photographs, entrant.name, entrant.sha256, name, source, files])
    return hashlib.sha256(text.encode()).hexdigest()[:40]


def _photographs(bench: Bench) -> str:
    """Digest of which photographs there are, their sizes and labels."""
    sizes = [(bench.folder / file).stat().st_size for file in bench.files]
    labels = _digest(path for path in bench.folder.rglob("*.csv"))
    return hashlib.sha256(json.dumps([bench.digest, sizes, labels]).encode()).hexdigest()


@functools.cache
def _source(module: str) -> str:
    """Digest of what measures by a protocol of ``module``: its code, a list of its name, and what
    all share."""
    others = {protocol.measure.__module__ for protocol in PROTOCOLS.values()} - {module}
    aside = {"report", "run", "sheets", *(name.rpartition(".")[2] for name in others)}
    here = Path(__file__).parent
    own = [path for path in here.glob("*.py") if path.stem not in aside]
    name = module.rpartition(".")[2]
    own += here.glob(f"{name}.csv")
    if name in ASKED:
        own.append(Path(str(asking.__file__)))
    return _digest([Path(str(metrics.__file__)), *own])


@functools.cache
def _vision() -> str:
    """Digest of the code that opens encoders."""
    return _digest(Path(str(image.__file__)).parent.glob("*.py"))


def _digest(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def _result(data: Mapping[str, Any]) -> Result:
    figures = {key: Interval(**value) for key, value in data["figures"].items()}
    return Result(figures, data["counts"], data["series"], data["notes"])


def unreadable(vectors: Array) -> Array:
    """(n,) bool: photographs without a vector."""
    return np.asarray(np.isnan(vectors).any(axis=1))
