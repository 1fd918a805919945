"""From trained finder and trunk to the artifact: weights of the parts, plain axes, gate, export.

    python -m onnx_models.finish --teachers DIR --cache HELD --out onnx_models/solemate-s19
    python -m onnx_models.finish --teachers DIR --cache ALL --out onnx_models/solemate-s19 \
        --choices HELD/choices.json

The first line chooses, on a studio that training did not see (``onnx_models.train --hold``). The
second puts what was chosen into networks trained with that studio too. Everything here is fitted on
training and validation rows; the test sources are only measured, once, for the card.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from app.vision.encoder import CATALOGUE, ELSEWHERE
from onnx_models.assemble import (
    CENTRED,
    GATED,
    KEPT,
    PARTS,
    WHITENED,
    Localiser,
    Looked,
    Served,
    sided,
)
from onnx_models.bank import CLEAN, MILD, SHOT, open_bank
from onnx_models.calibrate import trusted
from onnx_models.colours import BACKDROP, FAINT
from onnx_models.crops import build_clues, side_by_side
from onnx_models.dataset import F32, U8, Cache, Flags, Row, build_cache, read_rows, shoes_folder
from onnx_models.finder import Finder
from onnx_models.gates import fit_side, fit_studio
from onnx_models.likeness import Likes, heard, read_style
from onnx_models.model import Sizes, unit
from onnx_models.same import judged, read_pairs, sold
from onnx_models.scorecard.elsewhere import PAIRS
from onnx_models.teachers import directions
from onnx_models.to_onnx import Work, encode, everything, export, open_session, write_artifact
from onnx_models.validate import Held, recall
from onnx_models.weigh import STORED, Asked, Judge, Parts, Within, fit_asking, fit_louder, mean

BLOCK: Final = 16
BACKDROPS: Final = 20_000
SAMPLE: Final = 256
"""Views that the ranges of what is computed in integers are taken from."""
CHOICES: Final = "choices.json"
HELD_SPLITS: Final = frozenset({"train", "validation"})


def load(cache: Path, name: str) -> tuple[Served, dict[str, Any]]:
    """The served module with the trained finder and the trunk's average; and the checkpoint."""
    state: dict[str, Any] = torch.load(
        cache / f"trunk-{name}.pt", weights_only=False, map_location="cpu"
    )
    sizes = Sizes(**state["sizes"])
    served = Served(sizes)
    served.finder.load_state_dict(torch.load(cache / "finder.pt", weights_only=True))
    served.trunk.load_state_dict(state["slow"])
    served.palette.load_state_dict(torch.load(cache / "palette.pt", weights_only=True))
    served.weigh(kept=STORED)
    return served.eval(), state


class Said(NamedTuple):
    """What the networks say of n pictures: parts; the backdrop's facts (n, 8); what the trunk
    gathered (n, g); features (n, f)."""

    parts: Parts
    facts: F32
    gathered: F32
    features: F32

    def gates(self, served: Served) -> tuple[F32, F32]:
        """How much each is a studio's (n,), and shows the shoe from its side (n,)."""
        with torch.inference_mode():
            opened = served.opened(torch.from_numpy(self.facts))
            beside = served.beside(torch.from_numpy(self.features))
        return opened.numpy(), beside.numpy()


def look(served: Served, pictures: U8) -> Said:
    """At pictures (n, 192, 192, 3); fixed parts unreduced."""

    def run(start: int) -> Looked:
        with torch.inference_mode():
            return served.looked(torch.from_numpy(np.array(pictures[start : start + BLOCK])))

    done = side_by_side(run, len(pictures), BLOCK)
    parts = {name: torch.cat([one.parts[name] for one in done]).numpy() for name in PARTS}
    rest = ("facts", "gathered", "features")
    return Said(parts, *(torch.cat([getattr(one, n) for one in done]).numpy() for n in rest))


def fit_axes(served: Served, parts: Parts) -> None:
    """Strongest directions of every part but the palette, as :data:`WHITENED` says."""
    for name, power in WHITENED.items():
        mean, axes = directions(parts[name], power, CENTRED.get(name, 1.0))
        getattr(served, f"mean_{name}").copy_(torch.from_numpy(mean))
        getattr(served, f"axes_{name}").copy_(torch.from_numpy(axes[:, : KEPT[name]]))


