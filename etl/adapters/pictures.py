"""A product's picture addresses: each picture once, at the best resolution that the page names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import parse_qsl, urlsplit

_SIZE_KEYS = frozenset(
    {"w", "h", "width", "height", "imwidth", "imheight", "sw", "sh", "wid", "hei", "size"}
)
_IN_PATH = re.compile(r"(?<=[/_.\-])(?:(\d{2,4})x(\d{2,4})?|[wh]_?(\d{2,4}))(?=[/_.\-@,]|$)")
_NOT_PICTURES = re.compile(
    r"favicon|sprite|placeholder|blank\.gif|spacer|/logo|no-?image|noimage", re.IGNORECASE
)
_ORIGINAL = 10_000


def best_pictures(urls: Iterable[str], limit: int = 30) -> tuple[str, ...]:
    """Addresses in order, one for each picture, the largest version of each; icons left out."""
    best: dict[str, tuple[int, str]] = {}
    for url in urls:
        if _NOT_PICTURES.search(url):
            continue
        key, size = _key_and_size(url)
        if key not in best or size > best[key][0]:
            best[key] = (size, url)
    return tuple(url for _, url in list(best.values())[:limit])


def _key_and_size(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    sizes = [int(v) for k, v in parse_qsl(parts.query) if k.lower() in _SIZE_KEYS and v.isdigit()]
    kept = [f"{k}={v}" for k, v in parse_qsl(parts.query) if k.lower() not in _SIZE_KEYS]
    for match in _IN_PATH.finditer(parts.path):
        sizes.extend(int(group) for group in match.groups() if group)
    path = _IN_PATH.sub("", parts.path)
    return f"{parts.netloc}{path}?{'&'.join(kept)}", max(sizes, default=_ORIGINAL)
