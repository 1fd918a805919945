"""From results to text and keyboard. Pure: no Telegram calls, no clock but the one given.

Texts are Telegram HTML. Everything that comes from shops is escaped and shortened, so that any
page of results stays below Telegram's limits: 1024 characters a caption, 4096 a message.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape, unescape
from typing import Final
from urllib.parse import urlsplit

from telegram import InlineKeyboardButton, InlineKeyboardMarkup

from app.bot.callbacks import Action, ChooseLanguage, MoreLike, Place, ShowPage, encode
from app.domain import Hit, OfferHit, SearchResult
from app.i18n import LANGUAGES, Catalogue, Html, catalogue
from app.present import product_name
from app.vision.caption import caption as describe

ALBUM_LIMIT: Final = 10
TEXT_LIMIT: Final = 4096
CAPTION_LIMIT: Final = 1024
_NAME_CHARS: Final = 90
_SHOP_CHARS: Final = 32
_URL_CHARS: Final = 1500
_ALSO_SHOPS: Final = (3, 1, 0)
_SIZES: Final = 8
_SIZE_CHARS: Final = 8
_NUMBERS_IN_ROW: Final = 4
_TAG: Final = re.compile(r"<[^>]*>")


@dataclass(frozen=True, slots=True)
class Asked:
    """What led to a page of results: a photo, or "more like" number ``number`` at ``origin``."""

    number: int | None = None
    origin: Place | None = None


def header(words: Catalogue, result: SearchResult, asked: Asked) -> Html:
    """The sentence above the numbered list: what was found, honestly."""
    if result.page > 0:
        key = "result.like_page" if asked.origin else "result.page"
        return words.html(key, page=result.page + 1)
    if asked.number is not None:
        return words.html("result.like", number=asked.number)
    if asked.origin is not None:
        return words.html("result.like_page", page=1)
    seen = result.attributes
    if seen is not None and not seen.shoe:
        return words.html("result.no_shoe")
    found = (
        _same_header(words, result.hits)
        if result.verdict == "same"
        else words.html(f"result.{result.verdict}")
    )
    return found if seen is None else Html(f"{escape(describe(seen, words))}.\n{found}")


def _same_header(words: Catalogue, hits: Sequence[Hit]) -> Html:
    offers = [offer for hit in hits if hit.verdict == "same" for offer in hit.offers]
    priced = next((offer for offer in offers if offer.price is not None), None)
    shops = {offer.shop for offer in offers}
    if priced is None or priced.price is None:
        return words.html("result.same_no_price")
    price = words.price(priced.price, priced.currency)
    return words.html("result.same", count=len(shops), price=price)


def name(words: Catalogue, hit: Hit) -> str:
    """The product's name, short enough for a caption."""
    return _short(product_name(hit, words), _NAME_CHARS)


def caption(words: Catalogue, hit: Hit, number: int, now: datetime) -> Html:
    """The caption of one picture of the album."""
    lines = [_title(words, hit, number)]
    lead = hit.offers[0] if hit.offers else None
    if lead is None:
        lines.append(words.html("hit.no_offers"))
    else:
        lines.append(Html(f"{_price(words, lead)} · {_shop(lead)}"))
        lines.append(words.html("hit.seen", ago=words.ago(lead.seen_at, now)))
        sizes = _sizes(lead)
        if sizes:
            lines.append(words.html("hit.sizes", sizes=sizes))
    lines.append(words.html(f"hit.{hit.verdict}"))
    return Html("\n".join(lines))


def listing(words: Catalogue, result: SearchResult, asked: Asked, now: datetime) -> Html:
    """The numbered list that carries the buttons; names fewer shops where it would be too long."""
    text = Html()
    for shops in _ALSO_SHOPS:
        parts = [header(words, result, asked)]
        parts += [
            _entry(words, hit, number, shops, now)
            for number, hit in enumerate(result.hits, start=1)
        ]
        parts.append(words.html("result.hint"))
        text = Html("\n\n".join(parts))
        if visible_length(text) <= TEXT_LIMIT:
            break
    return text


def visible_length(text: Html) -> int:
    """Length as Telegram counts it: without markup, in UTF-16 units (the stricter count)."""
    return len(unescape(_TAG.sub("", text)).encode("utf-16-le")) // 2


def _title(words: Catalogue, hit: Hit, number: int) -> Html:
    return Html(f"<b>{number}. {escape(name(words, hit))}</b>")