def reduced(served: Served, said: Said) -> Said:
    """The parts as they stand in the vector, each of unit length."""
    with torch.inference_mode():
        found = served.reduced({name: torch.from_numpy(part) for name, part in said.parts.items()})
    parts = {name: part.numpy() for name, part in zip(PARTS, found, strict=True)}
    return said._replace(parts=parts)


def backdrops(
    rows: list[Row], cache: Cache, where: Path, finder: Finder, seed: int
) -> tuple[F32, F32]:
    """Facts (n, 8) of as many backdrops of shops as of phones, from the bank: shops' as they are
    and of other tones, since not every studio is white."""
    bank = open_bank(rows, cache, where)
    told = build_clues(bank, finder, where).whole
    shops = np.array([row.split == "train" and row.setting != "wild" for row in rows])
    real = np.flatnonzero((bank.rows >= 0) & (bank.rows < len(rows)))
    real = real[shops[bank.rows[real]]]
    kinds = [real[np.isin(bank.kinds[real], some)] for some in ((CLEAN, MILD), (SHOT,))]
    count = min(BACKDROPS, *map(len, kinds))
    rng = np.random.default_rng(seed)
    studio, phone = (
        np.array(told[np.sort(rng.choice(some, count, replace=False)), BACKDROP], np.float32)
        / np.float32(FAINT)
        for some in kinds
    )
    return studio, phone


def sample(rows: list[Row], cache: Cache, where: Path, seed: int) -> U8:
    """SAMPLE views of the bank that training sees, of shops, phones and scenes."""
    bank = open_bank(rows, cache, where)
    seen = np.flatnonzero(bank.seen)
    some = np.random.default_rng(seed).choice(seen, min(SAMPLE, len(seen)), replace=False)
    return np.array(bank.views[np.sort(some)])


@dataclass(frozen=True)
class Choices:
    """What was fitted on the studio that is held: weights of the parts by name, of what a phone
    asks and a studio asks; the gate on the backdrop's facts; and the cosine above which its clean
    pictures may be called the same."""

    phone: dict[str, float]
    studio: dict[str, float]
    gate: list[float]
    bias: float
    same: float


def trained(rows: list[Row], held: Held) -> Flags:
    """Which of the gallery's pictures (g,) training saw."""
    return np.array([rows[i].split == "train" for i in held.keep])


def liked(
    served: Served, rows: list[Row], held: Held, folder: Path, arguments: argparse.Namespace
) -> Likes:
    """What the style is told of the gallery's pictures."""
    files, dims = [rows[i].file for i in held.keep], served.trunk.sizes.style
    train = trained(rows, held)
    return heard(folder, files, train, arguments.teachers, arguments.cache, dims)


def styled(served: Served, said: Said) -> Said:
    """The same with the style as it is read now."""
    with torch.inference_mode():
        style = unit(served.style(torch.from_numpy(said.gathered))).numpy()
    return said._replace(parts={**said.parts, "style": style})


def trunk_features(served: Served, said: Said) -> F32:
    """The trunk's of the features (n, f): palette and style stand behind them."""
    return said.features[:, : served.trunk.sizes.features]


def looked(
    served: Served, rows: list[Row], cache: Cache, held: Held, likes: Likes, seed: int
) -> tuple[Said, Said]:
    """The gallery and the re-shots, parts as they stand in the vector; how the style is read, the
    axes and the gate for the shoe's side are fitted on the gallery's training pictures. ``likes``
    of the gallery."""
    gallery, asked = look(served, cache.clean(held.keep)), look(served, held.shots)
    train = trained(rows, held)
    reading = read_style(gallery.gathered[train], likes.style[train], seed)
    served.style.load_state_dict(reading.state_dict())
    gallery, asked = styled(served, gallery), styled(served, asked)
    fit_axes(served, {name: values[train] for name, values in gallery.parts.items()})
    views = np.array([rows[i].view for i in held.keep])
    set_gate(served, "side", *fit_side(trunk_features(served, gallery)[train], views[train]))
    return reduced(served, gallery), reduced(served, asked)


