"""From results to text and keyboard. Pure: no Telegram calls, no clock but the one given.

Texts are Telegram HTML. Everything that comes from shops is escaped and shortened, so that any
page of results stays below Telegram's limits: 1024 characters a caption, 4096 a message.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from html import escape, unescape
from typing import Final, Literal, TypeAlias
from urllib.parse import urlsplit

from app.bot.callbacks import Place
from app.bot.chips import chips, named
from app.bot.money import Money
from app.bot.shown import Shown
from app.domain import Attributes, Hit, OfferHit, SearchResult
from app.i18n import Catalogue, Html
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
_ALL_SIZES: Final = 24
_SHOPS: Final = 12
Kind: TypeAlias = Literal["picture", "words", "refined", "alike"]
_TAG: Final = re.compile(r"<[^>]*>")


@dataclass(frozen=True, slots=True)
class Asked:
    """What led to a page of results: a question (its answer is summed up apart), words (``kind``),
    "more like" number ``number`` at ``origin``, or a search at ``origin`` refined."""

    number: int | None = None
    origin: Place | None = None
    kind: Kind = "picture"


def header(words: Catalogue, result: SearchResult, asked: Asked) -> Html:
    """The sentence above the numbered list; empty where a summary was said already."""
    if result.page > 0:
        key = "result.like_page" if asked.origin and asked.kind == "picture" else "result.page"
        return words.html(key, page=result.page + 1)
    if asked.kind in ("words", "refined", "alike"):
        return words.html(f"result.{asked.kind}")
    if asked.number is not None:
        return words.html("result.like", number=asked.number)
    if asked.origin is not None:
        return words.html("result.like_page", page=1)
    return Html()


def summary(
    words: Catalogue, result: SearchResult, money: Money | None = None, *, changed: bool = False
) -> Html:
    """What the bot sees in a picture and what it found, honestly, in one message; ``changed``:
    words asked for another shoe than the one shown."""
    shown = result.attributes
    if shown is not None and not shown.shoe:
        return words.html("result.no_shoe")
    if result.verdict == "same":
        found = _same_header(words, result.hits, money)
    elif result.verdict == "similar" and changed:
        found = words.html("result.changed")
    else:
        found = words.html(f"result.{result.verdict}")
    return found if shown is None else Html(f"{seen(words, shown)}\n{found}")


def seen(words: Catalogue, shown: Attributes) -> Html:
    """What a picture shows, as a sentence."""
    return Html(f"{escape(describe(shown, words))}.")


def limits(words: Catalogue, result: SearchResult) -> Html:
    """The line that names what limits the search; empty where nothing does."""
    found = chips(words, result.filters, result.emphasis)
    if not found:
        return Html()
    return words.html("result.limits", limits=" · ".join(chip.text for chip in found))


def menu(words: Catalogue, name: str, result: SearchResult) -> Html:
    """The words above a menu: what it is for, and what limits the search now."""
    lines = (words.html(f"menu.{name}"), limits(words, result))
    return Html("\n".join(line for line in lines if line))


def notes(words: Catalogue, result: SearchResult, rest: str = "") -> Html:
    """What was asked and could not be done, or was not understood; empty where nothing is left."""
    lines = []
    for name in result.undone:
        kind, _, what = name.partition(":")
        key = f"undone.{kind}"
        shown = named(words, "material", what) if what else name
        lines.append(words.html(key if key in words.messages else "undone.other", what=shown))
    if rest:
        lines.append(words.html("undone.words", what=short(rest, _NAME_CHARS)))
    return Html("\n".join(dict.fromkeys(lines)))


def _same_header(words: Catalogue, hits: Sequence[Hit], money: Money | None) -> Html:
    offers = [offer for hit in hits if hit.verdict == "same" for offer in hit.offers]
    priced = next((offer for offer in offers if offer.price is not None), None)
    shops = {offer.shop for offer in offers}
    if priced is None or priced.price is None:
        return words.html("result.same_no_price")
    return words.html("result.same", count=len(shops), price=amount(words, priced, money))


def amount(words: Catalogue, offer: OfferHit, money: Money | None = None) -> str:
    """An offer's price as plain text: in the reader's currency where it can be told."""
    if offer.price is None:
        return words.text("hit.no_price")
    found = money.converted(offer) if money else None
    if found is None or money is None:
        return words.price(offer.price, offer.currency)
    return f"≈\N{NO-BREAK SPACE}{words.price(found[0], money.currency)}"


def name(words: Catalogue, hit: Hit) -> str:
    """The product's name, short enough for a caption."""
    return short(product_name(hit, words), _NAME_CHARS)


