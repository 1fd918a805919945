"""How well words find pictures: precision by asked attribute, recall of titles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from onnx_models.dataset import F32
from onnx_models.text.words import Facts, Vocabulary, Writer

ASKED: Final = ("brand", "colour", "type")
TOP: Final = 10
FEWEST: Final = 5
"""Pictures that a value must have to be asked for alone: of some there are fewer than TOP."""


def measure(
    encode: Callable[[list[str]], F32], pictures: F32, facts: list[Facts]
) -> dict[str, Any]:
    """Figures of held-out pictures (n, dim) and their facts, with n.

    Precision@10: queries are the brand, colour and type combinations of the gallery, the pictures
    of which all three are known; asked are only values that ten of its pictures have, else ten
    right ones could not be found. "Alone": one value that FEWEST have. Recall@10: a title finds a
    picture with that very title, among all held-out pictures. "Named": of the phrases for the
    values that FEWEST have, the nearest to a picture is of its own value.
    """
    whole = [i for i, f in enumerate(facts) if all(getattr(f, k) for k in ASKED)]
    counts = {k: Counter(getattr(facts[i], k) for i in whole) for k in ASKED}
    combinations = sorted({tuple(getattr(facts[i], k) for k in ASKED) for i in whole})
    asked = [
        c for c in combinations if all(counts[k][v] >= TOP for k, v in zip(ASKED, c, strict=True))
    ]
    writer = Writer(Vocabulary(), 0)
    named: dict[str, dict[str, float]] = {field: {} for field in ASKED}
    result: dict[str, Any] = {"gallery": len(whole), "queries_a_language": len(asked)}
    for language in ("en", "ru"):
        texts = [
            writer.phrase(dict(zip(ASKED, c, strict=True)), language, spoil=False).text
            for c in asked
        ]
        best = np.argsort(-(encode(texts) @ pictures[whole].T), axis=1)[:, :TOP]
        rates = {
            k: [
                np.mean([getattr(facts[whole[j]], k) == c[n] for j in row])
                for row, c in zip(best, asked, strict=True)
            ]
            for n, k in enumerate(ASKED)
        }
        scores = {k: round(float(np.mean(v)), 3) for k, v in rates.items()}
        result[f"p10_{language}"] = {**scores, "mean": round(float(np.mean([*scores.values()])), 3)}
        for field in ASKED:
            known = [i for i, fact in enumerate(facts) if getattr(fact, field)]
            true = np.array([getattr(facts[i], field) for i in known])
            often = Counter(true.tolist())
            values = sorted(value for value, count in often.items() if count >= FEWEST)
            texts = [writer.phrase({field: v}, language, spoil=False).text for v in values]
            cosines = encode(texts) @ pictures[known].T
            best = true[np.argsort(-cosines, axis=1)[:, :TOP]]
            right = best == np.array(values)[:, None]
            result[f"p10_{language}"][f"{field} alone"] = round(float(np.mean(right)), 3)
            asked_for = np.isin(true, values)
            said = np.array(values)[cosines[:, asked_for].argmax(axis=0)]
            named[field][language] = round(float(np.mean(said == true[asked_for])), 3)
    result["named"] = named
    titles = sorted({f.title for f in facts if f.title})
    best = np.argsort(-(encode(titles) @ pictures.T), axis=1)[:, :TOP]
    found = [any(facts[j].title == t for j in row) for t, row in zip(titles, best, strict=True)]
    result["titles"] = {
        "n": len(titles),
        "gallery": len(facts),
        "r10": round(float(np.mean(found)), 3),
    }
    return result
