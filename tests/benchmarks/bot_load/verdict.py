"""Whether each action was answered once, wholly and rightly, and how fast."""

from __future__ import annotations

import json
import re
import statistics
from collections import Counter, defaultdict
from pathlib import Path

from app.bot.callbacks import OutdatedButton, ShowPage, decode
from app.i18n import catalogue
from tests.benchmarks.bot_load.crowd import Action, Crowd, User, words_of

TIMES = re.compile(r"decode ([\d.]+) encode ([\d.]+) sql ([\d.]+) render ([\d.]+) send ([\d.]+)")
_ALBUMS = {"sendmediagroup", "sendphoto"}
_MOST_TEXTS = {"photo": 2, "album": 2}
_KNOWN_BY = {
    "start": "start",
    "help": "help",
    "alerts": "alert.title",
    "privacy": "privacy.text",
    "history": "history.title",
    "saved": "saved.title",
}
_NONE_YET = {"alerts": "alert.none", "history": "history.empty"}


def fault(user: User, action: Action) -> str:
    """What is wrong with an answer; empty: nothing."""
    told = action.messages
    if not action.ended:
        return "never finished"
    if not told:
        return "not answered"
    albums = sum(call.method.lower() in _ALBUMS for call in told)
    texts = len(told) - albums
    if albums > 1 or texts > _MOST_TEXTS.get(action.kind, 1):
        return "said twice"
    said = " ".join(map(words_of, told))
    if _first(user, "error.internal") in said:
        return "an internal error"
    if _first(user, "error.given_up") in said:
        return "given up"
    question = json.loads(told[0].params.get("reply_parameters") or "{}").get("message_id")
    if question is not None and question not in action.message_ids:
        return "an answer to another message"
    if action.kind in ("command", "saved"):
        return _of_a_command(user, action, said)
    return _of_a_search(user, action, said)


def _of_a_command(user: User, action: Action, said: str) -> str:
    heads = [_first(user, _KNOWN_BY[action.subject])]
    if action.subject in _NONE_YET:
        heads.append(_first(user, _NONE_YET[action.subject]))
    if not any(head in said for head in heads):
        return "another command's answer, or another language"
    if action.kind == "saved" and user.saved not in said:
        return "another user's list"
    return ""


def _of_a_search(user: User, action: Action, said: str) -> str:
    last = action.messages[-1]
    if "inline_keyboard" not in str(last.params.get("reply_markup")):
        return "" if _first(user, "result.no_more") in said else "cut short"
    if action.kind in ("photo", "album") and action.subject not in said:
        return "another shoe than the one asked for"
    if action.kind == "more" and action.subject.split(".")[0] not in _searches(last.params):
        return "a page of another search"
    speaks_russian = any("а" <= letter <= "я" for letter in words_of(last).lower())
    return "" if speaks_russian is (user.language == "ru") else "the wrong language"


def _first(user: User, key: str) -> str:
    """The words a message begins with, up to its first variable part."""
    language = "ru" if user.language == "ru" else "en"
    return catalogue(language).messages[key].split("{")[0].split("\n")[0]  # type: ignore[union-attr]


def _searches(params: dict[str, str]) -> set[str]:
    """Searches whose pages a list's buttons lead to."""
    found = set()
    for row in json.loads(params["reply_markup"])["inline_keyboard"]:
        for key in row:
            try:
                action = decode(key.get("callback_data") or "")
            except OutdatedButton:
                continue
            place = action.place if isinstance(action, ShowPage) else getattr(action, "place", None)
            if place is not None:
                found.add(str(place.search_id))
    return found


def spread(values: list[float], unit: float = 1.0) -> str:
    """Median, 95th percentile, largest."""
    if not values:
        return "none"
    ordered = sorted(values)
    p95 = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    return (
        f"median {statistics.median(ordered) * unit:.0f}, p95 {p95 * unit:.0f},"
        f" max {ordered[-1] * unit:.0f} (n = {len(ordered)})"
    )


def report(crowd: Crowd, log: Path, took: float) -> bool:
    """Prints what happened; whether all of it is as it should be."""
    actions = [action for user in crowd.users.values() for action in user.actions]
    print(f"\n{len(crowd.users)} users, {len(actions)} actions in {took:.0f} s:"
          f" {len(actions) / took:.2f} a second")  # fmt: skip
    _times(actions, log)
    wrong: Counter[str] = Counter()
    for user in crowd.users.values():
        for action in user.actions:
            found = fault(user, action)
            if not found:
                continue
            wrong[found] += 1
            if sum(wrong.values()) <= 12:
                print(f"  user {user.chat.user['id']}, {action.kind} {action.subject}: {found}")
                for call in action.calls:
                    reply = call.params.get("reply_parameters", "")
                    said = repr(words_of(call)[:90])
                    print(f"    {call.at - action.at:7.2f} s {call.method} {reply} {said}")
    print("not answered, doubled, or wrong:", dict(wrong) or 0)
    print("said though nobody waited, or refused:", Counter(crowd.strange).most_common(5) or 0)
    return alerts_are_right(crowd) and not wrong


def _times(actions: list[Action], log: Path) -> None:
    firsts: dict[str, list[float]] = defaultdict(list)
    for action in actions:
        if action.messages:
            firsts[action.kind].append(action.messages[0].at - action.at)
    print("update to first answer, ms:", spread([t for ts in firsts.values() for t in ts], 1000))
    for kind, times in sorted(firsts.items()):
        print(f"  {kind:8}", spread(times, 1000))
    wholes = [action.messages[-1].at - action.at for action in actions if action.messages]
    print("update to the answer's last message, ms:", spread(wholes, 1000))
    parts = [TIMES.search(line) for line in log.read_text(errors="replace").splitlines()]
    found = [[float(part) for part in match.groups()] for match in parts if match]
    for place, name in enumerate(("decode", "encode", "SQL", "render", "send")):
        print(f"  of a page of results, {name}, ms:", spread([times[place] for times in found]))


def alerts_are_right(crowd: Crowd) -> bool:
    """Every letter that the outbox calls sent is in its chat once, and no other."""
    with crowd.db.connection() as conn:
        rows = conn.execute(
            "SELECT user_id, state, count(*) FROM bot_outbox GROUP BY 1, 2"
        ).fetchall()
        attempts = conn.execute("SELECT count(*) FROM bot_outbox WHERE attempts > 1").fetchone()
    states = Counter(dict.fromkeys(("sent", "dropped", "unknown", "pending", "sending"), 0))
    sent: dict[int, int] = {}
    for user_id, state, count in rows:
        states[state] += count
        if state == "sent":
            sent[user_id] = count
    seen = {user_id: len(user.alerts) for user_id, user in crowd.users.items() if user.alerts}
    doubles = sum(len(user.alerts) - len(set(user.alerts)) for user in crowd.users.values())
    print(f"alerts: {dict(states)}, messages in chats {sum(seen.values())}, same twice {doubles},"
          f" rows sent at a further attempt {attempts[0] if attempts else 0}")  # fmt: skip
    exact = seen == sent and not doubles and not states["unknown"]
    print("alerts exactly once:", exact)
    return exact
