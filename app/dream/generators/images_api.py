"""Any server that speaks the OpenAI images API: POST /images/generations and /images/edits."""

from __future__ import annotations

import base64
import binascii
import email.utils
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Protocol

import httpx
from pydantic import SecretStr

from app.dream.generators.base import QUIET, GeneratorFault, Watch, as_png
from app.sketch.design import Design

LOG = logging.getLogger(__name__)

_MAX_ANSWER: Final = 40_000_000
_MAX_PROMPT: Final = 3_800
_LONGEST_PAUSE_S: Final = 30.0
_REFUSALS: Final = ("moderation", "content_policy", "safety", "content_filter")
_USED_UP: Final = ("insufficient_quota", "billing_hard_limit_reached", "billing_not_active")


class Budget(Protocol):
    """What each user may spend a day."""

    def reserve(self, user_key: str, cost: Decimal, limit: Decimal) -> bool:
        """Takes ``cost`` from today's share; False, and nothing taken, when it is not left."""

    def give_back(self, user_key: str, cost: Decimal) -> None:
        """Returns a reservation that bought no picture."""


@dataclass(frozen=True, slots=True)
class Account:
    """Where pictures are bought, and how dear they may be. Times in seconds, money in dollars."""

    url: str
    key: SecretStr | None
    model: str
    size: str
    price: Decimal
    daily_limit: Decimal
    timeout_s: float = 90.0
    tries: int = 3


class ImagesApi:
    """Pictures from a server; every picture is reserved in the budget before it is asked for."""

    name = "images-api"
    takes_words = True

    def __init__(
        self,
        account: Account,
        budget: Budget,
        *,
        sleep: Callable[[float], None] = time.sleep,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._account = account
        self._budget = budget
        self._sleep = sleep
        loopback = httpx.URL(account.url).host in ("localhost", "127.0.0.1", "::1")
        self._http = httpx.Client(
            timeout=httpx.Timeout(account.timeout_s, connect=10.0),
            trust_env=not loopback,
            transport=transport,
            follow_redirects=False,  # the key goes to the server it was given for and no other
        )

    def generate(self, design: Design, prompt: str, seed: int, watch: Watch = QUIET) -> bytes:
        """A new picture; the API takes no seed, so each is another."""
        del design, seed
        fields = {**self._common(prompt)}
        return self._bought(watch, lambda: self._post("generations", watch, json=fields))

    def edit(
        self, image: bytes, design: Design, prompt: str, seed: int, watch: Watch = QUIET
    ) -> bytes:
        """The picture changed by the API's edits."""
        del design, seed
        fields = {name: str(value) for name, value in self._common(prompt).items()}
        files = {"image": ("shoe.png", as_png(image), "image/png")}
        return self._bought(watch, lambda: self._post("edits", watch, data=fields, files=files))

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def _common(self, prompt: str) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "model": self._account.model,
            "prompt": prompt[:_MAX_PROMPT],
            "n": 1,
            "size": self._account.size,
        }
        if self._account.model.startswith("dall-e"):
            # The others always answer so, and some refuse the field.
            fields["response_format"] = "b64_json"
        return fields

    def _bought(self, watch: Watch, ask: Callable[[], httpx.Response]) -> bytes:
        account = self._account
        if account.key is None or not account.key.get_secret_value().strip():
            raise GeneratorFault("key", "no key: set SOLEMATE_IMAGES_API_KEY")
        if not self._budget.reserve(watch.user_key, account.price, account.daily_limit):
            raise GeneratorFault("quota_user", f"{watch.user_key} has used today's share")
        billed = False
        try:
            answer = ask()
            billed = True
            return as_png(self._picture(_json(answer)))
        finally:
            if not billed:
                self._budget.give_back(watch.user_key, account.price)

    def _post(self, path: str, watch: Watch, **body: Any) -> httpx.Response:
        account = self._account
        assert account.key is not None
        headers = {"Authorization": f"Bearer {account.key.get_secret_value().strip()}"}
        url = f"{account.url.rstrip('/')}/images/{path}"
        fault = GeneratorFault("server_error", "never asked")
        for attempt in range(account.tries):
            if watch.cancelled():
                raise GeneratorFault("cancelled")
            pause = 0.5 * 2**attempt
            try:
                answer = self._http.post(url, headers=headers, **body)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                fault = GeneratorFault("unreachable", f"{account.url}: {type(error).__name__}")
            except httpx.TimeoutException as error:
                # Not again: the picture may be made, and paid for, already.
                raise GeneratorFault("too_slow", f"no answer in {account.timeout_s:g} s") from error
            except httpx.HTTPError as error:
                fault = GeneratorFault("unreachable", f"{account.url}: {type(error).__name__}")
            else:
                if answer.status_code == httpx.codes.OK:
                    return answer
                fault = _fault_of(answer)
                if fault.code not in ("server_error", "busy"):
                    raise fault
                pause = _retry_after(answer.headers, pause)
            LOG.info("images API, attempt %d: %s", attempt + 1, fault.detail)
            if pause > _LONGEST_PAUSE_S:
                break  # longer than a person waits before a chat
            if attempt + 1 < account.tries:
                self._wait(pause, watch)
        raise fault

    def _wait(self, seconds: float, watch: Watch) -> None:
        while seconds > 0:
            if watch.cancelled():
                raise GeneratorFault("cancelled")
            self._sleep(min(0.25, seconds))
            seconds -= 0.25

    def _picture(self, answer: dict[str, Any]) -> bytes:
        """The bytes of the first picture, given in the answer or by an address."""
        data = answer.get("data")
        first = data[0] if isinstance(data, list) and data else None
        if not isinstance(first, dict):
            raise GeneratorFault("broken_picture", "the answer holds no picture")
        packed, url = first.get("b64_json"), first.get("url")
        if isinstance(packed, str):
            try:
                return base64.b64decode(packed, validate=True)
            except binascii.Error as error:
                raise GeneratorFault("broken_picture", "the picture is no base64") from error
        if isinstance(url, str) and url.startswith(("http://", "https://")):
            return self._fetched(url)
        raise GeneratorFault("broken_picture", "the answer holds no picture")

    def _fetched(self, url: str) -> bytes:
        # Without the key: the address is often another server's.
        try:
            with self._http.stream("GET", url) as answer:
                if answer.status_code != httpx.codes.OK:
                    raise GeneratorFault(
                        "broken_picture", f"the picture's address: HTTP {answer.status_code}"
                    )
                got = bytearray()
                for piece in answer.iter_bytes():
                    got += piece
                    if len(got) > _MAX_ANSWER:
                        raise GeneratorFault("broken_picture", "the picture is too large")
                return bytes(got)
        except httpx.HTTPError as error:
            raise GeneratorFault(
                "broken_picture", f"the picture's address: {type(error).__name__}"
            ) from error


