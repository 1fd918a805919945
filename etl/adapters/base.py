"""What an adapter is: a reader of one platform's documents, with no network of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from app.domain import ParsedOffer
from app.errors import BadInput


class NoOffer(BadInput):
    """A document that holds no offer; says in one line why."""


class EmptyList(NoOffer):
    """A list without entries: past its last page that is its end, and no fault."""


class Blocked(NoOffer):
    """A challenge or refusal page in place of the document: stop asking this shop for now."""


@dataclass(frozen=True, slots=True)
class Links:
    """What to read next: product documents and further listing documents, absolute URLs."""

    products: tuple[str, ...] = ()
    pages: tuple[str, ...] = ()


class Adapter(Protocol):
    """Reads documents of one platform."""

    name: str

    def parse(
        self, content: bytes, url: str | None, content_type: str | None = None
    ) -> list[ParsedOffer]:
        """Offers of a document, at least one; raises :class:`NoOffer`."""
        ...

    def links(self, content: bytes, url: str, content_type: str | None = None) -> Links:
        """Links of a listing page, sitemap or feed page; raises :class:`NoOffer`."""
        ...

    def list_url(self, start: str, number: int) -> str | None:
        """Address of page ``number`` (from 1) of a list or feed that holds the offers itself.

        None for the first: ``start`` is a page whose links are to be followed. None for a later
        one: there is no further page.
        """
        ...


def parse_document(
    adapter: Adapter, content: bytes, url: str | None, content_type: str | None = None
) -> list[ParsedOffer]:
    """Offers of a document; never an empty list.

    Raises :class:`NoOffer` (exit code 2) for a document that holds none.
    """
    if not content.strip():
        raise NoOffer("the document is empty")
    offers = adapter.parse(content, url, content_type)
    if not offers:
        raise EmptyList("the document holds no offer")
    return offers
