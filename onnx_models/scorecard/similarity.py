"""Protocols on the vectors alone: retrieval, colourways, human triplets, same pair."""

from __future__ import annotations

from typing import Final

import numpy as np

from onnx_models.asking import each, nearness, ways
from onnx_models.metrics import (
    Interval,
    bootstrap,
    bootstrap_mean,
    equal_error,
    picture_precision,
    product_ranks,
    reliability,
    roc_auc,
    triplet_agreement,
)
from onnx_models.scorecard.bench import TEST_SOURCES, TRIPLETS, Array, Bench, Result
from onnx_models.scorecard.entrants import Entrant

SNEAKERS: Final = frozenset((
    0, 1, 4, 5, 9, 11, 15, 17, 19, 22, 25, 29, 32, 33, 34, 35, 36, 37, 38, 42, 43, 44, 45, 46, 48,
    49, 55, 56, 61, 65, 67, 71, 75, 80, 82,
))  # fmt: skip
"""Numbers of the triplet pictures that show sneakers or sports shoes, sorted by eye."""

GALLERY: Final = 5_701
"""Pictures in the gallery that baselines were first measured in on data of this kind."""
DRAWS: Final = 5


def retrieval(bench: Bench, entrant: Entrant, vectors: Array) -> Result:
    """Leave-one-out over multi-view test products, as they are and re-shot; see the report."""
    result = Result()
    own = bench.queries()
    asked = bench.codes[own]
    result.counts.update(queries=len(own), products=len(set(asked.tolist())))
    for name, shot in (("clean", False), ("reshot", True)):
        asks = ways(bench, entrant, own, shot=shot)
        ranks = each(product_ranks, asks, asked, own, vectors, bench.codes)
        for limit in (1, 5, 10):
            found = (ranks <= limit).astype(float)
            result.figures[f"{name} R@{limit}"] = bootstrap_mean(found, asked, bench.seed)
        best = np.where(ranks <= 10, 1 / ranks, 0.0)
        result.figures[f"{name} mAP@10"] = bootstrap_mean(best, asked, bench.seed)
        every = each(picture_precision, asks, asked, own, vectors, bench.codes)
        result.figures[f"{name} mAP"] = bootstrap_mean(every, asked, bench.seed)
    return result


def smaller(bench: Bench, entrant: Entrant, vectors: Array) -> Result:
    """:func:`retrieval` among GALLERY pictures: those of all multi-view products and as many others
    as it takes, drawn DRAWS times; the mean over the draws."""
    own = bench.queries()
    shown = bench.several(np.ones(len(bench.files), bool))
    others = np.setdiff1d(np.arange(len(bench.files)), shown)
    more = min(GALLERY - len(shown), len(others))
    if more <= 0:
        return Result(notes=["fewer photographs than the smaller gallery has"])
    result = Result(counts={"queries": len(own), "gallery": len(shown) + more, "draws": DRAWS})
    asked = bench.codes[own]
    rng = np.random.default_rng(bench.seed)
    draws = [np.sort(np.append(shown, rng.choice(others, more, False))) for _ in range(DRAWS)]
    for name, shot in (("clean", False), ("reshot", True)):
        asks = ways(bench, entrant, own, shot=shot)
        ranks = np.stack([
            each(
                product_ranks, asks, asked, np.searchsorted(rows, own), vectors[rows],
                bench.codes[rows],
            )
            for rows in draws
        ])  # fmt: skip
        for limit in (1, 10):
            found = (ranks <= limit).mean(axis=0)
            result.figures[f"{name} R@{limit}"] = bootstrap_mean(found, asked, bench.seed)
    return result


def across_views(bench: Bench, entrant: Entrant, vectors: Array) -> Result:
    """Held-out multi-view products of all sources; pictures in the query's own view are left out
    of its product, so that only another view can be the find."""
    result = Result()
    own = np.array([
        row for row in bench.several(bench.held_out & (bench.views != ""))
        if np.any((bench.codes == bench.codes[row]) & (bench.views != bench.views[row]))
    ])  # fmt: skip
    if not len(own):
        return Result(notes=["no held-out product in several named views"])
    asked = bench.codes[own]
    ranks = np.empty(len(own), np.int64)
    for at, (row, asks) in enumerate(zip(own, ways(bench, entrant, own), strict=True)):
        scores = nearness(asks, vectors)
        scores[(bench.codes == bench.codes[row]) & (bench.views == bench.views[row])] = -np.inf
        best = np.full(bench.codes.max() + 1, -np.inf)
        np.maximum.at(best, bench.codes, scores)
        ranks[at] = np.count_nonzero(best >= best[bench.codes[row]])
    result.counts.update(queries=len(own), products=len(set(asked.tolist())))
    for limit in (1, 5, 10):
        found = (ranks <= limit).astype(float)
        result.figures[f"R@{limit}"] = bootstrap_mean(found, asked, bench.seed)
    best_of = np.where(ranks <= 10, 1 / ranks, 0.0)
    result.figures["mAP@10"] = bootstrap_mean(best_of, asked, bench.seed)
    return result


