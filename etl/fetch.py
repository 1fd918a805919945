"""Polite and careful HTTP.

Polite: robots.txt, one request at a time and a pause for each host, conditional requests, retries
that wait as long as the server asks. Careful: the address is resolved once, checked, and the very
same address is connected to, at each redirect anew; size and time are limited while reading.
"""

from __future__ import annotations

import contextlib
import email.utils
import random
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Final, Self
from urllib.parse import SplitResult, urljoin, urlsplit, urlunsplit

import httpx
from protego import Protego

from app.errors import SolemateError
from app.settings import Settings
from etl.addresses import Resolver, is_allowed, is_public, resolve
from etl.polite import LocalTurns, Turns
from etl.unpack import TooLarge, Unpacker

MAX_REDIRECTS: Final = 5
RETRIED_STATUS: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_ROBOTS_BYTES: Final = 512_000  # RFC 9309, section 2.5: at least 500 KiB are parsed
_LONGEST_WAIT_S: Final = 120.0
_LONGEST_CRAWL_DELAY_S: Final = 30.0


class FetchError(SolemateError):
    """A document that could not be fetched; the words name the host and path, never a query."""


class AddressRefused(FetchError):
    """The address is not one of the public internet, or no web address at all."""


class RobotsRefused(FetchError):
    """The site's robots.txt does not allow it."""


class RobotsUnreadable(RobotsRefused):
    """The site's robots.txt cannot be read now, which means "not now"."""


class BodyRefused(FetchError):
    """The body is larger or slower than allowed, or its encoding is damaged."""


class Unreachable(FetchError):
    """No answer: the name, the connection or the time ran out."""


