"""From trained finder and trunk to the artifact: weights of the parts, plain axes, gate, export.

    python -m onnx_models.finish --cache HELD --out onnx_models/solemate-s8
    python -m onnx_models.finish --cache ALL --out onnx_models/solemate-s8 \
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
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from app.vision.encoder import CATALOGUE
from onnx_models.assemble import CENTRED, GATED, KEPT, PARTS, WHITENED, Localiser, Served
from onnx_models.bank import CLEAN, MILD, SHOT, open_bank
from onnx_models.calibrate import trusted
from onnx_models.colours import BACKDROP, FAINT
from onnx_models.crops import build_clues, side_by_side
from onnx_models.dataset import F32, U8, Cache, Row, build_cache, read_rows, shoes_folder
from onnx_models.finder import Finder
from onnx_models.model import Sizes
from onnx_models.teachers import directions
from onnx_models.to_onnx import Work, encode, everything, export, open_session, write_artifact
from onnx_models.validate import Held, recall
from onnx_models.weigh import STORED, Asked, Judge, Parts, fit_asking, mean

BLOCK: Final = 16
BACKDROPS: Final = 20_000
SHARP: Final = 3.0
"""How much steeper than a chance the gate is."""
LEAK: Final = 0.06
"""What a phone's photographs may keep of their plain colours, on the mean."""
CHOICES: Final = "choices.json"


def load(cache: Path, name: str) -> tuple[Served, dict[str, Any]]:
    """The served module with the trained finder and the trunk's average; and the checkpoint."""
    state: dict[str, Any] = torch.load(cache / f"trunk-{name}.pt", weights_only=False)
    sizes = Sizes(**state["sizes"])
    served = Served(sizes)
    served.finder.load_state_dict(torch.load(cache / "finder.pt", weights_only=True))
    served.trunk.load_state_dict(state["slow"])
    served.palette.load_state_dict(torch.load(cache / "palette.pt", weights_only=True))
    served.weigh(kept=STORED)
    return served.eval(), state


def all_parts(served: Served, pictures: U8) -> tuple[Parts, F32]:
    """Parts of pictures (n, 192, 192, 3), fixed ones unreduced; and the backdrop's facts."""

    def run(start: int) -> tuple[dict[str, Tensor], Tensor]:
        with torch.inference_mode():
            block = torch.from_numpy(np.array(pictures[start : start + BLOCK]))
            named, seen, _, _ = served.parts(block)
            return named, seen

    done = side_by_side(run, len(pictures), BLOCK)
    parts = {name: torch.cat([named[name] for named, _ in done]).numpy() for name in PARTS}
    return parts, torch.cat([seen for _, seen in done]).numpy()


def fit_axes(served: Served, parts: Parts) -> None:
    """Strongest directions of every part but the palette, as :data:`WHITENED` says."""
    for name, power in WHITENED.items():
        mean, axes = directions(parts[name], power, CENTRED.get(name, 1.0))
        getattr(served, f"mean_{name}").copy_(torch.from_numpy(mean))
        getattr(served, f"axes_{name}").copy_(torch.from_numpy(axes[:, : KEPT[name]]))


def reduced(served: Served, parts: Parts) -> Parts:
    """The parts as they stand in the vector, each of unit length."""
    with torch.inference_mode():
        found = served.reduced({name: torch.from_numpy(values) for name, values in parts.items()})
    return {name: part.numpy() for name, part in zip(PARTS, found, strict=True)}


def fit_gate(studio: F32, phone: F32) -> tuple[F32, float]:
    """Logistic regression by Newton's method on facts (n, 8): weights and bias."""
    x = np.concatenate([studio, phone]).astype(np.float64)
    mean, deviation = x.mean(0), x.std(0) + 1e-6
    x = np.concatenate([(x - mean) / deviation, np.ones((len(x), 1))], axis=1)
    y = np.concatenate([np.ones(len(studio)), np.zeros(len(phone))])
    w = np.zeros(x.shape[1])
    for _ in range(20):
        p = 1 / (1 + np.exp(-np.clip(x @ w, -30, 30)))
        curve = (x * (p * (1 - p))[:, None]).T @ x + np.eye(len(w)) * 1e-2 * len(x)
        w -= np.linalg.solve(curve, x.T @ (p - y) + 1e-2 * len(x) * w)
    weights = w[:-1] / deviation
    return sharpened(weights.astype(np.float32), float(w[-1] - weights @ mean), phone)


def sharpened(weights: F32, bias: float, phone: F32) -> tuple[F32, float]:
    """The same regression SHARP times as steep, and moved until phones keep LEAK of their plain
    colours: between a studio that is a little grey and a plain floor a chance is not enough."""
    logits = SHARP * (phone @ weights + bias)
    low, high = -100.0, 100.0
    for _ in range(60):
        middle = (low + high) / 2
        kept = float((1 / (1 + np.exp(-np.clip(logits - middle, -60, 60)))).mean())
        low, high = (middle, high) if kept > LEAK else (low, middle)
    return np.asarray(SHARP * weights, np.float32), float(SHARP * bias - high)


def backdrops(
    rows: list[Row], cache: Cache, where: Path, finder: Finder, seed: int
) -> tuple[F32, F32]:
    """Facts (n, 8) of as many backdrops of shops as of phones, from the bank: shops' as they are
    and of other tones, since not every studio is white."""
    bank = open_bank(rows, cache, where)
    told = build_clues(bank, finder, where)
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