def _json(answer: httpx.Response) -> dict[str, Any]:
    try:
        found = answer.json()
    except ValueError as error:
        raise GeneratorFault("broken_picture", "the answer is no JSON") from error
    if not isinstance(found, dict):
        raise GeneratorFault("broken_picture", "the answer is no JSON object")
    return found


def _fault_of(answer: httpx.Response) -> GeneratorFault:
    """What an answer other than 200 means; its message is the server's, cut short."""
    status = answer.status_code
    try:
        error = answer.json().get("error") or {}
        code, kind = str(error.get("code") or ""), str(error.get("type") or "")
        message = str(error.get("message") or "")
    except (ValueError, AttributeError):
        code = kind = message = ""
    words = f"{code} {kind} {message}".casefold()
    detail = f"HTTP {status} {code or kind}".strip()
    if any(word in f"{code} {kind}".casefold() for word in _USED_UP):
        return GeneratorFault("quota_server", detail)
    if status in (400, 403, 422) and any(word in words for word in _REFUSALS):
        return GeneratorFault("refused", detail)
    if status in (401, 403):
        return GeneratorFault("key", detail)
    if status == 429:
        return GeneratorFault("busy", detail)
    if status == 408 or status == 504:
        return GeneratorFault("too_slow", detail)
    if 300 <= status < 400 or status == 404:
        return GeneratorFault("unreachable", f"{detail}: no images API at this address")
    return GeneratorFault("server_error", detail)


def _retry_after(headers: Mapping[str, str], pause: float) -> float:
    """Seconds the server asks to wait, in either form of the header; else ``pause``."""
    wanted = headers.get("retry-after", "").strip()
    if not wanted:
        return pause
    try:
        return max(0.0, float(wanted))
    except ValueError:
        pass
    try:
        then = email.utils.parsedate_to_datetime(wanted)
    except ValueError:
        return pause
    return max(0.0, then.timestamp() - time.time())
