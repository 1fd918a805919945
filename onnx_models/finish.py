"""From trained finder and trunk to the artifact: weights of the parts, plain axes, gate, export.

    python -m onnx_models.finish --cache DIR --out onnx_models/solemate-s5

Everything here is fitted on training and validation rows; the test sources are only measured, once,
for the card.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from onnx_models.assemble import CENTRED, GATED, KEPT, PARTS, WHITENED, Localiser, Served
from onnx_models.dataset import F32, U8, build_cache, read_rows, shoes_folder
from onnx_models.model import Sizes
from onnx_models.to_onnx import Work, encode, everything, export, open_session, write_artifact
from onnx_models.validate import Held, recall
from onnx_models.weigh import Asked, Judge, Parts, fit_weights

BLOCK: Final = 64


def load(cache: Path, name: str) -> tuple[Served, dict[str, Any]]:
    """The served module with the trained finder and the trunk's average; and the checkpoint."""
    state: dict[str, Any] = torch.load(cache / f"trunk-{name}.pt", weights_only=False)
    sizes = Sizes(**state["sizes"])
    served = Served(sizes)
    served.finder.load_state_dict(torch.load(cache / "finder.pt", weights_only=True))
    served.trunk.load_state_dict(state["slow"])
    served.palette.load_state_dict(torch.load(cache / "palette.pt", weights_only=True))
    return served.eval(), state


def all_parts(served: Served, pictures: U8) -> tuple[Parts, F32]:
    """Parts of pictures (n, 192, 192, 3), fixed ones unreduced; and the backdrop's facts."""

    def run(start: int) -> tuple[dict[str, Tensor], Tensor]:
        with torch.inference_mode():
            block = torch.from_numpy(np.array(pictures[start : start + BLOCK]))
            named, seen, _, _ = served.parts(block)
            return named, seen

    torch.set_num_threads(1)  # whole batches side by side instead
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        done = list(pool.map(run, range(0, len(pictures), BLOCK)))
    parts = {name: torch.cat([named[name] for named, _ in done]).numpy() for name in PARTS}
    return parts, torch.cat([seen for _, seen in done]).numpy()


def fit_axes(served: Served, parts: Parts) -> None:
    """Strongest directions of every part but the palette, as :data:`WHITENED` says."""
    for name, power in WHITENED.items():
        values = parts[name]
        mean = values.mean(axis=0) * np.float32(CENTRED.get(name, 1.0))
        _, size, axes = np.linalg.svd(values - mean, full_matrices=False)
        kept = axes[: KEPT[name]].T / (size[: KEPT[name]] / size[0]) ** power
        getattr(served, f"mean_{name}").copy_(torch.from_numpy(mean))
        getattr(served, f"axes_{name}").copy_(torch.from_numpy(kept.astype(np.float32)))


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
    return weights.astype(np.float32), float(w[-1] - weights @ mean)


def finish(arguments: argparse.Namespace) -> None:
    """Fit what is left, write the artifact, print what the validation rows say."""
    where: Path = arguments.cache
    served, state = load(where, arguments.out.name)
    folder = shoes_folder(arguments.data)
    rows = read_rows(folder)
    cache = build_cache(folder, rows, where)
    validation = Held(rows, cache, arguments.seed, step=1)
    gallery, facts = all_parts(served, cache.clean(validation.keep))
    asked, asked_facts = all_parts(served, validation.shots)
    train = np.array([rows[i].split == "train" for i in validation.keep])
    fit_axes(served, {name: values[train] for name, values in gallery.items()})
    gallery, asked = reduced(served, gallery), reduced(served, asked)
    # As many of either kind: the more studios there are, the more a phone's picture would look one.
    some = np.random.default_rng(arguments.seed).choice(
        np.flatnonzero(train), len(asked_facts), replace=False
    )
    gate, bias = fit_gate(facts[some], asked_facts)
    served.gate.copy_(torch.from_numpy(gate))
    served.bias.copy_(Tensor([bias])[0])
    homes, asked_gates = (
        served.studio(torch.from_numpy(seen))[:, 0].numpy() for seen in (facts, asked_facts)
    )
    apart = validation.apart
    once = np.unique(validation.owners[apart])
    shots = Asked.of(
        {name: values[apart] for name, values in asked.items()}, asked_gates[apart], gallery, homes,
        validation.owners[apart], validation.products,
    )  # fmt: skip
    clean = Asked.of(
        {name: values[once] for name, values in gallery.items()}, homes[once], gallery, homes,
        once, validation.products,
    )  # fmt: skip
    teacher = np.load(where / "teachers.npy")[validation.keep]
    judge = Judge(teacher, gallery, homes, arguments.seed)
    weights = fit_weights(shots, clean, judge, arguments.seed)
    facts_of_fit = {
        "weights": weights, "studio": float(homes.mean()), "phone": float(asked_gates.mean()),
        "reshot": shots.figures(weights), "clean": clean.figures(weights),
        "likeness": judge.agreement(weights),
    }  # fmt: skip
    print(json.dumps(facts_of_fit), flush=True)
    served.weights.copy_(Tensor([weights[name] for name in PARTS]))
    out: Path = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    model = out / "model.onnx"
    export(served, model, ["embedding", "features", "mask"])
    write_localiser(served, out.parent / "localiser")
    work = Work(rows, cache, validation.backdrops, where)
    vectors = everything(model, out.name, work)
    shot = encode(open_session(model), validation.shots[apart])
    packed = [
        recall(queries, owners, vectors[validation.keep], validation.products, (1, 10))
        for queries, owners in (
            (shot, validation.owners[apart]), (vectors[validation.keep][once], once),
        )
    ]  # fmt: skip
    whole = joined(gallery, weights, homes)
    unpacked = [
        recall(queries, owners, whole, validation.products, (1, 10))
        for queries, owners in (
            (joined(asked, weights, asked_gates)[apart], validation.owners[apart]),
            (whole[once], once),
        )
    ]  # fmt: skip
    notes = (
        "Weights packed in int8 against float32, on the studio kept for fitting: re-shot "
        f"{_shown(packed[0])} against {_shown(unpacked[0])}, clean {_shown(packed[1])} against "
        f"{_shown(unpacked[1])} (R@1 / R@10)."
    )
    print(notes, flush=True)
    write_artifact(model, vectors, work, state["step"], state["elapsed"] / 60, notes)


def joined(parts: Parts, weights: dict[str, float], gates: F32) -> F32:
    """Vectors of unit length of parts under weights; ``gates`` (n,) scale the gated ones."""
    scaled = [
        parts[name] * np.float32(weights[name] ** 0.5) * (gates[:, None] if name in GATED else 1)
        for name in PARTS
    ]
    whole = np.concatenate(scaled, axis=1)
    return np.asarray(whole / np.linalg.norm(whole, axis=1, keepdims=True), np.float32)


def _shown(figures: dict[str, float]) -> str:
    return f"{figures['r1']:.3f} / {figures['r10']:.3f}"


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
    parser.add_argument("--seed", type=int, default=0)
    finish(parser.parse_args())


if __name__ == "__main__":
    main()
