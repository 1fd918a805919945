"""Products during a run of the matcher: which offers they hold, and what must not be mixed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from etl.match.wording import Wording, contradict, read_wording

Method = Literal["person", "gtin", "style_code", "words", "pictures"]


@dataclass(frozen=True, slots=True)
class Edge:
    """Two offers that a rule calls the same; ``score`` None where the rule has none."""

    one: int
    other: int
    method: Method
    score: float | None = None
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Group:
    """A product with its offers and all that must not be mixed."""

    id: int
    offers: set[int] = field(default_factory=set)
    listed: dict[int, set[str]] = field(default_factory=dict)  # shop: its own products
    styles: set[str] = field(default_factory=set)
    wordings: set[Wording] = field(default_factory=set)


class Groups:
    """Products as they stand during a run."""

    def __init__(self, rows: Sequence[dict[str, Any]], apart: set[tuple[int, int]]) -> None:
        """``rows`` of ``match_offers``; ``apart``: pairs of offers that a person took apart."""
        self.of: dict[int, Group] = {}
        self.shop: dict[int, int] = {row["id"]: row["shop_id"] for row in rows}
        self.wording: dict[int, Wording] = {row["id"]: read_wording(row) for row in rows}
        self._apart: dict[int, set[int]] = {}
        for one, other in apart:
            self._apart.setdefault(one, set()).add(other)
            self._apart.setdefault(other, set()).add(one)
        by_product: dict[int, Group] = {}
        for row in rows:
            group = by_product.setdefault(row["product_id"], Group(row["product_id"]))
            group.offers.add(row["id"])
            group.listed.setdefault(row["shop_id"], set()).add(row["origin"])
            if row["style_code"]:
                group.styles.add(style_key(row["style_code"]))
            group.wordings.add(self.wording[row["id"]])
            self.of[row["id"]] = group

    def forbidden(self, a: Group, b: Group, method: Method) -> bool:
        """Whether joining two products would mix what is known to differ."""
        if any(not self._apart.get(o, set()).isdisjoint(b.offers) for o in a.offers):
            return True
        if method == "person":
            return False
        if a.styles and b.styles and a.styles != b.styles:
            return True
        brands = {w.brand for g in (a, b) for w in g.wordings if w.brand}
        if method in ("gtin", "style_code"):
            return len(brands) > 1
        # A shop that lists two products means two products.
        return not a.listed.keys().isdisjoint(b.listed) or any(
            contradict(one, other) for one in a.wordings for other in b.wordings
        )

    def join(self, edge: Edge) -> tuple[Group, Group]:
        """Join the two offers' products: the one that stays, the one gone."""
        a, b = self.of[edge.one], self.of[edge.other]
        into, gone = (a, b) if a.id < b.id else (b, a)
        for shop, origins in gone.listed.items():
            into.listed.setdefault(shop, set()).update(origins)
        for name in ("offers", "styles", "wordings"):
            getattr(into, name).update(getattr(gone, name))
        for offer in gone.offers:
            self.of[offer] = into
        return into, gone

    def plan(self, edges: Iterable[Edge]) -> None:
        """Join in memory what the edges say and no guard forbids."""
        for edge in edges:
            if self.apart(edge) and not self.forbidden(
                self.of[edge.one], self.of[edge.other], edge.method
            ):
                self.join(edge)

    def apart(self, edge: Edge) -> bool:
        """Whether both offers are there still and stand under two products."""
        one, other = self.of.get(edge.one), self.of.get(edge.other)
        return one is not None and other is not None and one is not other


def style_key(code: str) -> str:
    """A style code without the marks that shops write it with: ``DD1391-100``, ``DD1391 100``."""
    return "".join(c for c in code.upper() if c.isalnum())
