"""From an alert to its message. Pure: facts in, words and buttons out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from html import escape
from typing import Final

from telegram import InlineKeyboardButton, InlineKeyboardMarkup

from app.bot.callbacks import Action, button, encode
from app.bot.views import linkable, short
from app.db.bot_outbox import Letter, Shoe, Subject
from app.i18n import Catalogue, Html

_NAME_CHARS: Final = 90
_SHOP_CHARS: Final = 32


@button("sa")
@dataclass(frozen=True)
class StopAlert(Action):
    """Switch an alert off, from its own message."""

    alert_id: int


@dataclass(frozen=True, slots=True)
class Written:
    """A message as it will be sent; ``path``: a picture beside the words."""

    text: Html
    keyboard: InlineKeyboardMarkup
    path: str | None


def shoe_name(words: Catalogue, brand: str | None, model: str | None, colourway: str | None) -> str:
    """Brand, model and colourway in one line, as far as known, nothing said twice."""
    name = model or ""
    if brand and brand.casefold() not in name.casefold():
        name = f"{brand} {name}".rstrip()
    name = name or words.text("hit.unnamed")
    if colourway and colourway.casefold() not in name.casefold():
        name = f"{name}, {colourway}"
    return short(name, _NAME_CHARS)


def offer_text(
    words: Catalogue,
    price: Decimal | None,
    currency: str | None,
    shop: str | None,
    url: str | None,
) -> Html:
    """A price with its shop: "8 990 ₽, Alpha" with the shop as a link."""
    cost = words.text("hit.no_price") if price is None else words.price(price, currency)
    if shop is None:
        return Html(f"<b>{escape(cost)}</b>")
    named = escape(short(shop, _SHOP_CHARS))
    if url and linkable(url):
        named = f'<a href="{escape(url)}">{named}</a>'
    return Html(f"<b>{escape(cost)}</b>, {named}")


def about_shoe(words: Catalogue, letter: Letter, subject: Subject) -> Written | None:
    """A price drop or a return; None when it is not so any more and nothing is to be said."""
    if not subject.buyable:
        return None
    name = shoe_name(words, subject.brand, subject.model, subject.colourway)
    offer = offer_text(words, subject.price, subject.currency, subject.shop, subject.url)
    if letter.payload["kind"] == "drop":
        facts = letter.payload
        if subject.price is None or subject.price > Decimal(facts["offer_price"]):
            return None
        was = words.price(Decimal(facts["was"]), facts["currency"])
        if facts["currency"] != facts["offer_currency"]:
            about = words.price(Decimal(facts["price"]), facts["currency"])
            offer = Html(f"{offer} (≈ {escape(about)})")
        text = words.html("alert.drop", name=name, was=was, offer=offer)
    elif letter.payload.get("size"):
        text = words.html("alert.back", name=name, size=letter.payload["size"], offer=offer)
    else:
        text = words.html("alert.back_any", name=name, offer=offer)
    return Written(text, _keyboard(words, letter, subject.url), subject.path)


def about_new(words: Catalogue, letter: Letter, shoes: Sequence[Shoe]) -> Written | None:
    """New shoes like a saved one."""
    if not shoes:
        return None
    lines = [words.html("alert.new", count=int(letter.payload["count"]))]
    for shoe in shoes:
        name = escape(shoe_name(words, shoe.brand, shoe.model, shoe.colourway))
        lines.append(
            Html(f"• {name}: {offer_text(words, shoe.price, shoe.currency, shoe.shop, shoe.url)}")
        )
    return Written(Html("\n".join(lines)), _keyboard(words, letter, shoes[0].url), shoes[0].path)


def _keyboard(words: Catalogue, letter: Letter, url: str | None) -> InlineKeyboardMarkup:
    row = []
    if url and linkable(url):
        row.append(InlineKeyboardButton(words.text("alert.open"), url=url))
    stop = encode(StopAlert(letter.alert_id))
    row.append(InlineKeyboardButton(words.text("alert.stop"), callback_data=stop))
    return InlineKeyboardMarkup([row])
