"""The scorecard: one protocol, every encoder, the same queries.

Instance retrieval, leave-one-out: each picture of the multi-view test products asks the gallery of
all labelled pictures but itself; one result per product; found is another picture of the query's
product. Asked twice: with the picture as it is, and re-shot by a camera simulation
(:mod:`onnx_models.reshoot`). Beside it the agreement with human triplets (arXiv 1511.02254) and the
same-pair ROC-AUC. Intervals: 95 % percentile bootstrap over products (over anchors for triplets).
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from app.errors import BadInput, EncoderError
from app.settings import ROOT, Settings, get_settings
from app.vision import classic
from app.vision.encoder import Encoder, ImageEncoder
from app.vision.registry import encoder_names, open_encoder
from onnx_models import reshoot
from onnx_models.adopt import adopt
from onnx_models.features import default_cache, file_features
from onnx_models.metrics import (
    Interval,
    bootstrap_mean,
    pair_auc,
    product_ranks,
    triplet_agreement,
)

TEST_SOURCES: Final = ("bazaizai_multiview", "projeto_nike_multiview")
"""Sources whose products ask the queries; never trained on."""
TRIPLETS: Final = "zappos_triplets"
REFERENCES: Final = {"mobilenet": "mobilenet_v1_imagenet", "vit-tiny": "vit_tiny_imagenet"}
"""Encoder names adopted on the fly from the folder ``reference`` beside the data."""
PLAIN: Final = ("hsv-histogram", "hog")
"""Classic descriptors that have a row of their own unless other names are asked for."""

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Retrieval:
    """Instance retrieval. One product is right, so average precision is its reciprocal rank,
    0 past rank 10."""

    r1: Interval
    r5: Interval
    r10: Interval
    map10: Interval


@dataclass(frozen=True)
class Row:
    """One encoder's figures; ``triplets`` is None where the data hold none."""

    encoder: str
    revision: str
    sha256: str
    dim: int
    clean: Retrieval
    reshot: Retrieval
    triplets: Interval | None
    pair_auc: Interval


@dataclass(frozen=True)
class Report:
    """All rows and what they were measured on."""

    sources: tuple[str, ...]
    queries: int
    query_products: int
    gallery_images: int
    gallery_products: int
    gallery_thinned: bool
    triplets: int
    unreadable: int
    seed: int
    reshoot_version: int
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class _Labels:
    folder: Path
    files: list[str]
    sources: Array
    products: Array


def evaluate(
    encoders: Sequence[ImageEncoder],
    data_dir: Path,
    *,
    sources: Sequence[str] = TEST_SOURCES,
    seed: int = 0,
    thin: int = 1,
    cache: Path | None = None,
    console: Console | None = None,
) -> Report:
    """Measure the encoders on the photographs under ``data_dir`` (its ``shoes/labels.csv``).

    Args:
        encoders: at least one.
        sources: whose multi-view products ask.
        seed: of the camera simulation.
        thin: keep every ``thin``-th gallery picture of the other sources: a quick look, marked as
            such in the report.
        cache: folder for vectors; None: the user's cache.
        console: shows progress there; None: silent.

    Raises:
        BadInput: no labels, or no multi-view product in ``sources``.
    """
    labels = _read_labels(data_dir, set(sources), thin)
    asking = np.isin(labels.sources, list(sources))
    sizes = Counter(labels.products[asking].tolist())
    own = np.array(
        [row for row in np.flatnonzero(asking) if sizes[labels.products[row]] > 1], np.int64
    )
    if not len(own):
        raise BadInput(f"no product with several pictures in {', '.join(sources)}")
    shown = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=console is None,
    )
    asked = [labels.files[row] for row in own]
    with shown:
        task = shown.add_task("gallery", total=len(labels.files))
        gallery = file_features(
            encoders, labels.folder, labels.files, cache=cache,
            progress=lambda done: shown.advance(task, done),
        )  # fmt: skip
        again = shown.add_task("re-shot queries", total=len(asked))
        reshots = file_features(
            encoders, labels.folder, asked, seed=seed, cache=cache,
            progress=lambda done: shown.advance(again, done),
        )  # fmt: skip
    readable = ~np.isnan(gallery[0][:, 0])
    triplets = _read_triplets(labels)
    if triplets is not None:
        triplets = triplets[readable[triplets].all(axis=1)]
    kept = np.flatnonzero(readable)
    place = np.cumsum(readable) - 1
    used = readable[own]
    own = own[used]
    rows = tuple(
        _row(
            encoder, vectors[kept], shots[used], place[own], labels.products[kept],
            labels.sources[kept], None if triplets is None else place[triplets], seed,
        )
        for encoder, vectors, shots in zip(encoders, gallery, reshots, strict=True)
    )  # fmt: skip
    return Report(
        sources=tuple(sources),
        queries=len(own),
        query_products=len(set(labels.products[own].tolist())),
        gallery_images=len(kept),
        gallery_products=len(set(labels.products[kept].tolist())),
        gallery_thinned=thin > 1,
        triplets=0 if triplets is None else len(triplets),
        unreadable=int((~readable).sum()),
        seed=seed,
        reshoot_version=reshoot.VERSION,
        rows=rows,
    )


