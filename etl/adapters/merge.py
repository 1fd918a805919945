"""One product out of the items and sources of a page that state it."""

from __future__ import annotations

from dataclasses import replace

from etl.adapters.candidate import Candidate, Terms


def with_mates(best: Candidate, same: list[Candidate]) -> Candidate:
    """One product out of one item for each size or colour."""
    if not same:
        return best
    merged = replace(best, images=list(best.images), terms=list(best.terms))
    for other in same:
        merged.terms.extend(other.terms)
        merged.description = merged.description or other.description
        merged.brand = merged.brand or other.brand
        if other.colour == best.colour:
            merged.images.extend(i for i in other.images if i not in merged.images)
    skus = {c.sku for c in (best, *same)}
    gtins = {c.gtin for c in (best, *same)}
    if len(skus) > 1:
        merged.sku = None
    if len(gtins) > 1:
        merged.gtin = None
    return merged


def joined_terms(base: Candidate, others: list[Candidate]) -> list[Terms]:
    """The product's own terms; another source's where these state no price."""
    if base.priced:
        terms = [replace(t) for t in base.terms]
        for other in others:
            for theirs in other.terms:
                same = [t for t in terms if t.price is not None and t.price == theirs.price]
                for mine in same:
                    mine.currency = mine.currency or theirs.currency
                    mine.list_price = mine.list_price or theirs.list_price
        if all(t.availability is None for t in terms):
            stated = next((t.availability for o in others for t in o.terms if t.availability), None)
            for mine in terms:
                mine.availability = stated
        return terms
    stated = next((t.availability for t in base.terms if t.availability), None)
    for other in others:
        if other.priced:
            terms = [replace(t) for t in other.terms]
            for mine in terms:
                mine.availability = mine.availability or stated
            return terms
    return [replace(t) for t in base.terms] or [replace(t) for o in others for t in o.terms]