def colourways(bench: Bench, entrant: Entrant, vectors: Array) -> Result:
    """Held-out footlocker_2018 pictures among all of that source: how often a picture of the same
    model in another colour lies nearer than one of another model in the same colour."""
    result = Result()
    rows = np.flatnonzero(bench.sources == "footlocker_2018")
    models = np.array([bench.photos[row].row.model for row in rows])
    colours = np.array(["/".join(bench.photos[row].colours) for row in rows])
    asking = np.flatnonzero(bench.held_out[rows])
    asked = ways(bench, entrant, rows[asking])
    spans = {"whole": slice(None)}
    if entrant.parts:
        spans |= {
            n: slice(*span) for n, span in zip(("shape", "colour"), entrant.parts, strict=True)
        }
    else:
        result.notes.append("has no separate shape and colour parts")
    for name, span in spans.items():
        part = vectors[rows, span]
        part = part / np.maximum(np.linalg.norm(part, axis=1, keepdims=True), 1e-9)
        model_wins, first_model, first_colour, groups = [], [], [], []
        # Lengths make ways comparable as wholes; of a part only the first way is.
        for at, asks in zip(asking, asked if name == "whole" else asked[:, :1, span], strict=True):
            mate = (models == models[at]) & (colours != colours[at]) & (models[at] != "")
            other = (models != models[at]) & (colours == colours[at]) & (colours[at] != "")
            if not mate.any() or not other.any():
                continue
            scores = nearness(asks, part)
            scores[at] = -np.inf
            # The share of pairs in which the model wins is a ROC-AUC with the mates as positives.
            both = np.concatenate([scores[mate], scores[other]])
            model_wins.append(roc_auc(both, np.arange(len(both)) < int(mate.sum())))
            first_model.append(scores[mate].max() > scores[other].max())
            nearest = int(scores.argmax())
            first_colour.append(colours[nearest] == colours[at])
            groups.append(models[at])
        if not groups:
            continue
        result.counts["queries"] = len(groups)
        result.counts["models"] = len(set(groups))
        for key, values in (
            ("model nearer", model_wins), ("model first", first_model), ("colour@1", first_colour)
        ):  # fmt: skip
            result.figures[f"{name}: {key}"] = bootstrap_mean(
                np.array(values, float), np.array(groups), bench.seed
            )
    return result


def triplets(bench: Bench, entrant: Entrant, vectors: Array) -> Result:
    """Agreement with human judgements "a is closer to b than to c", all shoes and sneakers only, by
    the whole vector and by its shape part where it has one."""
    path = bench.folder / TRIPLETS / "triplets.csv"
    if not path.is_file():
        return Result(notes=["the data hold no triplets"])
    numbers = np.loadtxt(path, delimiter=",", skiprows=1, dtype=np.int64)
    place = np.full(int(numbers.max()) + 1, -1, np.int64)
    for row in np.flatnonzero(bench.sources == TRIPLETS):
        number = int(bench.files[row].rsplit("zt_", 1)[1].split("__")[0])
        if number < len(place):
            place[number] = row
    numbers = numbers[(place[numbers] >= 0).all(axis=1)]
    sneakers = numbers[np.isin(numbers, list(SNEAKERS)).all(axis=1)]
    result = Result(counts={"all": len(numbers), "sneakers": len(sneakers)})
    rows = np.flatnonzero(bench.sources == TRIPLETS)
    small = np.zeros(len(vectors), np.int64)
    small[rows] = np.arange(len(rows))
    seen = {"": vectors[rows]}
    if entrant.parts:
        start, end = entrant.parts[0]
        shape = vectors[rows, start:end]
        seen[", shape"] = shape / np.maximum(np.linalg.norm(shape, axis=1, keepdims=True), 1e-9)
    for part, views in seen.items():
        for name, chosen in (("all", numbers), ("sneakers", sneakers)):
            if len(chosen):
                result.figures[f"{name}{part}"] = triplet_agreement(
                    views, small[place[chosen]], bench.seed
                )
    return result


