"""Joining by photographs: two shops that show the maker's own picture show one product.

Pictures count as one photograph when their prints agree in structure and, place by place, in
colour. A picture that a shop shows for two of its products (a placeholder, a logo, a sole that
colourways share) says nothing; two products photographed from the same spot in other colours are
two.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from etl.match.groups import Edge, Group, Groups
from etl.match.prints import F32, Likeness, Prints
from etl.match.rules import Photograph, Rules
from etl.match.wording import Wording, kin

_BLOCK = 1024  # rows of correlations held at once
_COARSE = 12  # a side; the first look at all pairs
_SLACK = 0.06  # by which a coarse correlation may be lower than the fine one


@dataclass(frozen=True, slots=True)
class Shown:
    """An offer shows a picture, by its place among the prints."""

    offer: int
    picture: int


@dataclass(slots=True)
class _Case:
    """What the pictures of two products say: photographs they share, and the same views in other
    colours."""

    shared: list[tuple[float, Shown, Shown]] = field(default_factory=list)
    other_colour: int = 0


def by_photographs(
    groups: Groups,
    shown: Sequence[Shown],
    prints: Prints,
    rules: Rules,
    new: set[int] | None = None,
) -> list[Edge]:
    """Pairs of products in two shops that share a photograph, surest first.

    Args:
        new: only pairs with one of these pictures are looked at; None: all.
    """
    offers: dict[int, list[Shown]] = defaultdict(list)
    for each in shown:
        offers[each.picture].append(each)
    strict, loose = rules.photograph, rules.beside_words
    alike = list(_alike(prints, loose, new))
    common = _not_telling(groups, offers, [(i, j) for i, j, like in alike if _same(like, strict)])
    cases: dict[tuple[int, int], _Case] = defaultdict(_Case)
    for i, j, like in alike:
        same, apart = _same(like, strict), _other_colour(like, loose)
        if not (same or apart or _same(like, loose)):
            continue
        for one in offers[i]:
            for other in offers[j]:
                a, b = groups.of[one.offer], groups.of[other.offer]
                if a is b or groups.shop[one.offer] == groups.shop[other.offer]:
                    continue
                case = cases[min(a.id, b.id), max(a.id, b.id)]
                if apart:
                    case.other_colour += 1
                elif (
                    i not in common
                    and j not in common
                    and (
                        same or _words_agree(groups.wording[one.offer], groups.wording[other.offer])
                    )
                ):
                    case.shared.append((like.structure - like.colour / 100, one, other))
    return _chosen(groups, cases)


class Looks:
    """What offers look like: whether pictures speak against what words say."""

    def __init__(self, shown: Sequence[Shown], prints: Prints, rules: Rules) -> None:
        self._prints, self._rules = prints, rules
        self._of: dict[int, list[int]] = defaultdict(list)
        for each in shown:
            self._of[each.offer].append(each.picture)

    def apart(self, edge: Edge) -> bool:
        """Whether two offers show one view in different colours, and no view in the same."""
        likes = [
            self._prints.compare(one, other)
            for one in self._of[edge.one]
            for other in self._of[edge.other]
        ]
        return any(_clash(like, self._rules.clash) for like in likes) and not any(
            _same(like, self._rules.beside_words) for like in likes
        )


def _chosen(groups: Groups, cases: dict[tuple[int, int], _Case]) -> list[Edge]:
    rivals: dict[tuple[int, int], set[int]] = defaultdict(set)  # product, shop: products there
    sure = {pair: case for pair, case in cases.items() if case.shared and not case.other_colour}
    for (a, b), case in sure.items():
        for _, one, other in case.shared:
            x, y = groups.of[one.offer], groups.of[other.offer]
            rivals[x.id, groups.shop[other.offer]].add(a if y.id == a else b)
            rivals[y.id, groups.shop[one.offer]].add(a if x.id == a else b)
    edges = []
    for case in sure.values():
        score, one, other = max(case.shared, key=lambda found: found[0])
        x, y = groups.of[one.offer], groups.of[other.offer]
        if (
            len(rivals[x.id, groups.shop[other.offer]]) > 1
            or len(rivals[y.id, groups.shop[one.offer]]) > 1
        ):
            continue  # one of several products of a shop: which, the photographs do not tell
        detail = {
            "photographs": len({(o.picture, p.picture) for _, o, p in case.shared}),
            "words": "agree" if _kin(groups, x, y) else "say nothing",
        }
        edges.append(Edge(one.offer, other.offer, "pictures", round(score, 4), detail))
    return sorted(edges, key=lambda edge: -(edge.score or 0.0))


def _words_agree(one: Wording, other: Wording) -> bool:
    return kin(one, other) and bool(one.colours) and one.colours == other.colours


def _kin(groups: Groups, x: Group, y: Group) -> bool:
    return any(kin(groups.wording[o], groups.wording[p]) for o in x.offers for p in y.offers)


def _same(like: Likeness, rule: Photograph) -> bool:
    return (
        like.structure >= rule.structure
        and like.shape <= rule.shape
        and like.colour <= rule.colour
        and like.worst <= rule.worst
    )


def _other_colour(like: Likeness, rule: Photograph) -> bool:
    """The same view of the same shape, in colours that no camera or codec explains."""
    return like.structure >= rule.structure and like.shape <= rule.shape and like.worst > rule.worst


def _clash(like: Likeness, rule: Photograph) -> bool:
    return (
        like.structure >= rule.structure
        and like.shape <= rule.shape
        and like.colour > rule.colour
        and like.worst > rule.worst
    )


def _not_telling(
    groups: Groups, offers: dict[int, list[Shown]], same: Sequence[tuple[int, int]]
) -> set[int]:
    """Pictures that one shop shows, or shows the like of, for two of its products."""
    products: dict[tuple[int, int], set[int]] = defaultdict(set)  # picture, shop: products

    def tell(picture: int, also: int) -> None:
        for each in offers[also]:
            products[picture, groups.shop[each.offer]].add(groups.of[each.offer].id)

    for picture in offers:
        tell(picture, picture)
    for i, j in same:
        tell(i, j)
        tell(j, i)
    own = {(p, groups.shop[each.offer]) for p, shown in offers.items() for each in shown}
    return {picture for (picture, shop), found in products.items()
            if len(found) > 1 and (picture, shop) in own}  # fmt: skip


def _alike(
    prints: Prints, rule: Photograph, new: set[int] | None
) -> Iterator[tuple[int, int, Likeness]]:
    """Pairs of pictures whose structure agrees, each once; a picture with itself, too, for two
    shops may show the very same file."""
    coarse, flipped = _coarse(prints.light), _coarse(prints.mirrored())
    rows = np.arange(len(prints)) if new is None else np.array(sorted(new), np.int64)
    seen: set[tuple[int, int]] = set()
    for start in range(0, len(rows), _BLOCK):
        block = rows[start : start + _BLOCK]
        near = np.maximum(coarse[block] @ coarse.T, coarse[block] @ flipped.T)
        for row, column in np.argwhere(near >= rule.structure - _SLACK):
            i, j = int(block[row]), int(column)
            pair = (min(i, j), max(i, j))
            if pair in seen:
                continue
            seen.add(pair)
            like = prints.compare(i, j)
            if like.structure >= rule.structure:
                yield (*pair, like)


def _coarse(light: F32) -> F32:
    side = int(light.shape[1] ** 0.5)
    step = side // _COARSE
    small = light.reshape(-1, _COARSE, step, _COARSE, step).mean(axis=(2, 4))
    flat = small.reshape(len(light), -1)
    flat = flat - flat.mean(axis=1, keepdims=True)
    return np.asarray(flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6))
