"""A real headless Chromium, driven over its DevTools protocol."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
PATIENCE_S = 60.0
STILL = 6
"""Frames in which a thing must keep its place before it is pressed."""
START_S = 90.0
_FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-quic", "--disable-default-apps", "--disable-extensions", "--no-first-run",
    "--no-default-browser-check", "--hide-scrollbars", "--mute-audio", "--font-render-hinting=none",
    "--disable-features=Translate,MediaRouter,OptimizationHints", "--remote-debugging-port=0",
)  # fmt: skip


def find() -> str | None:
    """The browser's path; None where there is none."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class PageFailed(AssertionError):
    """A script on the page threw, or what was waited for did not come."""


class Tab:
    """One page: scripts, real mouse, touch and keyboard input, screenshots.

    ``problems`` collects errors of the page's console and scripts.
    """

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, session: str) -> None:
        self._socket = socket
        self._session = session
        self._number = 0
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self.problems: list[str] = []
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for frame in self._socket:
            message = json.loads(frame.data)
            answer = self._answers.pop(message.get("id"), None)
            if answer is not None and not answer.done():
                answer.set_result(message)
            elif message.get("method") == "Runtime.exceptionThrown":
                details = message["params"]["exceptionDetails"]
                text = details.get("exception", {}).get("description") or details["text"]
                self.problems.append(text)
            elif message.get("method") == "Log.entryAdded":
                entry = message["params"]["entry"]
                # That a broken stream of events is taken up again is the page's way of life.
                if entry["level"] == "error" and "/events?" not in entry.get("url", ""):
                    self.problems.append(f"{entry['text']} {entry.get('url', '')}".strip())
            elif message.get("method") == "Runtime.consoleAPICalled":
                said = [one.get("description") for one in message["params"]["args"]]
                if message["params"]["type"] == "error":
                    self.problems.append(f"console.error: {said}")

    async def call(self, method: str, **params: Any) -> Any:
        """One command of the protocol."""
        self._number += 1
        answer = self._answers[self._number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json(
            {"id": self._number, "sessionId": self._session, "method": method, "params": params}
        )
        async with asyncio.timeout(PATIENCE_S):
            message = await answer
        if "error" in message:
            raise PageFailed(f"{method}: {message['error']['message']}")
        return message["result"]

    async def open(self, url: str) -> None:
        """Goes to an address and waits until the chat is drawn."""
        await self.call("Page.navigate", url=url)
        await self.wait("document.body?.dataset.ready === 'yes'")

    async def leave(self) -> None:
        """Goes nowhere: what the page was still fetching is dropped."""
        await self.call("Page.navigate", url="about:blank")
        await self.wait("location.href === 'about:blank'")

    async def reload(self) -> None:
        """Loads the page anew."""
        await self.js("document.body.dataset.ready = ''")
        await self.call("Page.reload")
        await self.wait("document.body?.dataset.ready === 'yes'")

    async def js(self, expression: str) -> Any:
        """The value of an expression."""
        result = await self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in result:
            raise PageFailed(f"{expression}: {result['exceptionDetails']['text']}")
        return result["result"].get("value")

    async def wait(self, expression: str, timeout_s: float = PATIENCE_S) -> Any:
        """The expression's value once it is true."""
        loop = asyncio.get_running_loop()
        end = loop.time() + timeout_s
        while True:
            try:
                value = await self.js(
                    f"(async (v) => ((v) => v instanceof Node || v)(await v))({expression})"
                )
            except PageFailed:
                value = None  # the page is between two documents
            if value:
                return value
            if loop.time() > end:
                seen = await self.js("document.body.innerText.slice(-1500)")
                raise PageFailed(f"waited in vain for {expression}; on the page: {seen!r}")
            await asyncio.sleep(0.05)

    async def centre(self, selector: str, text: str = "") -> tuple[float, float]:
        """Where an element is, scrolled into view; the last one whose text holds ``text``.

        It must have kept its place for some frames and be what a press there would reach: a picture
        that arrives above it meanwhile would move it away from under the finger.
        """
        found = await self.wait(
            f"""(async () => {{
              const all = [...document.querySelectorAll({json.dumps(selector)})]
                .filter((one) => one.innerText.includes({json.dumps(text)})
                              || one.ariaLabel?.includes({json.dumps(text)}))
                .filter((one) => one.checkVisibility());
              const one = all.at(-1);
              if (!one) return null;
              one.scrollIntoView({{block: "nearest", behavior: "instant"}});
              let before = null;
              for (let frame = 0; frame < {STILL}; frame++) {{
                const box = one.getBoundingClientRect();
                const now = [box.x + box.width / 2, box.y + box.height / 2];
                if (!box.width || (before && (now[0] !== before[0] || now[1] !== before[1])))
                  return null;
                before = now;
                await new Promise((done) => requestAnimationFrame(done));
              }}
              return one.contains(document.elementFromPoint(...before)) ? before : null;
            }})()"""
        )
        return found[0], found[1]

    async def click(self, selector: str, text: str = "", button: str = "left") -> None:
        """Presses an element with the mouse."""
        x, y = await self.centre(selector, text)
        await self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        for kind in ("mousePressed", "mouseReleased"):
            await self.call(
                "Input.dispatchMouseEvent", type=kind, x=x, y=y, button=button, clickCount=1
            )

    async def tap(self, selector: str, text: str = "") -> None:
        """Presses an element with a finger."""
        x, y = await self.centre(selector, text)
        await self.call(
            "Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}]
        )
        await self.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    async def type(self, text: str) -> None:
        """Types into what has the focus."""
        await self.call("Input.insertText", text=text)

    async def key(self, name: str, code: int) -> None:
        """Presses a key by its name and virtual key code."""
        extra = {"text": "\r"} if name == "Enter" else {}
        for kind in ("keyDown", "keyUp"):
            await self.call(
                "Input.dispatchKeyEvent", type=kind, key=name, code=name,
                windowsVirtualKeyCode=code, **(extra if kind == "keyDown" else {}),
            )  # fmt: skip

    async def enter(self) -> None:
        """Presses Enter."""
        await self.key("Enter", 13)

    async def pick(self, selector: str, paths: Sequence[Path]) -> None:
        """Chooses files, as the browser's file dialog does."""
        document = await self.call("DOM.getDocument")
        node = await self.call(
            "DOM.querySelector", nodeId=document["root"]["nodeId"], selector=selector
        )
        await self.call(
            "DOM.setFileInputFiles", nodeId=node["nodeId"], files=[str(path) for path in paths]
        )

    async def window(
        self, width: int, height: int, *, phone: bool = False, scale: float = 1.0
    ) -> None:
        """Gives the window a size in CSS pixels, and a finger where it is a phone's."""
        await self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=scale, mobile=phone,
        )  # fmt: skip
        await self.call("Emulation.setTouchEmulationEnabled", enabled=phone)

    async def scheme(self, name: str) -> None:
        """``light`` or ``dark``."""
        feature = {"name": "prefers-color-scheme", "value": name}
        await self.call("Emulation.setEmulatedMedia", features=[feature])

    async def screenshot(self) -> bytes:
        """What the window shows, as PNG."""
        shot = await self.call("Page.captureScreenshot", format="png")
        return base64.b64decode(shot["data"])

    async def settle(self) -> None:
        """Waits until every picture on the page is there and drawn."""
        await self.wait(
            "[...document.images].filter((i) => i.checkVisibility())"
            ".every((i) => i.complete || i.getBoundingClientRect().y < -400)"
        )
        await self.js(
            "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )

    async def close(self) -> None:
        """Ends the connection."""
        self._reading.cancel()
        await self._socket.close()


class Browser:
    """A browser process with a profile of its own; tabs in it share nothing."""

    def __init__(self, path: str) -> None:
        self._profile = Path(tempfile.mkdtemp(prefix="solemate-chromium-"))
        self._process = subprocess.Popen(
            [path, *_FLAGS, f"--user-data-dir={self._profile}", "about:blank"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={"HOME": str(self._profile), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
        )  # fmt: skip
        self._port = self._listening()

    def _listening(self) -> int:
        """The port that the browser writes into its profile once it listens."""
        end = time.monotonic() + START_S
        while self._process.poll() is None and time.monotonic() < end:
            with contextlib.suppress(FileNotFoundError, IndexError, ValueError):
                return int((self._profile / "DevToolsActivePort").read_text().splitlines()[0])
            time.sleep(0.1)
        self.close()
        raise RuntimeError(f"Chromium does not listen; exit code {self._process.returncode}")

    def close(self) -> None:
        """Ends the browser and removes its profile."""
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._profile, ignore_errors=True)

    @asynccontextmanager
    async def tab(self, language: str = "en-US") -> AsyncIterator[Tab]:
        """A tab that shares no cookies or storage with others.

        ``language``: what the browser tells pages that its user speaks.
        """
        async with aiohttp.ClientSession() as http:
            async with http.get(f"http://127.0.0.1:{self._port}/json/version") as answer:
                address = (await answer.json())["webSocketDebuggerUrl"]
            socket = await http.ws_connect(address, max_msg_size=0)
            context = (await _ask(socket, 1, "Target.createBrowserContext"))["browserContextId"]
            target = await _ask(
                socket, 2, "Target.createTarget", url="about:blank", browserContextId=context
            )
            session = await _ask(
                socket, 3, "Target.attachToTarget", targetId=target["targetId"], flatten=True
            )
            tab = Tab(socket, session["sessionId"])
            for domain in ("Page", "Runtime", "DOM", "Log"):
                await tab.call(f"{domain}.enable")
            agent = await tab.js("navigator.userAgent")
            await tab.call(
                "Emulation.setUserAgentOverride", userAgent=agent, acceptLanguage=language
            )
            try:
                yield tab
            finally:
                await tab.call("Page.close")
                await tab.close()


async def _ask(
    socket: aiohttp.ClientWebSocketResponse, number: int, method: str, **params: Any
) -> Any:
    """A command to the browser itself, before there is a tab."""
    await socket.send_json({"id": -number, "method": method, "params": params})
    while True:
        message = await socket.receive_json()
        if message.get("id") == -number:
            return message["result"]