def report_table(report: Report) -> str:
    """The report as a Markdown table with a line on what was measured; one row per encoder."""
    thinned = ", THINNED for a quick look" if report.gallery_thinned else ""
    lines = [
        f"{report.queries} queries over {report.query_products} products of "
        f"{' + '.join(report.sources)}; gallery {report.gallery_images:,} images of "
        f"{report.gallery_products:,} products{thinned}, the query's own image left out; "
        f"{report.triplets:,} human triplets; [95 % bootstrap interval over products].",
        "",
        "| encoder | dim | R@1 clean | R@5 | R@10 | mAP@10 | R@1 re-shot | R@5 | R@10 | mAP@10 "
        "| human triplets | same-pair AUC |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in report.rows:
        cells = [f"{row.encoder} r{row.revision}", str(row.dim)]
        for part in (row.clean, row.reshot):
            cells += [_cell(part.r1), *(f"{v.value:.3f}" for v in (part.r5, part.r10, part.map10))]
        cells += ["-" if row.triplets is None else _cell(row.triplets), _cell(row.pair_auc)]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def default_encoders(data_dir: Path, settings: Settings) -> list[str]:
    """Every encoder folder that is there, then the baselines that are there."""
    own = [name for name in encoder_names(settings) if name not in classic.NAMES]
    there = [name for name in REFERENCES if (_reference(data_dir) / REFERENCES[name]).is_dir()]
    return [*own, *PLAIN, *there]


def resolve_encoder(name: str, data_dir: Path, settings: Settings) -> ImageEncoder:
    """An encoder by name; a reference model's name adopts it into the user's cache first.

    Raises:
        EncoderError: unknown, or unusable.
    """
    if name not in REFERENCES:
        return open_encoder(name, settings)
    source = _reference(data_dir) / REFERENCES[name]
    if not (source / "model.onnx").is_file():
        raise EncoderError(f"the reference model {name} is not there: {source}")
    digest = hashlib.sha256((source / "model.onnx").read_bytes()).hexdigest()[:12]
    folder = default_cache() / "adopted" / f"{name}-{digest}"
    if (folder / "manifest.json").is_file():
        return Encoder.load(folder, settings.encoder_threads)
    return adopt(source, folder, name=name)


def default_data() -> Path:
    """SOLEMATE_DATA, or shared/data beside the checkout."""
    named = os.environ.get("SOLEMATE_DATA")
    return Path(named) if named else ROOT.parent / "shared" / "data"


def main_evaluate(
    encoder_names: Sequence[str] | None = None,
    data_dir: Path | None = None,
    out_markdown: Path | None = None,
    json_out: Path | None = None,
    *,
    seed: int = 0,
    thin: int = 1,
) -> Report:
    """Evaluate, print the table, write it where asked; the body of ``solemate models evaluate``.

    ``encoder_names`` empty or None: :func:`default_encoders`.

    Raises:
        BadInput: no data.
        EncoderError: an encoder that cannot be used.
    """
    data = data_dir or default_data()
    settings = get_settings()
    names = list(encoder_names or default_encoders(data, settings))
    encoders = [resolve_encoder(name, data, settings) for name in names]
    report = evaluate(encoders, data, seed=seed, thin=thin, console=Console(stderr=True))
    table = report_table(report)
    print(table, end="")
    if out_markdown:
        out_markdown.write_text(table, encoding="utf-8")
    if json_out:
        json_out.write_text(json.dumps(asdict(report), indent=1) + "\n", encoding="utf-8")
    return report


def _row(
    encoder: ImageEncoder,
    gallery: Array,
    shots: Array,
    own: Array,
    products: Array,
    sources: Array,
    triplets: Array | None,
    seed: int,
) -> Row:
    codes = np.unique(products, return_inverse=True)[1]
    asked = codes[own]
    clean = product_ranks(gallery[own], asked, own, gallery, codes)
    reshot = product_ranks(shots, asked, own, gallery, codes)
    return Row(
        encoder=encoder.name,
        revision=encoder.revision,
        sha256=encoder.sha256,
        dim=encoder.dim,
        clean=_retrieval(clean, asked, seed),
        reshot=_retrieval(reshot, asked, seed),
        triplets=None if triplets is None else triplet_agreement(gallery, triplets, seed),
        pair_auc=pair_auc(gallery[own], asked, sources[own], seed),
    )


def _retrieval(ranks: Array, products: Array, seed: int) -> Retrieval:
    def within(limit: int) -> Interval:
        return bootstrap_mean((ranks <= limit).astype(np.float64), products, seed)

    precision = np.where(ranks <= 10, 1 / ranks, 0.0)
    return Retrieval(within(1), within(5), within(10), bootstrap_mean(precision, products, seed))


def _cell(interval: Interval) -> str:
    return f"{interval.value:.3f} [{interval.low:.3f}, {interval.high:.3f}]"


def _reference(data_dir: Path) -> Path:
    return data_dir.parent / "reference"


def _read_labels(data_dir: Path, sources: set[str], thin: int) -> _Labels:
    folder = data_dir / "shoes"
    try:
        with (folder / "labels.csv").open(encoding="utf-8", newline="") as handle:
            rows = list(csv.DictReader(handle))
    except OSError as error:
        raise BadInput(
            f"no data to evaluate on: {folder / 'labels.csv'} cannot be read; "
            "set SOLEMATE_DATA or pass its folder"
        ) from error
    always = sources | {TRIPLETS}
    rows = [row for at, row in enumerate(rows) if row["source"] in always or at % thin == 0]
    return _Labels(
        folder,
        [row["file"] for row in rows],
        np.array([row["source"] for row in rows]),
        # Blank ids stand for products of their own.
        np.array([f"{row['source']}/{row['product_id'] or row['file']}" for row in rows]),
    )


def _read_triplets(labels: _Labels) -> Array | None:
    """(t, 3) gallery rows of anchor, closer, farther; None without the file."""
    path = labels.folder / TRIPLETS / "triplets.csv"
    if not path.is_file():
        return None
    rows = {
        int(file.rsplit("zt_", 1)[1].split("__")[0]): row
        for row, file in enumerate(labels.files)
        if labels.sources[row] == TRIPLETS
    }
    numbers = np.loadtxt(path, delimiter=",", skiprows=1, dtype=np.int64)
    table = np.full(int(numbers.max()) + 1, -1, np.int64)
    for number, row in rows.items():
        if number < len(table):
            table[number] = row
    found: Array = table[numbers]
    return found[(found >= 0).all(axis=1)]
