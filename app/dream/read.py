"""From words to changes: a small grammar, Russian and English.

A request is cut into clauses at punctuation and «но»/"but". Within a clause constructions with
words of their own are read first (replace A with B, A instead of B, swap, the same colour as,
without), then comparatives, then plain values; last, colours are bound to the parts they stand
beside. A token nobody used is given back as not understood.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from app.dream.changes import Change, Kind, Reading
from app.dream.lexicon import Token, tokens

TEXT_LIMIT: Final = 10
_QUOTES: Final = "\"'«»“”„‘’`"
_TEXT: Final = re.compile(
    r"(?:\b(?:надпис\w+|напиши\w*|написать|подпиши\w*|подписать|(?:с\s+)?текст\w*|буквы|имя|"
    r"(?:the\s+)?(?:word|words|text|name|lettering|inscription|letters)|write|writing|says?|saying)"
    r"(?:\s+(?:на\s+н[её]м|на\s+них|на\s+ней|на\s+них|там|on\s+(?:them|it)|слово|слова|имя|текст|"
    r"the\s+word|the\s+name|текстом))*)"
    rf"\s*:?\s*(?:[{_QUOTES}](?P<quoted>[^{_QUOTES}]{{1,40}})[{_QUOTES}]|(?P<bare>[^\W_][\w.!?\-]*"
    r"(?:\s+(?-i:[A-ZА-ЯЁ]{2,}))*))"
    r"(?:\s+(?:on|at|onto)\s+(?:the|its|their)\s+(?:heel|tongue|side|insole|back)s?"
    r"|\s+на\s+(?:пятке|язычке|боку|стельке|заднике|них|нём|нем))?",
    re.IGNORECASE,
)
_PLACES: Final = frozenset(
    {"цвет", "цвета", "на", "и", "сбоку", "on", "in", "color", "colour", "and"}
)
_REMOVED: Final = {
    "logo": Change("set", "logo", "none"),
    "laces": Change("set", "laces", "none"),
    "pattern": Change("set", "pattern", "plain"),
    "text": Change("text", "text", ""),
    "toe_style": Change("set", "toe_style", "none"),
    "accent": Change("set", "panels", "plain"),
}
_UNDONE: Final = {
    "pattern": Change("set", "pattern", "plain"),
    "lace_style": Change("set", "laces", "flat"),
    "sole_style": Change("set", "sole_style", "cup"),
    "toe_style": Change("set", "toe_style", "none"),
    "logo": Change("set", "logo", "none"),
    "panels": Change("set", "panels", "plain"),
}
_OPPOSITE: Final = {
    "high": Change("more", "height", "less"),
    "mid": Change("more", "height", "less"),
    "low": Change("more", "height", "more"),
    "chunky": Change("more", "bulk", "less"),
}
_TARGET: Final = {"lace_style": "laces"}
# Which parts a plain value may stand beside; beside another it is no request the sketch can draw.
_SUITS: Final[dict[str, tuple[str, ...]]] = {
    "material": ("upper", "all"),
    "pattern": ("upper", "toe", "all", "pattern"),
    "logo": ("logo",),
    "lace_style": ("laces",),
    "sole_style": ("sole", "midsole", "outsole"),
    "toe_style": ("toe", "toe_style"),
    "panels": ("upper", "accent"),
    "silhouette": ("upper", "all"),
    "style": ("upper", "all"),
    "model": ("upper", "all", "logo", "sole"),
}
_SOLES: Final = ("sole", "midsole", "outsole")
_NOT_COLOURED: Final = ("pattern", "text", "toe_style")


def read(text: str) -> Reading:
    """The changes a request asks for and the pieces of it that were not understood."""
    return _Reader(text).read()


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.changes: list[Change] = []
        self.commands: list[Change] = []
        self.last_part: str | None = None
        self.carried: list[Token] = []

    def read(self) -> Reading:
        rest = self._written(self.text)
        found = tokens(rest)
        for clause in _clauses(found):
            self._clause(clause)
        for token in self.carried:
            token.used = False
        changes = tuple(dict.fromkeys((*self.changes, *self.commands)))
        unknown = self._unknown(found)
        if not changes and not unknown and self.text.strip():
            unknown = (self.text.strip(),)
        return Reading(changes, unknown)

    def _written(self, text: str) -> str:
        """Takes out what should be written on the shoe, blanks left in its place."""
        found = _TEXT.search(text)
        if found is None:
            return text
        wish = (found["quoted"] or found["bare"]).strip()
        if found["bare"] is not None and wish.casefold() in _PLACES:
            return text
        self._add("text", "text", wish)
        return text[: found.start()] + " " * (found.end() - found.start()) + text[found.end() :]

    def _add(self, kind: Kind, target: str, value: str = "", *used: Token) -> None:
        self.changes.append(Change(kind, target, value))
        for token in used:
            token.used = True

    def _put(self, change: Change, *used: Token) -> None:
        self._add(change.kind, change.target, change.value, *used)

    # ---- clauses

    def _clause(self, clause: list[Token]) -> None:
        before = len(self.changes)
        parts = [t for t in clause if t.kind == "part"]
        content = [t for t in clause if not t.quiet]
        wished = clause[0].kind == "glue" and clause[0].value == "with"
        if content and len(parts) == len(content) and not wished and not _has_value(parts, "all"):
            self.carried += parts  # «язычок, подкладку и шнурки сделай оранжевыми»
            return
        self._command(clause)
        if not self._swapped(clause) and not self._replaced(clause):
            self._instead(clause)
            self._plainly(clause)
        if len(self.changes) > before and self.carried:
            self.carried = [t for t in self.carried if not t.used]

    def _plainly(self, clause: list[Token]) -> None:
        self._matched(clause)
        self._removed(clause)
        self._compared(clause)
        self._amounts(clause)
        self._values(clause)
        self._coloured(clause)
        self._added(clause)

    def _command(self, clause: list[Token]) -> None:
        """A command stands alone: «нравится форма, но ...» is none."""
        alone = all(token.quiet or token.kind == "command" for token in clause)
        for token in clause:
            if token.kind == "command" and alone:
                token.used = True
                change = Change("command", token.value)
                if change not in self.commands:
                    self.commands.append(change)

    def _swapped(self, clause: list[Token]) -> bool:
        mark = next((t for t in clause if t.kind == "glue" and t.value == "swap"), None)
        if mark is None:
            return False
        for kind in ("part", "colour"):
            pair = [t for t in clause if t.kind == kind]
            if len(pair) == 2:
                verbs = [t for t in clause if t.kind == "glue" and t.value == "replace"]
                self._add("swap", pair[0].value, pair[1].value, mark, *pair, *verbs)
                return True
        return False

    def _replaced(self, clause: list[Token]) -> bool:
        """``replace A with B``: a colour by a colour, a part's colour, or just B."""
        verb = _index(clause, lambda t: t.kind == "glue" and t.value == "replace")
        if verb is None:
            return False
        clause[verb].used = True
        middle = _index(clause, lambda t: t.to, verb + 1)
        if middle is None:
            return False
        old, new = clause[verb + 1 : middle], clause[middle + 1 :]
        parts = [t for t in old if t.kind == "part"]
        old_colours = [t for t in old if t.kind == "colour"]
        new_colours = [t for t in new if t.kind == "colour"]
        if old_colours and new_colours and not parts and not _has(new, "part"):
            self._add("recolour", old_colours[0].value, new_colours[0].value)
            _use(old_colours, new_colours[:1])
            self._plainly(new)
            return True
        for token in old:
            token.used = token.used or token.kind not in ("unknown", "part")
        if parts and new_colours and not _has(new, "part"):
            for part in parts:
                self._add("colour", part.value, new_colours[0].value, part, new_colours[0])
        elif parts and _has(new, "part"):
            self._replaced_part(parts, new)
        else:
            _use(parts)
        self._plainly(clause[:verb] + new)
        return True

    def _replaced_part(self, parts: list[Token], new: list[Token]) -> None:
        content = [t for t in new if not t.quiet and not (t.kind == "glue" and t.value == "same")]
        if len(content) == 1 and content[0].kind == "part":
            for part in parts:
                self._add("match", part.value, content[0].value, part, content[0])
            _use([t for t in new if t.kind == "glue"])
        else:
            _use(parts)

    def _instead(self, clause: list[Token]) -> None:
        """``A instead of B``: B is what goes away; it may name the part that A colours."""
        at = _index(clause, lambda t: t.kind == "glue" and t.value == "instead")
        if at is None:
            return
        clause[at].used = True
        gone: list[Token] = []
        for token in clause[at + 1 :]:
            if token.quiet or token.kind == "unknown":
                continue
            if gone and not (gone[-1].kind == "colour" and token.kind in ("part", "colour")):
                break
            gone.append(token)
            if token.kind != "colour":
                break
        wanted = [t for t in clause if t not in gone and not t.quiet and t is not clause[at]]
        colours = [t for t in wanted if t.kind == "colour"]
        gone_parts = [t for t in gone if t.kind == "part"]
        gone_colours = [t for t in gone if t.kind == "colour"]
        if colours and not _has(wanted, "part"):
            if gone_parts:
                self._add("colour", gone_parts[0].value, colours[0].value, colours[0])
            elif gone_colours:
                self._add("recolour", gone_colours[0].value, colours[0].value, colours[0])
        _use(gone)
        for token in gone:
            clause.remove(token)

    # ---- constructions

    def _matched(self, clause: list[Token]) -> None:
        for at, token in enumerate(clause):
            if token.kind != "glue" or token.value != "same":
                continue
            token.used = True
            model = _next(clause, at)
            if model is None or model.kind != "part" or model.value in _NOT_COLOURED:
                continue
            owners = [t for t in (*self.carried, *clause[:at]) if t.kind == "part" and not t.used]
            if not owners:
                # "the same colour as the sole for the laces"
                later = [t for t in clause[at + 1 :] if t.kind == "part" and t is not model]
                owners = later[:1]
            for owner in owners:
                self._add("match", owner.value, model.value, owner, model)

    def _removed(self, clause: list[Token]) -> None:
        for at, token in enumerate(clause):
            if token.kind != "glue" or token.value != "no" or token.used:
                continue
            token.used = True
            follower = _next(clause, at)
            while follower is not None and self._remove(clause, follower):
                follower = self._and_also(clause, follower)

    def _remove(self, clause: list[Token], token: Token) -> bool:
        beyond = _next(clause, clause.index(token))
        if token.kind == "colour" and not (beyond is not None and beyond.kind == "part"):
            self._add("without", token.value, "", token)
        elif token.kind == "part" and token.value in _REMOVED:
            self._put(_REMOVED[token.value], token)
            token.gone = True
        elif token.kind == "silhouette" and token.value in _OPPOSITE:
            self._put(_OPPOSITE[token.value], token)
        elif token.kind in _UNDONE:
            beside = [t for t in (beyond,) if t is not None and t.kind == "part"]
            self._put(_UNDONE[token.kind], token)
            _use([t for t in beside if t.value in _SUITS.get(token.kind, ())])
        else:
            # A part without which there is no shoe, a material with nothing named instead of it.
            token.kind, token.value = "unknown", self.text[token.start : token.end]
            return False
        return True

    def _and_also(self, clause: list[Token], token: Token) -> Token | None:
        """In «без логотипа и шнурков» the second part goes too; not in "no logo and red laces"."""
        at = clause.index(token)
        if at + 2 < len(clause) and clause[at + 1].value == "and":
            follower, after = clause[at + 2], _next(clause, at + 2)
            tinted = after is not None and after.kind in ("colour", "relation", "material")
            if follower.kind == "part" and follower.value in _REMOVED and not tinted:
                return follower
        return None

    def _compared(self, clause: list[Token]) -> None:
        for at, token in enumerate(clause):
            if token.kind != "relation" or token.used:
                continue
            what, _, way = token.value.partition(":")
            if what == "amount":
                continue
            following, previous = _next(clause, at), _previous(clause, at)
            if what == "colour" and following is not None and following.kind == "colour":
                token.used = True  # "bright green": the colour's own shade
                continue
            part = self._beside(clause, at)
            self._compare(token, what, way, part, previous)

    def _compare(
        self, token: Token, what: str, way: str, part: Token | None, previous: Token | None
    ) -> None:
        name = part.value if part is not None else None
        used = [part] if part is not None else []
        if what == "colour":
            if name in _NOT_COLOURED:
                return
            target = name or (self.last_part if previous is None else None) or "upper"
            self._add("shade", target, way, token, *used)
        elif what == "toe" and name in (None, "toe"):
            self._add("more", "toe_shape", way, token, *used)
        elif name in _SOLES and what in ("height", "thickness", "bulk"):
            self._add("more", "thickness", way, token, *used)
        elif name is not None and name not in ("upper", "all"):
            return  # thicker laces, a higher tongue: nothing the sketch can draw
        elif what == "bulk" and way == "more":
            self._add("set", "silhouette", "chunky", token, *used)
        else:
            self._add("more", what, way, token, *used)

    def _beside(self, clause: list[Token], at: int) -> Token | None:
        """The part a comparative or value is about: right after it, else the free one before."""
        following = _next(clause, at)
        if following is not None and following.kind == "part" and not following.used:
            after = _next(clause, clause.index(following))
            if (
                after is None
                or after.kind not in ("colour", "relation")
                or not self._free(clause, at)
            ):
                return following
        return self._free(clause, at)

    def _free(self, clause: list[Token], at: int) -> Token | None:
        """The nearest part before a token that nothing was said of yet."""
        for token in reversed(clause[:at]):
            if token.kind == "part":
                return None if token.used else token
            if token.kind in ("break",):
                return None
        return self.carried[-1] if self.carried and not self.carried[-1].used else None

    def _amounts(self, clause: list[Token]) -> None:
        for at, token in enumerate(clause):
            if token.kind != "relation" or token.used or not token.value.startswith("amount:"):
                continue
            token.used = True
            more = token.value.endswith("more")
            following = _next(clause, at)
            if following is None:
                token.used = more is False and False
                continue
            beyond = _next(clause, clause.index(following))
            alone = not (beyond is not None and beyond.kind == "part" and not beyond.used)
            if following.kind == "colour" and alone and not self._free(clause, at):
                if more:
                    self._add("colour", "accent", following.value, following)
                else:
                    self._add("without", following.value, "", following)
            elif following.kind == "silhouette" and not more and following.value in _OPPOSITE:
                self._put(_OPPOSITE[following.value], following)
            elif not more and following.kind in ("part", "style", "pattern"):
                token.used = False
                following.kind = "unknown"

    def _values(self, clause: list[Token]) -> None:
        for at, token in enumerate(clause):
            if token.used or token.kind not in _SUITS:
                continue
            part = self._beside(clause, at)
            following = _next(clause, at)
            nearby = [t for t in (following, part) if t is not None and t.kind == "part"]
            sole = next((t for t in clause if t.kind == "part" and t.value in _SOLES), None)
            if token.kind == "silhouette" and sole is not None and self._about(clause, token, sole):
                change = {
                    "high": Change("more", "thickness", "more"),
                    "low": Change("more", "thickness", "less"),
                    "chunky": Change("set", "sole_style", "chunky"),
                }.get(token.value)
                if change is not None:
                    self._put(change, token, sole)
                    continue
            if token.kind == "lace_style" and token.value == "flat" and sole in nearby:
                self._add("set", "sole_style", "vulcanised", token, *([sole] if sole else []))
                continue
            if part is not None and part.value not in _SUITS[token.kind]:
                if self._about(clause, token, part) and token.kind not in (
                    "model",
                    "silhouette",
                    "style",
                ):
                    continue  # checkered laces, a suede toe: left to be said as not understood
                part = None
            target = _TARGET.get(token.kind, token.kind)
            self._add("set", target, token.value, token, *([part] if part else []))

    def _about(self, clause: list[Token], token: Token, part: Token) -> bool:
        """Whether only colours and quiet words stand between a value and a part."""
        low, high = sorted((clause.index(token), clause.index(part)) if part in clause else (0, 0))
        between = clause[low + 1 : high]
        return part in clause and all(t.kind in ("filler", "colour", "modifier") for t in between)

    # ---- colours

    def _coloured(self, clause: list[Token]) -> None:
        free = 0
        for group in _colour_groups(clause):
            first, last = group[0], group[-1]
            _use(_modifiers(clause, first))
            parts = self._owners(clause, first, last)
            if parts:
                for part in parts:
                    self._paint(part.value, group)
                    part.used = True
                    self.last_part = part.value
                _use(group[:2] if parts[0].value == "sole" else group[:1])
                continue
            target = self._inherited(clause)
            names = ("upper", "accent", "logo") if target == "upper" else (target,)
            for token, name in zip(group, names[free:], strict=False):
                self._add("colour", name, token.value, token)
            free += len(group)

    def _paint(self, part: str, group: Sequence[Token]) -> None:
        if part == "sole" and len(group) > 1:
            self._add("colour", "midsole", group[0].value)
            self._add("colour", "outsole", group[1].value)
        else:
            self._add("colour", part, group[0].value)

    def _inherited(self, clause: list[Token]) -> str:
        """Of a clause that is a colour and nothing else: what the clause before was about."""
        lonely = all(t.kind in ("colour", "modifier") or t.quiet or t.used for t in clause)
        coloured = {c.target for c in self.changes if c.kind in ("colour", "match")}
        if lonely and self.last_part and self.last_part not in coloured:
            return self.last_part
        return "upper"

    def _owners(self, clause: list[Token], first: Token, last: Token) -> list[Token]:
        start, end = clause.index(first), clause.index(last)
        before = self._run_before(clause, start)
        after = _next(clause, end, over=("filler",))
        if after is not None and (
            after.kind != "part" or after.used or after.value in _NOT_COLOURED
        ):
            after = None
        if after is not None and after.value == "all":
            return [after]
        if before and after is not None:
            beyond = _next(clause, clause.index(after))
            if beyond is None or beyond.kind not in ("colour", "relation"):
                return self._run_after(clause, after)
            return before
        if before:
            return [*self._waiting(), *before] if clause.index(before[0]) <= 1 else before
        if after is not None:
            return self._run_after(clause, after)
        settled = self._settled_before(clause, start)
        if settled is not None:
            return [settled]
        if self.carried and not any(t.kind == "part" for t in clause[:start]):
            return self._waiting()
        return []

    def _waiting(self) -> list[Token]:
        return [t for t in self.carried if not t.used and t.value not in _NOT_COLOURED]

    def _settled_before(self, clause: list[Token], start: int) -> Token | None:
        """The part before a colour of which something else was said: "a thicker sole in white"."""
        for token in reversed(clause[:start]):
            if token.kind == "part":
                coloured = any(c.kind == "colour" and c.target == token.value for c in self.changes)
                fit = not token.gone and not coloured and token.value not in _NOT_COLOURED
                return token if fit else None
            if token.kind == "colour" or not (token.quiet or token.used):
                return None
        return None

    def _run_before(self, clause: list[Token], start: int) -> list[Token]:
        """The free parts just before a colour, with those joined to them: «язычок и подкладку»."""
        run: list[Token] = []
        for token in reversed(clause[:start]):
            if token.kind == "part" and not token.used and token.value not in _NOT_COLOURED:
                run.append(token)
            elif token.kind == "part" or not (
                token.quiet or token.kind in ("relation", "modifier")
            ):
                if not token.used:
                    break
                if token.kind in ("part", "colour"):
                    break
        return run[::-1]

    def _run_after(self, clause: list[Token], part: Token) -> list[Token]:
        """A part after its colour, with those joined to it that get no colour of their own."""
        run, at = [part], clause.index(part)
        while at + 2 < len(clause) and clause[at + 1].value == "and":
            follower = _next(clause, at + 1)
            if follower is None or follower.kind != "part" or follower.used:
                break
            at = clause.index(follower)
            after = _next(clause, at)
            if after is not None and after.kind in ("colour", "relation", "material"):
                break
            run.append(follower)
        return run

    def _added(self, clause: list[Token]) -> None:
        """«добавь логотип», "with laces": the part itself is wished for."""
        for at, token in enumerate(clause):
            if token.kind != "part" or token.used:
                continue
            before = next((t for t in reversed(clause[:at]) if t.kind not in ("filler",)), None)
            wished = any(
                t.kind == "relation" and t.value == "amount:more" for t in clause[:at]
            ) or (before is not None and before.kind == "glue" and before.value == "with")
            if not wished:
                continue
            if token.value == "logo" and not _has_unknown_beside(clause, at):
                self._add("set", "logo", "any", token)
            elif token.value == "laces" and not _has_unknown_beside(clause, at):
                self._add("set", "laces", "flat", token)

    # ---- what is left

    def _unknown(self, found: list[Token]) -> tuple[str, ...]:
        pieces: list[list[Token]] = []
        open_ = False
        named = {change.target for change in self.changes}
        for token in found:
            if token.kind == "part" and token.value in named:
                token.used = True  # said twice: «внутри ... подкладка»
            left = not token.used and token.kind not in ("filler", "glue", "break", "command")
            left = left and not (token.kind == "relation" and token.value == "amount:more")
            if left and open_:
                pieces[-1].append(token)
            elif left:
                pieces.append([token])
                open_ = True
            elif token.kind == "break" or token.used or token.value == "and":
                open_ = False
        return tuple(self.text[piece[0].start : piece[-1].end].strip() for piece in pieces)