class Questions(NamedTuple):
    """What weights of what asks are fitted on."""

    shots: Asked
    clean: Asked
    within: Within
    elsewhere: Asked | None

    def weights(self, seed: int) -> tuple[dict[str, float], dict[str, float]]:
        """Of a phone's picture and of a studio's that asks its own shop."""
        phone = fit_asking(self.shots, GATED, seed)
        return phone, fit_asking(self.clean, (), seed, self.within)

    def second(
        self, phone: dict[str, float], studio: dict[str, float], seed: int
    ) -> tuple[dict[str, float], float]:
        """Weights of a studio's picture that asks other shops, and how long that question is; its
        first one again where no other shop is known to show a product."""
        if self.elsewhere is None:
            return studio, 1.0
        # By what finds a phone's pictures as well: the few pairs are of shops that training knows.
        beyond = mean(phone, fit_asking(self.elsewhere, (), seed))
        return beyond, fit_louder(self.clean, self.elsewhere, phone, studio, beyond)

    def figures(
        self, phone: dict[str, float], studio: dict[str, float], beyond: dict[str, float],
        louder: float,
    ) -> dict[str, Any]:  # fmt: skip
        """R@1 and mean reciprocal rank by the first question, and by the better of both."""
        sets = {"own": self.clean, "elsewhere": self.elsewhere, "shots": self.shots}
        return {
            name: [
                asked.figures(phone, studio),
                asked.found(asked.either(phone, studio, beyond, louder)),
            ]
            for name, asked in sets.items() if asked
        }  # fmt: skip


def questions(served: Served, rows: list[Row], held: Held, gallery: Said, asked: Said) -> Questions:
    """Re-shots and clean pictures of held-out products, pairs of the latter, and clean ones that
    another shop shows too."""

    def some(parts: Parts, places: npt.NDArray[Any]) -> Parts:
        return {name: part[places] for name, part in parts.items()}

    apart, once = held.apart, np.unique(held.owners[held.apart])
    (own, beside), (shots, turned) = gallery.gates(served), asked.gates(served)
    shown, asks = sided(gallery.parts, beside), sided(asked.parts, turned)
    sources = np.array([rows[i].source for i in held.keep[once]])
    pairs = read_pairs(PAIRS)
    joint = np.array(sold(rows, (*judged(), *pairs), HELD_SPLITS))[held.keep]
    named = {file for pair in pairs for file in pair}
    beyond = np.array([
        place for place, i in enumerate(held.keep)
        if rows[i].split == "validation" and rows[i].file in named
    ], np.int64)  # fmt: skip
    return Questions(
        Asked.of(some(asks, apart), shots[apart], gallery.parts, held.owners[apart], held.products),
        Asked.of(some(shown, once), own[once], gallery.parts, once, held.products),
        Within.of(some(shown, once), some(gallery.parts, once), held.products[once], sources),
        Asked.of(some(shown, beyond), own[beyond], gallery.parts, beyond, joint)
        if len(beyond) else None,
    )  # fmt: skip


def choose(arguments: argparse.Namespace) -> None:
    """Fit the choices and keep them under ``--cache``, with what the held studio says of them."""
    where: Path = arguments.cache
    folder = shoes_folder(arguments.data)
    rows = read_rows(folder, hold=True)
    cache = build_cache(folder, rows, where)
    served, _ = load(where, arguments.out.name)
    held = Held(rows, cache, arguments.seed, step=1)
    likes = liked(served, rows, held, folder, arguments)
    gallery, asked = looked(served, rows, cache, held, likes, arguments.seed)
    gate, bias = fit_studio(*backdrops(rows, cache, where, served.finder, arguments.seed))
    set_gate(served, "gate", gate, bias)
    told = questions(served, rows, held, gallery, asked)
    phone, studio = told.weights(arguments.seed)
    once = np.unique(held.owners[held.apart])
    served.weigh(phone=phone, studio=studio, beyond=studio)
    asking, _, stored = joined(served, gallery)
    cosines = asking[once] @ stored.T
    cosines[np.arange(len(once)), once] = -1
    right = held.products[cosines.argmax(axis=1)] == held.products[once]
    same = trusted(cosines.max(axis=1), right)
    choices = Choices(phone, studio, [float(value) for value in gate], bias, same)
    (where / CHOICES).write_text(json.dumps(asdict(choices), indent=1) + "\n", encoding="utf-8")
    judge = Judge(likes.views, gallery.parts, arguments.seed)
    found = {
        **asdict(choices), "opened": float(told.clean.gates.mean()),
        "leaked": float(told.shots.gates.mean()), "reshot": told.shots.figures(phone, studio),
        "clean": told.clean.figures(phone, studio), "area": told.within.area(studio),
        "likeness": judge.agreement(STORED),
    }  # fmt: skip
    print(json.dumps(found), flush=True)


def set_gate(served: Served, name: str, weights: F32 | list[float], bias: float) -> None:
    """Put a fitted gate into the graph: ``gate`` (a studio's picture) or ``side``."""
    getattr(served, name).copy_(torch.as_tensor(weights))
    getattr(served, f"{name}_bias").fill_(bias)