def pairs(bench: Bench, entrant: Entrant, vectors: Array) -> Result:
    """Same product or not, over all pairs of test pictures within a source, of which one asks and
    the other is kept; calibration over each re-shot test query and its ten nearest products, which
    is where the verdict is given."""
    from sklearn.linear_model import LogisticRegression

    from onnx_models.scorecard.optional import verifier

    own = bench.queries()
    first, second = np.triu_indices(len(own), 1)
    within = bench.sources[own[first]] == bench.sources[own[second]]
    first, second = first[within], second[within]
    code = np.unique(bench.codes[own], return_inverse=True)[1]
    same = code[first] == code[second]
    asks = ways(bench, entrant, own)
    asking = asks[:, 0]
    scores = np.einsum("iwj,ij->iw", asks[first], vectors[own[second]]).max(axis=1)
    result = Result(counts={"pairs": len(same), "same": int(same.sum())})
    model, why = verifier(bench, entrant)
    said_by = {"cosine": scores}
    if model is None:
        result.notes.append(why)
    else:
        likely = np.empty(len(scores))
        for at in np.unique(first):
            hit = first == at
            likely[hit] = model.probability(asking[at], vectors[own[second[hit]]])
        said_by["verifier"] = likely
    draws = np.random.default_rng(bench.seed).multinomial(
        code.max() + 1, np.full(code.max() + 1, 1 / (code.max() + 1)), size=100
    )
    for name, values in said_by.items():
        for key, measure in (("AUC", roc_auc), ("EER", equal_error)):
            drawn = [
                measure(
                    values, same, np.where(same, w[code[first]], w[code[first]] * w[code[second]])
                )
                for w in draws.astype(float)
            ]
            low, high = np.percentile(drawn, [2.5, 97.5])
            result.figures[f"{name} {key}"] = Interval(
                measure(values, same), float(low), float(high)
            )
    fitted = bench.several((bench.splits == "validation") & ~np.isin(bench.sources, TEST_SOURCES))
    if len(fitted) < 20:
        result.notes.append("too few validation products to calibrate the cosine on")
        return result
    known, right = _top_pairs(bench, vectors, ways(bench, entrant, fitted, shot=True), fitted)[:2]
    if right.all() or not right.any():
        result.notes.append("no validation pair to calibrate the cosine on")
        return result
    curve = LogisticRegression(C=1e6).fit(known[:, None], right)
    shots = ways(bench, entrant, own, shot=True)
    cosine, truth, nearest = _top_pairs(bench, vectors, shots, own)
    said = {"cosine": curve.predict_proba(cosine[:, None])[:, 1]}
    if model is not None:
        said["verifier"] = np.concatenate([
            model.probability(asks[0], vectors[rows])
            for asks, rows in zip(shots, nearest, strict=True)
        ])  # fmt: skip
    groups = np.repeat(bench.codes[own], 10)
    for name, probability in said.items():
        points, _ = reliability(probability, truth)
        result.series[f"{name} reliability"] = points

        def ece(weights: Array, probability: Array = probability) -> float:
            picked = np.repeat(np.arange(len(weights)), weights.astype(int))
            return reliability(probability[picked], truth[picked])[1]

        result.figures[f"{name} ECE"] = bootstrap(ece, groups, bench.seed)
    return result


def _top_pairs(
    bench: Bench, vectors: Array, asked: Array, own: Array
) -> tuple[Array, Array, Array]:
    """Cosines (10 q,), whether right (10 q,), and gallery rows (q, 10) of the products nearest to
    ``asked`` (q, ways, d)."""
    scores, right, nearest = [], [], []
    for asks, row in zip(asked, own, strict=True):
        cosine = nearness(asks, vectors)
        cosine[row] = -np.inf
        order = np.argsort(-cosine, kind="stable")[:400]
        _, at = np.unique(bench.codes[order], return_index=True)
        rows = order[np.sort(at)[:10]]
        rows = np.pad(rows, (0, 10 - len(rows)), mode="edge")
        scores.append(cosine[rows])
        right.append(bench.codes[rows] == bench.codes[row])
        nearest.append(rows)
    return np.concatenate(scores), np.concatenate(right), np.array(nearest)
