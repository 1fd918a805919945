"""Train an encoder's text tower: ``python -m onnx_models.text.train --encoder onnx_models/NAME``.

The pictures' vectors are frozen. Each text of a batch is matched against thousands of training
pictures: the target is spread evenly over those that fit everything it asks, pictures of which an
asked fact is unknown are left out, the rest are negatives. This is InfoNCE (arXiv 1807.03748) with
several positives (supervised contrast, arXiv 2004.11362). The other way round, a picture is matched
against the texts that ask for one value, so that the nearest of them says what the picture shows
(as in CLIP, arXiv 2103.00020, which learns both ways).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import time
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from app.vision.session import build_session
from app.vision.tokenizer import Tokenizer
from onnx_models.dataset import F32, read_rows, shoes_folder
from onnx_models.heads.labels import called
from onnx_models.text.measure import measure
from onnx_models.text.tower import Tower, export
from onnx_models.text.values import VALUES, Directions, Fits, Values
from onnx_models.text.vectors import Folder, image_vectors, open_folder
from onnx_models.text.words import Asked, Facts, Vocabulary, Writer, facts_of
from onnx_models.told import read_table

CANONICAL: Final = "красные кроссовки nike air max 90"
TOLERANCE: Final = 2e-3
TEXTS: Final = 192
POOL: Final = 3072
BY_VALUE: Final = 64
"""Of them, texts that ask for one value whose like is asked for nearly as often when rare."""
DIRECTED: Final = (16.0, 4.0)
"""What lying in the direction of the asked values (:class:`Directions`) counts beside contrast:
where one is asked for, and where several are."""
CONTRASTED: Final = (0.3, 1.0)
"""What contrast counts where one value is asked for, and elsewhere: of one value the classifiers
find the pictures better, of several contrast finds more often what fits all (.75 of it for .70)."""
NAMED: Final = 1.0
"""What a picture's nearest text counts beside a text's nearest pictures."""


def train(
    vectors: F32, facts: list[Facts], tokenizer: Tokenizer, minutes: float, seed: int
) -> tuple[Tower, int]:
    """Train on pictures (n, dim) and their facts; returns the tower and its steps."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    writer = Writer(Vocabulary(), seed)
    fits = Fits(facts)
    pictures = torch.from_numpy(vectors)
    usable = np.array([i for i, f in enumerate(facts) if f.brand or f.colour or f.title or f.model])
    # Common brands and colours must not drown the rare: root of the frequency (word2vec's idea).
    weight = np.ones(len(usable))
    for field in ("brand", "colour", "type"):
        codes = fits.codes[field][usable]
        counts = np.bincount(codes + 1, minlength=2).astype(float)
        weight /= np.where(codes >= 0, counts[codes + 1] / len(usable), 0.1) ** 0.25
    weight /= weight.sum()
    values, directions = Values(facts), Directions(vectors, fits, seed)
    tower = Tower(tokenizer.buckets, vectors.shape[1])
    scale = torch.nn.Parameter(torch.tensor(3.0))
    optimiser = torch.optim.Adam([*tower.parameters(), scale], lr=2e-3)
    start, step, shown = time.monotonic(), 0, 0.0
    while (spent := time.monotonic() - start) < minutes * 60:
        for group in optimiser.param_groups:
            group["lr"] = 2e-3 * max(0.02, 1 - spent / (minutes * 60)) * min(1, (step + 1) / 50)
        chosen = rng.choice(usable, TEXTS - BY_VALUE, p=weight)
        pairs = [(i, a) for i in chosen if (a := writer.write(facts[i])) is not None]
        pairs += [values.ask(writer, rng) for _ in range(BY_VALUE)]
        others = rng.choice(usable, POOL, replace=False)
        pool = np.unique(np.concatenate([[i for i, _ in pairs], others]))
        asked = [a for _, a in pairs]
        share, counts_in = fits.targets(asked, pool)
        ids = torch.from_numpy(tokenizer.ids([a.text for a in asked]))
        said = tower(ids)
        logits = said @ pictures[torch.from_numpy(pool)].T * scale.exp().clamp(max=200)
        counted = logits.masked_fill(torch.from_numpy(counts_in) == 0, -1e4)
        missed = -(torch.from_numpy(share) * torch.log_softmax(counted, 1)).sum(1)
        right, wanted = directions.targets(asked)
        one, known = wanted == 1, wanted > 0
        loss = (torch.where(one, *CONTRASTED) * missed).mean()
        loss = loss + NAMED * _named(fits, asked[-BY_VALUE:], pool, logits[-BY_VALUE:])
        if known.any():
            apart = 1 - (said * right).sum(1)
            loss = loss + (torch.where(one, *DIRECTED) * apart)[known].mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        step += 1
        shown += loss.item()
        if step % 200 == 0:
            print(f"step {step} loss {shown / 200:.3f} scale {scale.exp().item():.0f}", flush=True)
            shown = 0.0
    return tower.eval(), step