def finish(arguments: argparse.Namespace) -> None:
    """Put the choices into what was trained on all studios, write the artifact."""
    where: Path = arguments.cache
    choices = Choices(**json.loads(arguments.choices.read_text(encoding="utf-8")))
    served, state = load(where, arguments.out.name)
    folder = shoes_folder(arguments.data)
    rows = read_rows(folder)
    cache = build_cache(folder, rows, where)
    held = Held(rows, cache, arguments.seed, step=1)
    likes = liked(served, rows, held, folder, arguments)
    gallery, asked = looked(served, rows, cache, held, likes, arguments.seed)
    set_gate(served, "gate", choices.gate, choices.bias)
    # One studio is one opinion, and what chose there was an earlier trunk: what asks weighs by the
    # mean with what held-out products of the known studios say of this one.
    told = questions(served, rows, held, gallery, asked)
    phone, studio = told.weights(arguments.seed)
    phone = mean(choices.phone, phone)
    studio = mean(choices.studio, studio)
    beyond, louder = told.second(phone, studio, arguments.seed)
    served.weigh(phone=phone, studio=studio, beyond=beyond)
    served.louder.fill_(louder)
    print(json.dumps({
        "phone": phone, "studio": studio, "beyond": beyond, "louder": louder,
        "area": told.within.area(studio), **told.figures(phone, studio, beyond, louder),
    }), flush=True)  # fmt: skip
    out: Path = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    model = out / "model.onnx"
    seen = sample(rows, cache, where, arguments.seed)
    export(served, model, ["embedding", ELSEWHERE, CATALOGUE, "features", "mask"], seen)
    write_localiser(served, out.parent / "localiser")
    work = Work(rows, cache, held.backdrops, where)
    vectors = everything(model, out.name, work)
    session, once = open_session(model), np.unique(held.owners)

    def figures(shots: F32, own: F32, homes: F32) -> str:
        pairs = ((shots, held.owners), (own, once))
        found = [recall(q, o, homes, held.products, (1, 10)) for q, o in pairs]
        shot, clean = (f"{one['r1']:.3f} / {one['r10']:.3f}" for one in found)
        return f"re-shot {shot}, clean {clean}"

    packed = figures(
        encode(session, held.shots), encode(session, cache.clean(held.keep[once])),
        vectors[held.keep],
    )  # fmt: skip
    asking, _, stored = joined(served, gallery)
    unpacked = figures(joined(served, asked)[0], asking[once], stored)
    notes = (
        "The transformer in integers and all weights packed in int8, against float32, on "
        f"{len(once)} held-out pictures of studios that training knows: {packed}; against "
        f"{unpacked} (R@1 / R@10)."
    )
    print(notes, flush=True)
    write_artifact(
        model, vectors, work, state["step"], state["elapsed"] / 60, notes, choices.same, studio
    )


def joined(served: Served, said: Said) -> tuple[F32, F32, F32]:
    """Vectors that ask, that ask other shops, and to be asked for, of reduced parts."""
    with torch.inference_mode():
        parts = [torch.from_numpy(said.parts[name]) for name in PARTS]
        found = served.joined(parts, *map(torch.from_numpy, said.gates(served)))
    asking, elsewhere, stored = (one.numpy() for one in found)
    return asking, elsewhere, stored


def write_localiser(served: Served, out: Path) -> None:
    """The finder as an artifact of its own, for pictures with several shoes."""
    out.mkdir(exist_ok=True)
    model = out / "model.onnx"
    export(Localiser(served.finder), model, ["mask"])
    facts = {
        "schema": 1,
        "file": model.name,
        "sha256": hashlib.sha256(model.read_bytes()).hexdigest(),
        "threshold": 0.5,
        "minimum_area": 0.01,
        "margin": 0.06,
        "licence": "MIT (the weights are the project's own)",
        "training_data": "composites of cut-out shoes over drawn and photographed backdrops",
    }
    (out / "localiser.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder with shoes/labels.csv")
    parser.add_argument("--teachers", type=Path, required=True, help="pretrained networks")
    parser.add_argument("--out", type=Path, required=True, help="artifact folder")
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "solemate" / "train")
    parser.add_argument("--choices", type=Path, help="of a run before, with one studio held")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    if arguments.choices:
        finish(arguments)
    else:
        choose(arguments)


if __name__ == "__main__":
    main()