def caption(
    words: Catalogue, hit: Hit, number: int, now: datetime, money: Money | None = None
) -> Html:
    """The caption of one picture of the album."""
    lines = [_title(words, hit, number)]
    lead = hit.offers[0] if hit.offers else None
    if lead is None:
        lines.append(words.html("hit.no_offers"))
    else:
        lines.append(Html(f"{_price(words, lead, money)} · {_shop(lead)}"))
        lines.append(words.html("hit.seen", ago=words.ago(lead.seen_at, now)))
        sizes = _sizes(words, lead)
        if sizes:
            lines.append(sizes)
        day = _rate_day(hit.offers[:1], money)
        if day is not None:
            lines.append(words.html("hit.rates", day=words.day(day)))
    lines.append(words.html(f"hit.{hit.verdict}"))
    return Html("\n".join(lines))


def listing(
    words: Catalogue,
    result: SearchResult,
    asked: Asked,
    now: datetime,
    money: Money | None = None,
    note: Html = Html(),  # noqa: B008 - a constant of an immutable type
) -> Html:
    """The numbered list that carries the buttons; names fewer shops where it would be too long."""
    text = Html()
    day = _rate_day([offer for hit in result.hits for offer in hit.offers[:1]], money)
    for shops in _ALSO_SHOPS:
        top = (header(words, result, asked), limits(words, result), note)
        parts = ["\n".join(line for line in top if line)]
        parts += [
            _entry(words, hit, number, shops, now, money)
            for number, hit in enumerate(result.hits, start=1)
        ]
        if day is not None:
            parts.append(words.html("hit.rates", day=words.day(day)))
        parts.append(words.html("result.hint"))
        text = Html("\n\n".join(part for part in parts if part))
        if visible_length(text) <= TEXT_LIMIT:
            break
    return text


def card(words: Catalogue, shown: Shown, now: datetime, money: Money | None = None) -> Html:
    """One result in full: all that is known of its best offer, and how many shops have it."""
    hit = shown.hit
    lines = [_title(words, hit, shown.number)]
    lead = hit.offers[0] if hit.offers else None
    if lead is None:
        lines.append(words.html("hit.no_offers"))
        return Html("\n".join(lines))
    lines.append(Html(f"{_price(words, lead, money)} · {_shop(lead)}"))
    lines.append(words.html("hit.seen", ago=words.ago(lead.seen_at, now)))
    sizes = _sizes(words, lead, _ALL_SIZES)
    if sizes:
        lines.append(sizes)
    if hit.gender is not None:
        lines.append(words.html("hit.gender", gender=words.text(f"gender.{hit.gender}")))
    others = len({offer.shop for offer in hit.offers} - {lead.shop})
    if others:
        lines.append(words.html("hit.other_shops", count=others))
    lines.append(words.html(f"hit.{hit.verdict}"))
    day = _rate_day((lead,), money)
    if day is not None:
        lines.append(words.html("hit.rates", day=words.day(day)))
    return Html("\n".join(lines))


def posted(words: Catalogue, hit: Hit, now: datetime, money: Money | None = None) -> Html:
    """A result posted into a chat of people: no number, no verdict."""
    lines = [Html(f"<b>{escape(name(words, hit))}</b>")]
    lead = hit.offers[0] if hit.offers else None
    if lead is None:
        lines.append(words.html("hit.no_offers"))
    else:
        seen = words.html("hit.seen", ago=words.ago(lead.seen_at, now))
        lines.append(Html(f"{_price(words, lead, money)} · {_shop(lead)} · {seen}"))
        lines += [line for line in (_sizes(words, lead),) if line]
    return Html("\n".join(lines))


def shortened(text: str) -> str:
    """Somebody else's words, short enough to quote."""
    return short(text, _NAME_CHARS)


