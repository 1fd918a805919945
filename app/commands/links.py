"""Links that people send to the bot: a product page's picture, by the ETL's careful fetcher."""

from __future__ import annotations

from typing import Final

from app.bot.services import LinkedPicture, LinkRefused
from app.errors import BadInput, ImageError
from app.settings import Settings
from app.vision.image import decode
from etl.adapters.base import Blocked, NoOffer, parse_document
from etl.adapters.page import read_page
from etl.adapters.schema_org import SchemaOrg
from etl.fetch import (
    AddressRefused,
    BadStatus,
    BodyRefused,
    Document,
    Fetcher,
    FetchError,
    Limits,
    RobotsRefused,
)
from etl.polite import LocalTurns
from etl.text import absolute

# Somebody waits for the answer: less patience than a catalogue run has.
_LIMITS: Final = Limits(
    delay_s=0.3, timeout_s=8.0, total_s=15.0, max_bytes=10_000_000, tries=2, backoff_s=0.5
)
_PICTURES: Final = 3
"""How many of a page's pictures are tried."""
_BLOCKED: Final = frozenset({401, 403, 429, 503})


class PageReader:
    """Reads a product page's first readable picture. Safe to share by threads."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._turns = LocalTurns()  # every question keeps the same pace at a host
        self._adapter = SchemaOrg()

    def __call__(self, url: str) -> LinkedPicture:
        """The picture behind a link, which may also be the picture's own.

        Raises:
            LinkRefused: with a code that names why.
        """
        with Fetcher(self._settings, _LIMITS, turns=self._turns) as fetcher:
            document = _fetched(fetcher, url)
            if _is_picture(document):
                return LinkedPicture(self._readable(document.content))
            title, sources = self._pictures(document)
            refused: LinkRefused | None = None
            for source in sources[:_PICTURES]:
                try:
                    return LinkedPicture(self._readable(_fetched(fetcher, source).content), title)
                except LinkRefused as error:
                    refused = refused or error
        if refused is not None and refused.code != "no_picture":
            raise LinkRefused("no_picture", f"its pictures cannot be had: {refused}")
        raise refused or LinkRefused("no_picture", "the page names no picture")

    def _pictures(self, document: Document) -> tuple[str | None, list[str]]:
        try:
            offers = parse_document(
                self._adapter, document.content, document.url, document.content_type
            )
        except Blocked as error:
            raise LinkRefused("challenge", str(error)) from error
        except NoOffer as error:
            # Many a shop states price and offer by script only, and its picture for previews.
            page = read_page(document.content, document.url, document.content_type)
            shown = page.first_meta("og:image:secure_url", "og:image") if page else None
            picture = absolute(page.base, shown) if page and shown else None
            if page is None or picture is None:
                raise LinkRefused("no_product", str(error)) from error
            return page.first_meta("og:title") or page.title, [picture]
        offer = offers[0]
        return offer.title, list(offer.images)

    def _readable(self, data: bytes) -> bytes:
        try:
            decode(
                data,
                max_bytes=self._settings.max_image_bytes,
                max_pixels=self._settings.max_image_pixels,
            )
        except ImageError as error:
            raise LinkRefused("no_picture", str(error)) from error
        return data


def _is_picture(document: Document) -> bool:
    kind = (document.content_type or "").split(";")[0].strip().lower()
    return kind.startswith("image/") and kind != "image/svg+xml"


def _fetched(fetcher: Fetcher, url: str) -> Document:
    try:
        return fetcher.fetch(url)
    except AddressRefused as error:
        raise LinkRefused("address", str(error)) from error
    except RobotsRefused as error:
        raise LinkRefused("robots", str(error)) from error
    except BodyRefused as error:
        raise LinkRefused("too_large", str(error)) from error
    except BadStatus as error:
        code = "challenge" if error.status in _BLOCKED else "status"
        raise LinkRefused(code, str(error)) from error
    except (FetchError, BadInput) as error:
        raise LinkRefused("unreachable", str(error)) from error
