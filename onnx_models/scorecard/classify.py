"""Brand and silhouette by plain classifiers on every entrant's vectors; is it a shoe; wild brands.

Vectors are reduced by PCA fitted on the training rows: 128 components, whitened, for the SVM
(RBF, C 10); 128 of the standardised vectors for logistic regression (C 1); 64 for gradient
boosting, whose cost grows with them and which therefore also stops after 60 rounds of trees of
15 leaves. Kernel and constants were chosen on a part of the training rows. Classes weigh the
same, as macro F1 wants.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any, Final

import numpy as np

from onnx_models.metrics import bootstrap, bootstrap_mean, false_accepts, macro_f1, roc_auc
from onnx_models.scorecard.bench import WILD_SOURCES, Array, Bench, Result
from onnx_models.scorecard.entrants import Entrant
from onnx_models.scorecard.optional import attributes, localiser, photographs
from onnx_models.scorecard.pictures import wild_rows

BRANDS: Final = 13
HELD_OUT: Final = 3
"""A class needs so many held-out products, or its F1 would be chance."""
FAMILIES: Final = (
    "jordan 1 low", "jordan 1 mid", "jordan 1 high|jordan 1 retro high", "jordan 3", "jordan 4",
    "dunk low", "dunk high", "air max 90", r"air max 1\b", "huarache", "blazer", "authentic",
    r"\bera\b", "mercurial", "ultra ?boost", "gazelle",
)  # fmt: skip
"""Model families as patterns over model and text; those with too few products drop out."""
FITS: Final = ("SVM", "logistic", "boosting")


def family(text: str) -> str:
    """The first family whose pattern is in the text; blank where none is."""
    plain = text.lower().replace("-", " ")
    found = [pattern for pattern in FAMILIES if re.search(pattern, plain)]
    return re.sub(r"\\b|\?|\|.*", "", found[0]) if found else ""


def families(bench: Bench) -> Array:
    """(n,) family of each photograph by its model and title."""
    return np.array([family(f"{photo.model} {photo.text}") for photo in bench.photos])


def chosen(bench: Bench, labels: Array, limit: int) -> list[str]:
    """The ``limit`` most frequent labels (by sneaker products) with HELD_OUT held-out products."""
    sneakers = np.array([photo.sneaker for photo in bench.photos])
    usable = (labels != "") & sneakers & ~np.isin(bench.sources, WILD_SOURCES)
    size: Counter[str] = Counter()
    held: Counter[str] = Counter()
    for row in {int(bench.codes[r]): r for r in np.flatnonzero(usable)}.values():
        size[labels[row]] += 1
        held[labels[row]] += bool(bench.held_out[row])
    enough = [label for label, _ in size.most_common() if held[label] >= HELD_OUT]
    return enough[:limit]


def _fit(kind: str, train: Array, truth: Array, test: Array, seed: int) -> Array:
    from sklearn.decomposition import PCA
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.svm import SVC

    parts = min(64 if kind == "boosting" else 128, train.shape[1], len(train) - 1)
    if kind == "logistic":
        centre, spread = train.mean(axis=0), train.std(axis=0) + 1e-6
        train, test = (train - centre) / spread, (test - centre) / spread
    reduce = PCA(parts, whiten=kind == "SVM", random_state=seed)
    known = reduce.fit_transform(train)
    asked = reduce.transform(test)
    scale = known[:, 0].std() + 1e-9
    model: Any = {
        "SVM": lambda: SVC(C=10.0, gamma="scale", class_weight="balanced"),
        "logistic": lambda: LogisticRegression(C=1.0, class_weight="balanced", max_iter=200),
        "boosting": lambda: HistGradientBoostingClassifier(
            max_iter=60, max_leaf_nodes=15, learning_rate=0.2, early_stopping=False,
            class_weight="balanced", random_state=seed,
        ),
    }[kind]()  # fmt: skip
    model.fit(known / scale, truth)
    return np.asarray(model.predict(asked / scale))


def _classify(
    bench: Bench, entrant: Entrant, vectors: Array, labels: Array, limit: int, field: str
) -> Result:
    names = chosen(bench, labels, limit)
    result = Result(notes=["classes: " + ", ".join(names)])
    if len(names) < 2:
        return Result(notes=["fewer than two classes have enough products"])
    sneakers = np.array([photo.sneaker for photo in bench.photos])
    used = np.isin(labels, names) & sneakers & ~np.isin(bench.sources, WILD_SOURCES)
    rows = np.flatnonzero(used)
    code = np.array([names.index(labels[row]) for row in rows])
    held = bench.held_out[rows]
    leaky = np.random.default_rng(bench.seed).random(len(rows)) < 0.2
    result.counts.update(train=int((~held).sum()), test=int(held.sum()), leaky=int(leaky.sum()))

    def score(name: str, guess: Array, test: Array) -> None:
        result.figures[name] = bootstrap(
            lambda weights: macro_f1(code[test], guess, len(names), weights),
            bench.products[rows][test], bench.seed,
        )  # fmt: skip

    for split, test in (("disjoint", held), ("leaky", leaky)):
        for kind in FITS:
            guess = _fit(kind, vectors[rows[~test]], code[~test], vectors[rows[test]], bench.seed)
            score(f"{split} {kind}", guess, test)
    said = attributes(bench, entrant, photographs(bench, rows[held]))
    if said is None:
        result.notes.append("no heads")
    else:
        words = [str(getattr(one, field) or "").lower() for one in said]
        if field == "silhouette":
            words = [family(word) for word in words]
        guess = np.array([names.index(word) if word in names else -1 for word in words])
        score("disjoint own head", guess, held)
    return result


def brand(bench: Bench, entrant: Entrant, vectors: Array) -> Result:
    """Macro F1 over the 13 most frequent sneaker brands."""
    return _classify(bench, entrant, vectors, bench.brands, BRANDS, "brand")


def silhouette(bench: Bench, entrant: Entrant, vectors: Array) -> Result:
    """Macro F1 over the model families with enough held-out products."""
    names = families(bench)
    return _classify(bench, entrant, vectors, names, len(FAMILIES), "silhouette")


def shoe(bench: Bench, entrant: Entrant, vectors: Array) -> Result:
    """Is it a shoe, is it a sneaker: by the nearest training pictures, and by the heads.

    Without heads a picture is the more a shoe the higher its mean cosine to the five nearest
    training pictures, and the more a sneaker the more of the 15 nearest labelled ones are."""
    result = Result()
    photos = bench.photos
    labelled = ("sneaker", "heels", "sandals", "flip flops", "formal shoes", "flats", "slide")
    known = np.array([photo.row.category.startswith(labelled) for photo in photos])
    known &= bench.sources != "es_shop_multiview"
    train = np.flatnonzero(~bench.held_out & known & ~np.isin(bench.sources, WILD_SOURCES))
    is_sneaker = np.array([photo.sneaker for photo in photos])
    yes = np.flatnonzero(bench.held_out & is_sneaker & ~np.isin(bench.sources, WILD_SOURCES))
    kind_of = [photo.row.category for photo in photos]
    other = np.flatnonzero(
        bench.held_out & np.isin(kind_of, ["heels", "sandals", "flip flops"])
        & np.char.startswith(bench.sources, "fashion_products")
    )  # fmt: skip
    kinds = ("textures", "faces", "landscapes", "backgrounds")
    made = [entrant.made(bench, kind) for kind in kinds]
    if any(part is None for part in made):
        return Result(notes=["sees no pictures, only labels"])
    result.counts.update(sneakers=len(yes), other_shoes=len(other))

    def near(queries: Array) -> tuple[Array, Array]:
        shoeness, sneakerness = np.empty(len(queries)), np.empty(len(queries))
        for at, query in enumerate(queries):
            cosine = vectors[train] @ query
            best = np.argpartition(-cosine, 15)[:15]
            shoeness[at] = np.sort(cosine[best])[-5:].mean()
            weight = np.maximum(cosine[best], 0) ** 8 + 1e-12
            sneakerness[at] = (weight @ is_sneaker[train[best]]) / weight.sum()
        return shoeness, sneakerness

    if len(train) < 20 or not len(yes):
        return Result(notes=["too few labelled pictures"])
    shoes, sneakers = near(entrant.asking(bench, yes))

    def score(name: str, good: Array, bad: Array) -> None:
        scores = np.concatenate([good, bad])
        positive = np.arange(len(scores)) < len(good)
        groups = np.concatenate([bench.codes[yes], -1 - np.arange(len(bad))])

        def accepts(weights: Array) -> float:
            picked = np.repeat(np.arange(len(weights)), weights.astype(int))
            return false_accepts(scores[picked], positive[picked])

        result.figures[f"{name} AUROC"] = bootstrap(
            lambda weights: roc_auc(scores, positive, weights), groups, bench.seed
        )
        result.figures[f"{name} FA@95"] = bootstrap(accepts, groups, bench.seed)

    there = [vectors for vectors in made if vectors is not None]
    if there:
        strange = near(np.concatenate(there))[0]
        result.counts["made"] = len(strange)
        score("shoe kNN", shoes, strange)
        for kind, part in zip(kinds, there, strict=False):
            if len(part):
                score(f"shoe kNN, {kind}", shoes, near(part)[0])
    else:
        result.notes.append("sees no pictures")
    if len(other):
        score("sneaker kNN", sneakers, near(entrant.asking(bench, other))[1])
    good = attributes(bench, entrant, photographs(bench, yes))
    if good is None:
        result.notes.append("no heads")
        return result
    from onnx_models.scorecard.pictures import PICTURES

    bad = attributes(bench, entrant, [im for kind in kinds for im in PICTURES[kind][1](bench)])
    score(
        "shoe head", np.array([a.is_shoe for a in good]), np.array([a.is_shoe for a in bad or []])
    )
    if len(other):
        ugly = attributes(bench, entrant, photographs(bench, other)) or []
        score(
            "sneaker head", np.array([a.is_sneaker for a in good]),
            np.array([a.is_sneaker for a in ugly]),
        )  # fmt: skip
    return result


def wild(bench: Bench, entrant: Entrant, vectors: Array) -> Result:
    """Brand of wild photographs by a vote of the 15 nearest of all other sources, balanced by how
    frequent the brand is there; as they are, and cut to what the localiser found."""
    rows = np.array(wild_rows(bench), np.int64)
    if not len(rows):
        return Result(notes=["no wild photographs"])
    names = sorted(set(bench.brands[rows].tolist()))
    rest = np.flatnonzero(np.isin(bench.brands, names) & ~np.isin(bench.sources, WILD_SOURCES))
    if not len(rest):
        return Result(notes=["no labelled pictures of these brands"])
    result = Result(counts={"queries": len(rows), "held_out": int(bench.held_out[rows].sum())})
    result.notes.append("brands: " + ", ".join(names))
    codes = np.array([names.index(name) for name in bench.brands[rest]])
    rarity = 1 / np.maximum(np.bincount(codes, minlength=len(names)), 1)

    def score(name: str, queries: Array) -> None:
        right = np.empty(len(rows))
        for at, query in enumerate(queries):
            cosine = vectors[rest] @ query
            best = np.argsort(-cosine)[:15]
            votes = np.bincount(codes[best], weights=np.maximum(cosine[best], 0) ** 8,
                                minlength=len(names)) * rarity  # fmt: skip
            right[at] = names[int(votes.argmax())] == bench.brands[rows[at]]
        result.figures[name] = bootstrap_mean(right, bench.codes[rows], bench.seed)
        held = bench.held_out[rows]
        if held.any():
            result.figures[f"{name}, held out"] = bootstrap_mean(
                right[held], bench.codes[rows][held], bench.seed
            )

    score("raw", entrant.asking(bench, rows))
    model, why = localiser(bench)
    cut = entrant.made(bench, "localised") if model is not None else None
    if cut is None:
        result.notes.append(why or "sees no pictures")
    else:
        score("localised", cut)
    return result