def _entry(words: Catalogue, hit: Hit, number: int, shops: int, now: datetime) -> Html:
    title = _title(words, hit, number)
    if hit.verdict == "same":
        title = Html(f"{title} · {words.html('hit.same')}")
    if not hit.offers:
        return Html(f"{title}\n{words.html('hit.no_offers')}")
    lead, *others = hit.offers
    seen = words.html("hit.seen", ago=words.ago(lead.seen_at, now))
    lines = [title, f"{_price(words, lead)} · {_shop(lead)} · {seen}"]
    also = _also(words, lead, others, shops)
    if also:
        lines.append(also)
    return Html("\n".join(lines))


def _also(words: Catalogue, lead: OfferHit, others: Sequence[OfferHit], shops: int) -> Html:
    cheapest: dict[str, OfferHit] = {}
    for offer in others:
        if offer.shop != lead.shop:
            cheapest.setdefault(offer.shop, offer)
    named = list(cheapest.values())[:shops]
    if not named:
        return Html()
    shown = [f"{_shop(offer)} {_price(words, offer)}" for offer in named]
    if len(cheapest) > len(named):
        shown.append(words.html("hit.more_shops", count=len(cheapest) - len(named)))
    return words.html("hit.also", shops=Html(", ".join(shown)))


def _price(words: Catalogue, offer: OfferHit) -> Html:
    if offer.price is None:
        text = words.html("hit.no_price")
    else:
        text = Html(f"<b>{escape(words.price(offer.price, offer.currency))}</b>")
        if offer.list_price is not None and offer.list_price > offer.price:
            was = escape(words.price(offer.list_price, offer.currency))
            text = Html(f"{text} <s>{was}</s>")
    if offer.availability in ("out_of_stock", "preorder"):
        text = Html(f"{text} ({words.html(f'hit.{offer.availability}')})")
    return text


def _shop(offer: OfferHit) -> Html:
    shop = escape(_short(offer.shop, _SHOP_CHARS))
    if offer.url and _linkable(offer.url):
        return Html(f'<a href="{escape(offer.url)}">{shop}</a>')
    return Html(shop)


def _linkable(url: str) -> bool:
    """Whether Telegram would make a link of it: a web address with a host."""
    if len(url) > _URL_CHARS:
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _sizes(offer: OfferHit) -> str:
    there = [size for size in offer.sizes if size.available is not False]
    labels = [_short(size.label, _SIZE_CHARS) for size in there[:_SIZES]]
    if len(there) > _SIZES:
        labels.append("…")
    return ", ".join(labels)


def _short(text: str, limit: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def results_keyboard(
    words: Catalogue, result: SearchResult, asked: Asked
) -> InlineKeyboardMarkup | None:
    """Numbers for "more like this", then the pages, then the way back."""
    here = Place(result.search_id, result.page) if result.search_id is not None else None
    # "More like this" of "more like this" still leads back to the photo's results.
    origin = asked.origin or here
    numbers = [
        _button(words.text("button.like", number=number), MoreLike(hit.image_id, number, origin))
        for number, hit in enumerate(result.hits, start=1)
    ]
    rows = _rows(numbers)
    if here is not None:
        pages = []
        if result.page > 0:
            place = Place(here.search_id, result.page - 1)
            pages.append(_button(words.text("button.previous"), ShowPage(place, asked.origin)))
        if result.has_next:
            place = Place(here.search_id, result.page + 1)
            pages.append(_button(words.text("button.next"), ShowPage(place, asked.origin)))
        rows.append(pages)
    if asked.origin is not None:
        rows.append([_button(words.text("button.back"), ShowPage(asked.origin))])
    rows = [row for row in rows if row]
    return InlineKeyboardMarkup(rows) if rows else None


def _rows(buttons: Sequence[InlineKeyboardButton]) -> list[list[InlineKeyboardButton]]:
    """Rows of nearly equal length: five buttons are 3 and 2, not 4 and 1."""
    if not buttons:
        return []
    count = -(-len(buttons) // _NUMBERS_IN_ROW)
    length = -(-len(buttons) // count)
    return [list(buttons[at : at + length]) for at in range(0, len(buttons), length)]


def _button(text: str, action: Action) -> InlineKeyboardButton:
    return InlineKeyboardButton(text, callback_data=encode(action))


def language_keyboard() -> InlineKeyboardMarkup:
    """One button a language, each named in itself."""
    return InlineKeyboardMarkup(
        [
            [
                _button(catalogue(language).text("language.name"), ChooseLanguage(language))
                for language in LANGUAGES
            ]
        ]
    )