class BadStatus(FetchError):
    """An answer that is no document; ``status`` is its HTTP code."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status

    @property
    def gone(self) -> bool:
        """Whether the document is no longer there, as opposed to not to be had now."""
        return self.status in (404, 410)


@dataclass(frozen=True, slots=True)
class Validators:
    """What a server said to recognise an unchanged document by."""

    etag: str | None = None
    last_modified: str | None = None

    def __bool__(self) -> bool:
        return bool(self.etag or self.last_modified)


@dataclass(frozen=True, slots=True)
class Document:
    """An answer: ``url`` after redirects; ``unchanged`` means 304 and no content."""

    url: str
    content: bytes
    content_type: str | None
    validators: Validators
    unchanged: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """How patient and how careful to be; seconds and bytes.

    ``delay_s`` lies between two requests to one host; a longer Crawl-delay wins.
    """

    delay_s: float = 1.0
    timeout_s: float = 20.0
    total_s: float = 60.0
    max_bytes: int = 25_000_000
    tries: int = 4
    backoff_s: float = 1.0
    robots: bool = True


class Fetcher:
    """Fetches documents; use it as a context manager. Safe to share by threads."""

    def __init__(
        self,
        settings: Settings,
        limits: Limits | None = None,
        *,
        turns: Turns | None = None,
        resolver: Resolver = resolve,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """``turns``: whose turn it is at each host; default: this process's own.

        ``resolver`` and ``sleep`` are for tests of rebinding and waiting.
        """
        self.limits = limits or Limits()
        self._agent = settings.agent
        self._turns = turns or LocalTurns()
        self._allowed = settings.fetch_allow_hosts
        self._resolve = resolver
        self._sleep = sleep
        self._clients: dict[tuple[str, str, int], httpx.Client] = {}
        self._robots: dict[tuple[str, str, int], Protego | None] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            for client in self._clients.values():
                client.close()
            self._clients.clear()

    def fetch(self, url: str, validators: Validators | None = None) -> Document:
        """The document at ``url``, after retries and redirects.

        Raises:
            AddressRefused: not http(s), or an address that is not public and not allowed.
            RobotsRefused: robots.txt says no, or cannot be read now.
            BodyRefused: too large, too slow, or damaged.
            BadStatus: any status but 200 and 304.
            Unreachable: no answer after all tries.
        """
        current = url
        for _ in range(MAX_REDIRECTS + 1):
            parts = self._checked(current)
            if self.limits.robots:
                self._ask_robots(parts)
            answer = self._with_retries(parts, validators, self.limits.max_bytes)
            if isinstance(answer, Document):
                return answer
            current = urljoin(current, answer)
        raise BadStatus(310, f"{_name(url)}: more than {MAX_REDIRECTS} redirects")

    def _checked(self, url: str) -> SplitResult:
        try:
            parts = urlsplit(url.strip())
            host, _port = parts.hostname, parts.port
        except ValueError:
            raise AddressRefused("not a valid web address") from None
        if parts.scheme not in ("http", "https") or not host:
            raise AddressRefused(
                f"only http and https addresses are fetched, not {parts.scheme or 'none'!r}"
            )
        if parts.username or parts.password:
            raise AddressRefused(
                f"{_name(url)}: an address with a user name or password is not fetched"
            )
        return parts

    def _with_retries(
        self, parts: SplitResult, validators: Validators | None, max_bytes: int
    ) -> Document | str:
        """A document, or where a redirect leads."""
        for attempt in range(1, self.limits.tries + 1):
            last = attempt == self.limits.tries
            wait = self.limits.backoff_s * 2 ** (attempt - 1) * random.uniform(0.8, 1.2)
            try:
                with self._request(parts, validators) as response:
                    if response.status_code not in RETRIED_STATUS or last:
                        return self._read(parts, response, max_bytes)
                    asked = _retry_after(response.headers.get("retry-after"))
                    if asked is not None:
                        if asked > _LONGEST_WAIT_S:
                            raise BadStatus(
                                response.status_code,
                                f"{_name(parts)}: the server asks to wait {asked:.0f} s"
                                f" (HTTP {response.status_code})",
                            )
                        wait = max(wait, asked)
                        self._turns.hold(_host(parts), asked)
            except (httpx.TimeoutException, httpx.NetworkError, httpx.RemoteProtocolError) as error:
                if last:
                    raise Unreachable(f"{_name(parts)}: {_why(error)}") from error
            self._sleep(wait)
        raise Unreachable(f"{_name(parts)}: no answer")  # tries < 1

    @contextlib.contextmanager
    def _request(
        self, parts: SplitResult, validators: Validators | None
    ) -> Iterator[httpx.Response]:
        host, port = _host(parts), _port(parts)
        address = self._address(parts, host, port)
        self._wait_turn(host)
        literal = f"[{address}]" if ":" in address else address
        target = urlunsplit((parts.scheme, f"{literal}:{port}", parts.path or "/", parts.query, ""))
        headers = {
            "Host": parts.netloc.rpartition("@")[2],
            "User-Agent": self._agent,
            "Accept": "text/html,application/xhtml+xml,application/json,application/xml;q=0.9,"
            "image/*,*/*;q=0.5",
            "Accept-Encoding": "gzip, deflate",
        }
        if validators and validators.etag:
            headers["If-None-Match"] = validators.etag
        if validators and validators.last_modified:
            headers["If-Modified-Since"] = validators.last_modified
        client = self._client((parts.scheme, host, port))
        # The address is what was checked; the certificate is still checked against the name.
        extensions = {"sni_hostname": host} if parts.scheme == "https" else {}
        try:
            with client.stream("GET", target, headers=headers, extensions=extensions) as response:
                yield response
        except httpx.UnsupportedProtocol as error:
            raise AddressRefused(f"{_name(parts)}: not a web address") from error
        except (httpx.InvalidURL, httpx.LocalProtocolError) as error:
            raise AddressRefused(f"{_name(parts)}: not a valid web address") from error

    def _address(self, parts: SplitResult, host: str, port: int) -> str:
        """The checked address to connect to; one private address among a host's refuses it."""
        try:
            found = self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise Unreachable(f"{_name(parts)}: the name cannot be resolved") from error
        if not found:
            raise Unreachable(f"{_name(parts)}: the name has no address")
        if not is_allowed(host, port, self._allowed) and not all(map(is_public, found)):
            raise AddressRefused(
                f"{host}:{port} is not a public address; "
                "name it in SOLEMATE_FETCH_ALLOW_HOSTS to allow it"
            )
        return found[0]

    def _client(self, key: tuple[str, str, int]) -> httpx.Client:
        # One client a host: connections are kept by address, and two hosts may share one.
        with self._lock:
            client = self._clients.get(key)
            if client is None:
                client = httpx.Client(
                    follow_redirects=False,
                    trust_env=False,  # a proxy would resolve the name again, unchecked
                    timeout=httpx.Timeout(
                        self.limits.timeout_s, connect=min(10.0, self.limits.timeout_s)
                    ),
                    limits=httpx.Limits(max_connections=2, keepalive_expiry=30),
                )
                self._clients[key] = client
            return client

    def _wait_turn(self, host: str) -> None:
        wait = self._turns.take(host, self._delay(host))
        if wait > 0:
            self._sleep(wait)

    def _delay(self, host: str) -> float:
        delays = [
            float(rules.crawl_delay(self._agent) or 0)
            for key, rules in self._robots.items()
            if key[1] == host and rules is not None
        ]
        return max(self.limits.delay_s, min(max(delays, default=0.0), _LONGEST_CRAWL_DELAY_S))

    def _read(self, parts: SplitResult, response: httpx.Response, max_bytes: int) -> Document | str:
        status = response.status_code
        url = urlunsplit(parts)
        if status in (301, 302, 303, 307, 308):
            location = response.headers.get("location")
            if not location:
                raise BadStatus(status, f"{_name(parts)}: a redirect to nowhere (HTTP {status})")
            return str(location)
        validators = Validators(response.headers.get("etag"), response.headers.get("last-modified"))
        if status == 304:
            return Document(url, b"", None, validators, unchanged=True)
        if status != 200:
            raise BadStatus(status, f"{_name(parts)}: HTTP {status}")
        content = self._body(parts, response, max_bytes)
        return Document(url, content, response.headers.get("content-type"), validators)

    def _body(self, parts: SplitResult, response: httpx.Response, max_bytes: int) -> bytes:
        declared = response.headers.get("content-length", "")
        if declared.isdigit() and int(declared) > max_bytes:
            raise BodyRefused(f"{_name(parts)}: {declared} bytes, at most {max_bytes} are read")
        coding = response.headers.get("content-encoding", "identity").strip().lower()
        began = time.monotonic()
        try:
            unpack = Unpacker(coding, max_bytes)
            for chunk in response.iter_raw():
                unpack.feed(chunk)
                if time.monotonic() - began > self.limits.total_s:
                    raise BodyRefused(
                        f"{_name(parts)}: not complete after {self.limits.total_s:.0f} s"
                    )
            return unpack.finish()
        except TooLarge:
            raise BodyRefused(f"{_name(parts)}: unpacks to more than {max_bytes} bytes") from None
        except (zlib.error, EOFError, LookupError) as error:
            raise BodyRefused(
                f"{_name(parts)}: the {coding} body is damaged or breaks off"
            ) from error

    def _ask_robots(self, parts: SplitResult) -> None:
        key = (parts.scheme, _host(parts), _port(parts))
        if key not in self._robots:
            self._robots[key] = self._read_robots(parts)
        rules = self._robots[key]
        if rules is None:
            raise RobotsUnreadable(
                f"{key[1]}: robots.txt cannot be read now, so nothing is fetched"
            )
        path = urlunsplit(("", "", parts.path or "/", parts.query, ""))
        if not rules.can_fetch(path, self._agent):
            raise RobotsRefused(f"{_name(parts)}: robots.txt does not allow it")

    def _read_robots(self, parts: SplitResult) -> Protego | None:
        """The host's rules; None when the server fails, which means "not now" (RFC 9309)."""
        current = urlunsplit((parts.scheme, parts.netloc, "/robots.txt", "", ""))
        try:
            for _ in range(MAX_REDIRECTS + 1):
                answer = self._with_retries(self._checked(current), None, _ROBOTS_BYTES)
                if isinstance(answer, Document):
                    # A byte order mark would make the first line unreadable.
                    text = answer.content.decode("utf-8", "replace").lstrip("\ufeff")
                    return Protego.parse(text)
                current = urljoin(current, answer)
        except BadStatus as error:
            if 400 <= error.status < 500 and error.status != 429:
                return Protego.parse("")
            return None
        return Protego.parse("")


def _host(parts: SplitResult) -> str:
    return (parts.hostname or "").rstrip(".").lower()


def _port(parts: SplitResult) -> int:
    return parts.port or (443 if parts.scheme == "https" else 80)


def _name(url: str | SplitResult) -> str:
    """Host and path for a message: no user, no query, which may hold secrets."""
    parts = urlsplit(url) if isinstance(url, str) else url
    return f"{parts.hostname or ''}{parts.path}"[:200]


def _why(error: httpx.HTTPError) -> str:
    if isinstance(error, httpx.ConnectTimeout):
        return "no connection in time"
    if isinstance(error, httpx.TimeoutException):
        return "no answer in time"
    if isinstance(error, httpx.RemoteProtocolError):
        return "the answer broke off or is no HTTP"
    return "the connection failed"


def _retry_after(value: str | None) -> float | None:
    """Seconds to wait, from a number or a date; None for neither."""
    if not value:
        return None
    if value.strip().isdigit():
        return float(value)
    try:
        moment = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