def _named(fits: Fits, asked: list[Asked], pool: np.ndarray[Any, Any], logits: Tensor) -> Tensor:
    """Cross-entropy of the pictures' values, a softmax over the texts (t,) that ask for each kind;
    ``logits`` (t, pool)."""
    losses = []
    for field in VALUES:
        texts, pictures, share = fits.named(asked, pool, field)
        if len(pictures):
            chance = torch.log_softmax(logits[texts][:, pictures].T, dim=1)
            losses.append(-(torch.from_numpy(share) * chance).sum(1).mean())
    return torch.stack(losses).mean()


def write_artifact(
    tower: Tower, tokenizer: Tokenizer, folder: Folder, steps: int, minutes: float
) -> Any:
    """Write text.onnx and tokenizer.json, check the graph against torch; returns its session."""
    export(tower, folder.path / "text.onnx")
    (folder.path / "tokenizer.json").write_text(tokenizer.to_json(), encoding="utf-8")
    session = build_session(folder.path / "text.onnx", 1)
    ids = tokenizer.ids([CANONICAL, "white vans", "?"])
    (got,) = session.run(["embedding"], {"ids": ids[:2]})
    with torch.inference_mode():
        wanted = tower(torch.from_numpy(ids[:2])).numpy()
    if np.abs(got - wanted).max() > 2e-3:
        raise RuntimeError(f"the exported graph is off by {np.abs(got - wanted).max()}")
    facts = {
        "schema": 1,
        "dim": int(got.shape[1]),
        "model": {"file": "text.onnx", "sha256": _digest(folder.path / "text.onnx")},
        "tokenizer": {"file": "tokenizer.json", "sha256": _digest(folder.path / "tokenizer.json")},
        "encoder_sha256": folder.sha256,
        "canonical": {
            "text": CANONICAL,
            "vector": [
                round(float(v), 6)
                for v in session.run(["embedding"], {"ids": tokenizer.ids([CANONICAL])})[0][0]
            ],
            "tolerance": TOLERANCE,
        },
        "licence": "MIT (the weights are the project's own)",
        "training_data": "titles and labels of photographs of shoes from shops and open"
        " collections, and templates in Russian and English written from them",
        "training": {"steps": steps, "minutes": minutes},
        "metrics": {},
    }
    _write(folder.path / "text.json", facts)
    return session, facts


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _write(path: Path, facts: dict[str, Any]) -> None:
    part = path.with_suffix(".part")
    part.write_text(json.dumps(facts, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    part.replace(path)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Train the text tower of an image encoder.")
    parser.add_argument("--encoder", type=Path, required=True, help="folder; files go there too")
    parser.add_argument("--data", type=Path, help="folder with labels.csv")
    parser.add_argument("--cache", type=Path, default=Path("~/.cache/solemate-text").expanduser())
    parser.add_argument("--minutes", type=float, default=4.0)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    torch.set_num_threads(1)
    random.seed(given.seed)
    folder = open_folder(given.encoder)
    shoes = shoes_folder(given.data)
    rows = read_rows(shoes)
    table = read_table(shoes)
    facts = [facts_of(*both) for both in zip(table, called(table), strict=True)]
    vectors = image_vectors(folder, [shoes / row.file for row in rows], given.cache)
    splits = np.array([row.split for row in rows])
    learn = np.flatnonzero(splits == "train")
    learnt = [facts[i] for i in learn]
    tokenizer = Vocabulary().tokenizer(learnt)
    tower, steps = train(vectors[learn], learnt, tokenizer, given.minutes, given.seed)
    session, manifest = write_artifact(tower, tokenizer, folder, steps, given.minutes)

    def encode(texts: list[str]) -> F32:
        found: F32 = session.run(["embedding"], {"ids": tokenizer.ids(texts)})[0]
        return found

    held = np.flatnonzero(splits == "validation")
    manifest["metrics"] = measure(encode, vectors[held], [facts[i] for i in held])
    _write(folder.path / "text.json", manifest)
    print(json.dumps(manifest["metrics"], indent=1))


if __name__ == "__main__":
    main()