# ---- helpers over tokens


def _clauses(found: list[Token]) -> Iterator[list[Token]]:
    clause: list[Token] = []
    for token in found:
        if token.kind == "break" or (token.kind == "glue" and token.value == "but"):
            if clause:
                yield clause
            clause = []
        else:
            clause.append(token)
    if clause:
        yield clause


def _index(clause: Sequence[Token], test: object, start: int = 0) -> int | None:
    assert callable(test)
    return next((at for at in range(start, len(clause)) if test(clause[at])), None)


def _has(clause: Sequence[Token], kind: str) -> bool:
    return any(token.kind == kind for token in clause)


def _has_value(clause: Sequence[Token], value: str) -> bool:
    return any(token.value == value for token in clause)


def _use(*groups: Sequence[Token]) -> None:
    for group in groups:
        for token in group:
            token.used = True


def _next(
    clause: Sequence[Token], at: int, over: tuple[str, ...] = ("filler", "glue")
) -> Token | None:
    """The next token that means something; ``over`` are the kinds that are stepped over, of glue
    only what is quiet."""
    for token in clause[at + 1 :]:
        if token.kind == "filler" and "filler" in over:
            continue
        if token.kind == "glue" and "glue" in over and token.value == "with":
            continue
        return token
    return None


def _previous(clause: Sequence[Token], at: int) -> Token | None:
    return next((t for t in reversed(clause[:at]) if not t.quiet), None)


def _modifiers(clause: Sequence[Token], first: Token) -> list[Token]:
    at = clause.index(first)
    return [t for t in clause[max(0, at - 1) : at] if t.kind == "modifier"]


def _colour_groups(clause: Sequence[Token]) -> Iterator[list[Token]]:
    """Colours side by side, joined by nothing or by «и»: «белые и красные», "black/white"."""
    group: list[Token] = []
    gap = False
    for at, token in enumerate(clause):
        if token.kind == "colour" and not token.used:
            if group and not gap and _one_colour_follows(clause, at, group):
                yield group
                group = []
            group.append(token)
            gap = False
        elif group and token.kind == "glue" and token.value == "and":
            gap = True
        elif group and token.kind == "modifier":
            continue
        elif group:
            yield group
            group, gap = [], False
    if group:
        yield group


def _one_colour_follows(clause: Sequence[Token], at: int, group: Sequence[Token]) -> bool:
    """Whether a colour right after another is about something else: its words are other words."""
    return clause[at].start != group[-1].start and clause[at - 1] is not group[-1]


def _has_unknown_beside(clause: Sequence[Token], at: int) -> bool:
    near = clause[max(0, at - 1) : at + 2]
    return any(t.kind == "unknown" for t in near)