def shops(
    words: Catalogue,
    shown: Shown,
    alike: Sequence[Hit],
    now: datetime,
    money: Money | None = None,
) -> Html:
    """Everybody who sells the shoe: its own offers, a shop once, then pairs that are the same."""
    lines = [_title(words, shown.hit, shown.number)]
    offers = [offer for hit in (shown.hit, *alike) for offer in hit.offers]
    cheapest: dict[str, OfferHit] = {}
    for offer in offers:
        cheapest.setdefault(offer.shop, offer)
    kept = list(cheapest.values())[:_SHOPS]
    for offer in kept:
        seen = words.html("hit.seen", ago=words.ago(offer.seen_at, now))
        lines.append(Html(f"• {_shop(offer)}: {_price(words, offer, money)} · {seen}"))
        sizes = _sizes(words, offer)
        if sizes:
            lines.append(Html(f"   {sizes}"))
    if len(cheapest) < 2:
        lines.append(words.html("hit.nowhere_else"))
    day = _rate_day(kept, money)
    if day is not None:
        lines.append(words.html("hit.rates", day=words.day(day)))
    return Html("\n".join(lines))


def visible_length(text: Html) -> int:
    """Length as Telegram counts it: without markup, in UTF-16 units (the stricter count)."""
    return len(unescape(_TAG.sub("", text)).encode("utf-16-le")) // 2


def _title(words: Catalogue, hit: Hit, number: int) -> Html:
    return Html(f"<b>{number}. {escape(name(words, hit))}</b>")


def _entry(
    words: Catalogue, hit: Hit, number: int, shops: int, now: datetime, money: Money | None
) -> Html:
    title = _title(words, hit, number)
    if hit.verdict == "same":
        title = Html(f"{title} · {words.html('hit.same')}")
    if not hit.offers:
        return Html(f"{title}\n{words.html('hit.no_offers')}")
    lead, *others = hit.offers
    seen = words.html("hit.seen", ago=words.ago(lead.seen_at, now))
    lines = [title, f"{_price(words, lead, money)} · {_shop(lead)} · {seen}"]
    also = _also(words, lead, others, shops, money)
    if also:
        lines.append(also)
    return Html("\n".join(lines))


def _also(
    words: Catalogue,
    lead: OfferHit,
    others: Sequence[OfferHit],
    shops: int,
    money: Money | None,
) -> Html:
    cheapest: dict[str, OfferHit] = {}
    for offer in others:
        if offer.shop != lead.shop:
            cheapest.setdefault(offer.shop, offer)
    named_ = list(cheapest.values())[:shops]
    if not named_:
        return Html()
    shown = [f"{_shop(offer)} {escape(amount(words, offer, money))}" for offer in named_]
    if len(cheapest) > len(named_):
        shown.append(words.html("hit.more_shops", count=len(cheapest) - len(named_)))
    return words.html("hit.also", shops=Html(", ".join(shown)))


def _price(words: Catalogue, offer: OfferHit, money: Money | None) -> Html:
    if offer.price is None:
        text = words.html("hit.no_price")
    else:
        text = Html(f"<b>{escape(amount(words, offer, money))}</b>")
        own = words.price(offer.price, offer.currency)
        if money is not None and money.converted(offer) is not None:
            text = Html(f"{text} ({escape(own)})")
        elif offer.list_price is not None and offer.list_price > offer.price:
            text = Html(f"{text} <s>{escape(words.price(offer.list_price, offer.currency))}</s>")
    if offer.availability in ("out_of_stock", "preorder"):
        text = Html(f"{text} ({words.html(f'hit.{offer.availability}')})")
    return text


def _rate_day(offers: Iterable[OfferHit], money: Money | None) -> date | None:
    """The oldest day of the rates that prices of ``offers`` were converted by."""
    if money is None:
        return None
    days = [found[1] for offer in offers if (found := money.converted(offer)) is not None]
    return min(days, default=None)


def _shop(offer: OfferHit) -> Html:
    shop = escape(short(offer.shop, _SHOP_CHARS))
    if offer.url and linkable(offer.url):
        return Html(f'<a href="{escape(offer.url)}">{shop}</a>')
    return Html(shop)


def linkable(url: str) -> bool:
    """Whether Telegram would make a link of it: a web address with a host."""
    if len(url) > _URL_CHARS:
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _sizes(words: Catalogue, offer: OfferHit, most: int = _SIZES) -> Html:
    there = [size for size in offer.sizes if size.available is not False]
    if not there:
        return Html()
    labels = [short(size.label, _SIZE_CHARS) for size in there[:most]]
    if len(there) > most:
        labels.append("…")
    systems = {size.system for size in there}
    system = next(iter(systems)) if len(systems) == 1 else None
    if system is None:
        return words.html("hit.sizes", sizes=", ".join(labels))
    return words.html("hit.sizes_in", system=system, sizes=", ".join(labels))


def short(text: str, limit: int) -> str:
    """``text`` on one line, cut to ``limit`` characters."""
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"
