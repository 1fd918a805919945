"""Bytes of a document to text, and small text cleaning shared by the adapters."""

from __future__ import annotations

import codecs
import html
import re
from urllib.parse import urljoin, urlsplit, urlunsplit

_META_CHARSET = re.compile(
    rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w.:-]{2,40})""", re.IGNORECASE
)
_XML_CHARSET = re.compile(rb"""^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w.:-]{2,40})""")
_HEADER_CHARSET = re.compile(r"""charset\s*=\s*["']?\s*([\w.:-]{2,40})""", re.IGNORECASE)
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SPACES = re.compile(r"[\s\u00a0\u200b\u2009\u202f\ufeff]+")
_TAGS = re.compile(r"<(?:br|/p|/div|/li)\s*/?>|</?[a-zA-Z][^<>]{0,500}>", re.IGNORECASE)
_TEMPLATE = re.compile(r"\{\{.*?\}\}|\$\{.*?\}|<%.*?%>|\[\[.*?\]\]|\{%.*?%\}", re.DOTALL)


def decode(content: bytes, content_type: str | None = None) -> str:
    """The document's text; never raises.

    Order: byte order mark, valid UTF-8, the header's charset, the document's own, Windows-1252.
    UTF-8 goes before the header because text in another encoding is practically never valid
    UTF-8, while headers are often wrong.
    """
    for bom, name in _BOMS:
        if content.startswith(bom):
            return content[len(bom) :].decode(name, "replace")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        pass
    names: list[str] = []
    if content_type and (found := _HEADER_CHARSET.search(content_type)):
        names.append(found.group(1))
    for pattern in (_XML_CHARSET, _META_CHARSET):
        if match := pattern.search(content[:8192]):
            names.append(match.group(1).decode("ascii"))
    for name in names:
        try:
            codec = codecs.lookup(name).name
        except LookupError:
            continue
        # The web reads Latin-1 as Windows-1252; the C1 controls stand in no shop's text.
        return content.decode("cp1252" if codec == "iso8859-1" else codec, "replace")
    # Mostly UTF-8 with a few broken bytes (a cut multi-byte character) is still UTF-8.
    text = content.decode("utf-8", "replace")
    if text.count("\ufffd") * 50 <= sum(byte >= 0x80 for byte in content) or "\ufffd" not in text:
        return text
    return content.decode("cp1252", "replace")


def clean(value: str | None) -> str | None:
    """One line of plain text: entities resolved, tags dropped, spaces folded; None when empty.

    An unrendered template (``{{ name }}``) is not text, so it is None too.
    """
    if value is None:
        return None
    text = value
    for _ in range(2):  # shops escape twice: "&amp;#39;"
        if "&" not in text:
            break
        text = html.unescape(text)
    if "<" in text:
        text = _TAGS.sub(" ", text)
    text = _SPACES.sub(" ", "".join(c for c in text if c >= " " or c in "\t\n\r")).strip()
    if not text or is_template(text):
        return None
    return text


def is_template(value: str) -> bool:
    """Whether the value still holds an unrendered template expression."""
    return _TEMPLATE.search(value) is not None


def absolute(base: str | None, href: str | None) -> str | None:
    """``href`` as an absolute http(s) URL against ``base``; None when it is not one."""
    if not href:
        return None
    text = html.unescape(href).strip()
    if (
        not text
        or is_template(text)
        or text.lower().startswith(("data:", "javascript:", "mailto:"))
    ):
        return None
    text = re.sub(r"^(https?):/(?=[^/])", r"\1://", text)
    if text.startswith("//"):
        text = f"{urlsplit(base).scheme or 'https' if base else 'https'}:{text}"
    try:
        joined = urljoin(base, text) if base else text
        parts = urlsplit(joined)
        host = parts.hostname
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not host:
        return None
    path = parts.path.replace(" ", "%20")
    return urlunsplit((parts.scheme, parts.netloc, path, parts.query.replace(" ", "%20"), ""))


def words(value: str | None) -> set[str]:
    """Lower-case words of a text, for comparing titles."""
    return set(re.findall(r"\w+", value.casefold())) if value else set()
