"""A picture in a sentence, Russian or English, that claims no more than the heads are sure of."""

from __future__ import annotations

from app.domain import Attributes
from app.i18n import Catalogue
from app.vision.colours import colour_names


def caption(attributes: Attributes, words: Catalogue) -> str:
    """One line: ``Looks like Nike Air Max 90, white/grey``, ``White sneakers, brand unclear``, or
    that there is no shoe. No full stop, no markup."""
    if not attributes.shoe:
        return words.text("caption.no_shoe")
    noun = words.text(f"caption.noun.{_noun(attributes)}")
    listed = colour_names(attributes.colours, words.language)
    if attributes.silhouette is not None:
        said = words.text("caption.looks_like", name=_full(attributes))
    elif attributes.brand is not None:
        said = words.text("caption.looks_like_brand", brand=attributes.brand, noun=noun)
    else:
        adjectives = colour_names(attributes.colours, words.language, plural=True)
        what = f"{adjectives} {noun}".strip()
        return words.text("caption.unclear", what=what[0].upper() + what[1:])
    return f"{said}, {listed}" if listed else said


def _full(attributes: Attributes) -> str:
    """Brand and silhouette, the brand once: ``Nike Dunk Low``, ``Air Jordan 1 Mid``."""
    silhouette = attributes.silhouette or ""
    brand = attributes.brand or ""
    return silhouette if brand.casefold() in silhouette.casefold() else f"{brand} {silhouette}"


def _noun(attributes: Attributes) -> str:
    # Unsure of the kind: the two neutral words, by the one thing known.
    if attributes.category is None:
        return "sneaker" if attributes.sneaker else "shoe"
    return attributes.category.replace(" ", "_")
