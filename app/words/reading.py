"""What was understood of a query."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final, Literal

from app.domain import Emphasis, Filters, Gender, SizeSystem

Change = Literal[
    "same", "cheaper", "dearer", "no_logo", "higher", "lower", "other_brand", "same_brand",
    "other_colour", "same_colour", "same_shape", "other_shape", "lighter", "darker", "brighter",
    "calmer", "chunkier", "slimmer", "newer", "discounted", "in_stock", "velcro",
]  # fmt: skip
CHANGES: Final[tuple[Change, ...]] = Change.__args__  # type: ignore[attr-defined]

_EMPHASIS: Final[dict[str, Emphasis]] = {
    "same_shape": Emphasis(shape=2.0, colour=0.5),
    "same_colour": Emphasis(shape=0.5, colour=2.0),
    "other_colour": Emphasis(shape=1.0, colour=0.0),
    "other_shape": Emphasis(shape=0.0, colour=1.0),
}


@dataclass(frozen=True, slots=True)
class Reading:
    """A query in the platform's words. Colours, types, genders and brands are canonical names;
    prices in major units of ``currency`` (None: none was named); ``size`` is labelled as shops do.

    ``colours_all``: the shoe should have all of the colours («чёрно-белые»), not one of them.
    ``changes`` are relative to the shoe shown or found before. ``rest`` are the words that were not
    placed, in order; ``text`` is what words can match in titles and pictures: the query without
    figures, prices, sizes and what is unwanted; ``terms`` the same in the catalogue's own words.
    """

    query: str = ""
    brands: tuple[str, ...] = ()
    brands_out: tuple[str, ...] = ()
    model: str | None = None
    models: tuple[str, ...] = ()
    colours: tuple[str, ...] = ()
    colours_out: tuple[str, ...] = ()
    colours_all: bool = False
    types: tuple[str, ...] = ()
    types_out: tuple[str, ...] = ()
    materials: tuple[str, ...] = ()
    materials_out: tuple[str, ...] = ()
    genders: tuple[Gender, ...] = ()
    size: str | None = None
    size_system: SizeSystem | None = None
    price_min: Decimal | None = None
    price_max: Decimal | None = None
    currency: str | None = None
    changes: tuple[Change, ...] = ()
    rest: str = ""
    text: str = ""
    terms: str = ""
    language: Literal["ru", "en"] = "en"

    @property
    def emphasis(self) -> Emphasis | None:
        """The weights of shape and colour that the changes ask for; None: nothing was said."""
        return next((_EMPHASIS[name] for name in self.changes if name in _EMPHASIS), None)

    @property
    def understood(self) -> bool:
        """Whether anything was placed at all."""
        return self != Reading(
            query=self.query, rest=self.rest, text=self.text, terms=self.terms,
            language=self.language,
        )  # fmt: skip

    def filters(self, base: Filters | None = None, *, currency: str | None = None) -> Filters:
        """``base`` narrowed by what was read; what the query says wins over the base.

        ``currency`` is meant where the query names a price without one and the base has none.
        """
        base = base or Filters()
        found = replace(
            base,
            brands=self.brands or base.brands,
            brands_out=self.brands_out or base.brands_out,
            colours=self.colours or base.colours,
            colours_out=self.colours_out or base.colours_out,
            types=self.types or base.types,
            types_out=self.types_out or base.types_out,
            genders=self._genders() or base.genders,
            size=self.size or base.size,
        )
        if self.colours:
            found = replace(found, colours_all=self.colours_all)
        if self.size is not None:
            found = replace(found, size_system=self.size_system)
        if self.price_min is not None or self.price_max is not None:
            found = replace(
                found,
                price_min=self.price_min,
                price_max=self.price_max,
                currency=self.currency or base.currency or currency,
            )
        elif self.currency is not None:
            found = replace(found, currency=self.currency)
        if "in_stock" in self.changes:
            found = replace(found, in_stock=True)
        clash = set(found.brands) & set(found.brands_out)
        if clash:  # the query's word is newer than the base's
            found = replace(
                found,
                brands=tuple(b for b in found.brands if b in self.brands or b not in clash),
                brands_out=tuple(
                    b for b in found.brands_out if b in self.brands_out or b not in clash
                ),
            )
        return found

    def _genders(self) -> tuple[Gender, ...]:
        """Who can wear them: a shoe for everyone is one for men and for women."""
        if self.genders in (("men",), ("women",)):
            return (*self.genders, "unisex")
        return self.genders


def wish(*changes: Change) -> Reading:
    """A reading of these changes alone: what a button says."""
    return Reading(changes=changes)
