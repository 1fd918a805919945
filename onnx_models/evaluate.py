"""The scorecard's front: encoders and baselines by name, measuring, writing the report.

The protocols are in :mod:`onnx_models.scorecard`; results and vectors are kept on disk, so that
measuring one new encoder beside known ones costs only its own minutes (two cores).
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from rich.console import Console

from app.errors import BadInput, EncoderError
from app.settings import ROOT, Settings, get_settings
from app.vision import classic
from app.vision.encoder import ImageEncoder
from app.vision.registry import encoder_names, open_encoder
from onnx_models.adopt import REFERENCES, adopted
from onnx_models.features import default_cache, file_features
from onnx_models.scorecard.bench import TEST_SOURCES, Bench, Result, read_bench
from onnx_models.scorecard.entrants import Entrant, Joined, Pictures, Table
from onnx_models.scorecard.run import PROTOCOLS, QUICK, beside, measure, unreadable, write
from onnx_models.scorecard.sheets import drawn_sheets, real_sheets
from onnx_models.scorecard.sift import SiftWords

__all__ = ["TEST_SOURCES"]
JOINED: Final = {
    "hsv+hog+sift": ("hsv-histogram-foreground", "hog", "sift-words"),
    "hsv+mobilenet": ("hsv-histogram", "mobilenet"),
}
"""Combinations, by their members' names."""
OWN: Final = ("sift-words", "tabular", *JOINED)
DEFAULT_REPORT: Final = ROOT / "docs" / "scorecard.md"


@dataclass(frozen=True)
class Report:
    """Results by protocol, then by entrant, and the Markdown."""

    results: dict[str, dict[str, Result]]
    markdown: str
    unreadable: int


def evaluate(
    names: Sequence[str],
    data_dir: Path,
    settings: Settings,
    *,
    protocols: Sequence[str] | None = None,
    seed: int = 0,
    thin: int = 1,
    cache: Path | None = None,
    out: Path | None = None,
    console: Console | None = None,
) -> Report:
    """Measure the named entrants on the photographs under ``data_dir`` (its ``shoes/labels.csv``).

    Args:
        protocols: some of PROTOCOLS; None: all.
        seed: of the camera simulation, the bootstrap and the classifiers.
        thin: keep every ``thin``-th photograph that was trained on: a quick look.
        cache: folder for vectors and results; None: the user's cache.
        out: the Markdown file; its drawings go to ``img/`` beside it, its results to a JSON file
            of the same name, from where they are taken when they still hold. None: not written.

    Raises:
        BadInput: no labels, no multi-view test product, or an unknown protocol.
        EncoderError: an encoder that cannot be used.
    """
    chosen = list(protocols or PROTOCOLS)
    if unknown := [name for name in chosen if name not in PROTOCOLS]:
        raise BadInput(f"no protocol {', '.join(unknown)}; there are: {', '.join(PROTOCOLS)}")
    bench = read_bench(data_dir, settings, cache=cache, seed=seed, thin=thin)
    # The plain histogram reads every file once and finds what cannot be read.
    probe = classic.ClassicEncoder.named("hsv-histogram")
    bad = unreadable(file_features([probe], bench.folder, bench.files, cache=cache)[0])
    if bad.any():
        bench = bench.without(bad)
    entrants = [resolve_entrant(name, data_dir, bench) for name in names]
    results: dict[str, dict[str, Result]] = {name: {} for name in chosen}
    markdown = ""
    known = beside(out)
    for done, entrant in enumerate(entrants, 1):
        for name, row in measure(bench, [entrant], chosen, console, known).items():
            results[name].update(row)
        # Written after every row: a long run that is stopped leaves what it found.
        markdown = write(results, entrants[:done], bench, out)
    return Report(results, markdown, int(bad.sum()))


def resolve_entrant(name: str, data_dir: Path, bench: Bench) -> Entrant:
    """A row of the scorecard by name: an encoder, a descriptor, a label table, a combination.

    Raises:
        EncoderError: unknown, or unusable.
    """
    if name in JOINED:
        return Joined(name, [resolve_entrant(part, data_dir, bench) for part in JOINED[name]])
    if name == "tabular":
        return Table()
    if name == "sift-words":
        return Pictures(SiftWords.learned(bench))
    return Pictures(resolve_encoder(name, data_dir, bench.settings))


def default_encoders(data_dir: Path, settings: Settings) -> list[str]:
    """Every encoder folder that is there, then the baselines that are there."""
    roots = (settings.models_dir, settings.home / "encoders")
    own = [
        name
        for name in encoder_names(settings)
        if name not in classic.NAMES and any(_is_encoder(root / name) for root in roots)
    ]
    there = [name for name in REFERENCES if (_reference(data_dir) / REFERENCES[name]).is_dir()]
    known = {*classic.NAMES, *there, "sift-words"}
    joined = [name for name, members in JOINED.items() if known.issuperset(members)]
    return [*own, *classic.NAMES, "sift-words", "tabular", *joined, *there]


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
    return adopted(name, source.parent, default_cache(), settings.encoder_threads)


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
    protocols: Sequence[str] | None = None,
    quick: bool = False,
    seed: int = 0,
) -> Report:
    """Evaluate and write; the body of ``solemate models evaluate``.

    ``encoder_names`` empty or None: :func:`default_encoders`. ``quick``: the protocols without
    classifiers, a tenth of the training photographs, and nothing written unless asked.

    Raises:
        BadInput: no data.
        EncoderError: an encoder that cannot be used.
    """
    data = data_dir or default_data()
    settings = get_settings()
    names = list(encoder_names or default_encoders(data, settings))
    whole = not quick and not protocols and not encoder_names
    out = out_markdown or (DEFAULT_REPORT if whole else None)
    report = evaluate(
        names, data, settings, protocols=protocols or (QUICK if quick else None), seed=seed,
        thin=10 if quick else 1, out=out, console=Console(stderr=True),
    )  # fmt: skip
    print(report.markdown, end="")
    if json_out:
        json_out.write_text(json.dumps(asdict(report), indent=1) + "\n", encoding="utf-8")
    return report


def main_contact_sheet(
    encoder: str | None = None, data_dir: Path | None = None, folder: Path | None = None,
    *, drawn: bool = False, seed: int = 0,
) -> list[Path]:  # fmt: skip
    """Contact sheets of one encoder (None: the settings'); the files written.

    ``folder`` None: ``out/contact-sheets`` of the checkout, which git ignores. ``drawn``: of the
    project's own drawn shoes, without any data.

    Raises:
        BadInput: no data.
        EncoderError: an encoder that cannot be used.
    """
    settings = get_settings()
    name = encoder or settings.encoder
    data = data_dir or default_data()
    kind = "drawn" if drawn else "real"
    target = folder or ROOT / "out" / "contact-sheets" / f"{name}-{kind}"
    if drawn:
        return drawn_sheets(resolve_encoder(name, data, settings), target)
    bench = read_bench(data, settings, seed=seed)
    return real_sheets(bench, resolve_entrant(name, data, bench), target)


def _is_encoder(folder: Path) -> bool:
    """Other models (the localiser) have manifests too, of another kind; a broken encoder's
    manifest still counts as one, so that opening it says what is wrong."""
    try:
        return "dim" in json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return False
    except ValueError:
        return True


def _reference(data_dir: Path) -> Path:
    return data_dir.parent / "reference"