def looked(
    served: Served, rows: list[Row], cache: Cache, held: Held
) -> tuple[tuple[Parts, F32], tuple[Parts, F32]]:
    """Parts as they stand in the vector and facts of the gallery and of the re-shots; the axes are
    fitted on the gallery's training pictures."""
    gallery, facts = all_parts(served, cache.clean(held.keep))
    asked, asked_facts = all_parts(served, held.shots)
    train = np.array([rows[i].split == "train" for i in held.keep])
    fit_axes(served, {name: values[train] for name, values in gallery.items()})
    return (reduced(served, gallery), facts), (reduced(served, asked), asked_facts)


def questions(
    held: Held, gallery: Parts, asked: Parts, gates: tuple[F32, F32]
) -> tuple[Asked, Asked]:
    """What weights are fitted on: re-shots and clean pictures. ``gates`` of the gallery (g,) and of
    the re-shots (q,)."""
    clean_gates, asked_gates = gates
    apart, once = held.apart, np.unique(held.owners[held.apart])
    shots = Asked.of(
        {name: values[apart] for name, values in asked.items()}, asked_gates[apart], gallery,
        held.owners[apart], held.products,
    )  # fmt: skip
    clean = Asked.of(
        {name: values[once] for name, values in gallery.items()}, clean_gates[once], gallery,
        once, held.products,
    )  # fmt: skip
    return shots, clean


def choose(arguments: argparse.Namespace) -> None:
    """Fit the choices and keep them under ``--cache``, with what the held studio says of them."""
    where: Path = arguments.cache
    folder = shoes_folder(arguments.data)
    rows = read_rows(folder, hold=True)
    cache = build_cache(folder, rows, where)
    served, _ = load(where, arguments.out.name)
    held = Held(rows, cache, arguments.seed, step=1)
    (gallery, facts), (asked, asked_facts) = looked(served, rows, cache, held)
    gate, bias = fit_gate(*backdrops(rows, cache, where, served.finder, arguments.seed))
    set_gate(served, gate, bias)
    clean_gates, asked_gates = opened(served, facts), opened(served, asked_facts)
    shots, clean = questions(held, gallery, asked, (clean_gates, asked_gates))
    phone = fit_asking(shots, GATED, arguments.seed)
    studio = fit_asking(clean, (), arguments.seed)
    apart, once = held.apart, np.unique(held.owners[held.apart])
    served.weigh(phone=phone, studio=studio)
    asking, stored = joined(served, gallery, clean_gates)
    cosines = asking[once] @ stored.T
    cosines[np.arange(len(once)), once] = -1
    right = held.products[cosines.argmax(axis=1)] == held.products[once]
    same = trusted(cosines.max(axis=1), right)
    choices = Choices(phone, studio, [float(value) for value in gate], bias, same)
    (where / CHOICES).write_text(json.dumps(asdict(choices), indent=1) + "\n", encoding="utf-8")
    judge = Judge(np.load(where / "teachers.npy")[held.keep], gallery, arguments.seed)
    found = {
        **asdict(choices), "opened": float(clean_gates[once].mean()),
        "leaked": float(asked_gates[apart].mean()), "reshot": shots.figures(phone, studio),
        "clean": clean.figures(phone, studio), "likeness": judge.agreement(STORED),
    }  # fmt: skip
    print(json.dumps(found), flush=True)


def set_gate(served: Served, gate: F32 | list[float], bias: float) -> None:
    """Put a fitted gate into the graph."""
    served.gate.copy_(torch.as_tensor(gate))
    served.bias.fill_(bias)


def opened(served: Served, facts: F32) -> F32:
    """How far the gate opens (n,) to the backdrops' facts (n, 8)."""
    return np.asarray(served.opened(torch.from_numpy(facts))[:, 0].numpy())


def finish(arguments: argparse.Namespace) -> None:
    """Put the choices into what was trained on all studios, write the artifact."""
    where: Path = arguments.cache
    choices = Choices(**json.loads(arguments.choices.read_text(encoding="utf-8")))
    served, state = load(where, arguments.out.name)
    folder = shoes_folder(arguments.data)
    rows = read_rows(folder)
    cache = build_cache(folder, rows, where)
    held = Held(rows, cache, arguments.seed, step=1)
    (gallery, facts), (asked, asked_facts) = looked(served, rows, cache, held)
    set_gate(served, choices.gate, choices.bias)
    gates, asked_gates = opened(served, facts), opened(served, asked_facts)
    # One studio is one opinion, and what chose there was an earlier trunk: what asks weighs by the
    # mean with what held-out products of the known studios say of this one.
    shots, clean = questions(held, gallery, asked, (gates, asked_gates))
    phone = mean(choices.phone, fit_asking(shots, GATED, arguments.seed))
    studio = mean(choices.studio, fit_asking(clean, (), arguments.seed))
    print(json.dumps({"phone": phone, "studio": studio}), flush=True)
    served.weigh(phone=phone, studio=studio)
    out: Path = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    model = out / "model.onnx"
    export(served, model, ["embedding", CATALOGUE, "features", "mask"])
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
    asking, stored = joined(served, gallery, gates)
    unpacked = figures(joined(served, asked, asked_gates)[0], asking[once], stored)
    notes = (
        f"Weights packed in int8 against float32, on {len(once)} held-out pictures of studios that "
        f"training knows: {packed}; against {unpacked} (R@1 / R@10)."
    )
    print(notes, flush=True)
    write_artifact(model, vectors, work, state["step"], state["elapsed"] / 60, notes, choices.same)


def joined(served: Served, parts: Parts, gates: F32) -> tuple[F32, F32]:
    """Vectors that ask, and to be asked for, of reduced parts (n, ...); ``gates`` (n,)."""
    with torch.inference_mode():
        asking, stored = served.joined(
            [torch.from_numpy(parts[name]) for name in PARTS], torch.from_numpy(gates)[:, None]
        )
    return asking.numpy(), stored.numpy()


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
