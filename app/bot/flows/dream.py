"""The dream sneaker: /dream, words and buttons that change it, "this is it", real ones."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from html import escape
from typing import Any, ClassVar, Final, TypeAlias

from telegram import Bot, InputFile, Message, Update
from telegram.error import BadRequest
from telegram.ext import (
    ApplicationHandlerStop,
    CommandHandler,
    ContextTypes,
    MessageHandler,
    filters,
)

from app.bot import dream_views as views
from app.bot.callbacks import Action
from app.bot.delivery import Delivery, looking
from app.bot.desk import BotApplication, Desk
from app.bot.dream_painter import Painter, fault_code
from app.bot.flow import Flow, Key, Press, PressHandler, ResultAction, Shown, Toast, ToastHandler
from app.bot.flows.addressed import is_private
from app.bot.sources import Source, download, source
from app.bot.spot import Spot, say
from app.bot.trouble import explain
from app.bot.views import Asked
from app.dream.changes import Change
from app.dream.dream import Dream, Found
from app.dream.dreamer import Heard, reading_of
from app.dream.generators.base import Watch
from app.dream.phrases import report
from app.dream.sessions import DreamGone, Step
from app.errors import BadInput, DatabaseUnavailable
from app.i18n import Catalogue, Html

FIRST: Final = -1
"""The handler group of a dream's words: before the search, which takes whatever is left."""
_REMEMBERED: Final = 2048
Said: TypeAlias = str | Callable[[str], str]
"""What a new picture is shown with; where it depends on who drew it, of the generator's name."""


class Dreaming(Flow):
    """One dream a user at a time; its steps are rows, its pictures are made in the background."""

    commands: ClassVar[Sequence[str]] = ("dream",)

    def __init__(self, desk: Desk, delivery: Delivery, dream: Dream) -> None:
        self._desk = desk
        self._delivery = delivery
        self._dream = dream
        self.painter = Painter()
        # What failed last, so that "again" and "by sketch" mean it; lost with the process, and then
        # the step itself is drawn.
        self._failed: OrderedDict[str, tuple[int, Callable[[str, Watch], Step], Said]] = (
            OrderedDict()
        )

    def add_to(self, application: BotApplication) -> None:
        """Registers the command, and a look at every message before the other flows."""
        new = filters.UpdateType.MESSAGE
        application.add_handler(CommandHandler("dream", self.command, new))
        with_caption = new & filters.CaptionRegex(r"^/dream\b")
        application.add_handler(MessageHandler(with_caption, self.photo), FIRST)
        said = new & filters.TEXT & ~filters.COMMAND
        application.add_handler(MessageHandler(said, self.said), FIRST)

    def presses(self) -> Mapping[type[Action], PressHandler]:
        """Buttons answered by a message."""
        return {
            views.DreamSet: self.choose,
            views.DreamDo: self.do,
            views.DreamGo: self.go,
            views.DreamDraw: self.draw_with,
            views.DreamFrom: self.from_result,
        }

    def toasts(self) -> Mapping[type[Action], ToastHandler]:
        """Buttons that only change what is shown."""
        return {views.DreamTopic: self.topic, views.DreamCancel: self.cancel}

    def result_actions(self) -> Sequence[ResultAction]:
        """ "Dream from this" under a result."""
        return (_from_result,)

    # ---- beginning

    async def command(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        """/dream: from the photo it answers, else random."""
        message, user = update.message, update.effective_user
        if message is None or user is None:
            return
        words = await self._desk.languages.of(user)
        spot = Spot.beside(message)
        answered = message.reply_to_message
        picture = source(answered) if answered is not None else None
        if picture is not None:
            await self._from_photo(context.bot, spot, words, f"tg:{user.id}", picture)
        else:
            await self._random(context.bot, spot, words, f"tg:{user.id}")

    async def photo(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        """A photo with /dream below it."""
        message, user = update.message, update.effective_user
        picture = source(message) if message is not None else None
        if message is None or user is None or picture is None:
            return
        words = await self._desk.languages.of(user)
        spot = Spot.beside(message)
        with_it = self._from_photo(context.bot, spot, words, f"tg:{user.id}", picture)
        await _alone(with_it, update, context)

    async def from_result(self, press: Press, action: views.DreamFrom) -> None:
        """ "Dream from this" under a result."""
        async with looking(press.bot, press.spot):
            data = await self._desk.quickly(lambda: self._dream.picture_of(action.image_id))
        await self._start(
            press.bot, press.spot, press.words, press.user_key, data, "dream.from_result"
        )

    async def _from_photo(
        self, bot: Bot, spot: Spot, words: Catalogue, user_key: str, picture: Source
    ) -> None:
        async with looking(bot, spot), self._desk.downloads:
            (data,) = await download(bot, [picture])
        await self._start(bot, spot, words, user_key, data, "dream.from_photo")

    async def _start(
        self, bot: Bot, spot: Spot, words: Catalogue, user_key: str, data: bytes, key: str
    ) -> None:
        seen = await self._desk.prepare(lambda: self._dream.look(data))
        if seen is None:
            await self._random(bot, spot, words, user_key, words.text("dream.photo_no_shoe"))
            return
        if not seen.sure and key == "dream.from_photo":
            key = "dream.from_photo_unsure"
        said = words.text(key, what=", ".join(seen.says(words)))
        await self._make(
            bot, spot, words, user_key, None,
            lambda name, watch: self._dream.dreamer.begin(
                user_key, design=seen.design, generator=name, watch=watch
            ),
            said,
        )  # fmt: skip

    async def _random(
        self, bot: Bot, spot: Spot, words: Catalogue, user_key: str, said: str = ""
    ) -> None:
        begun = words.text("dream.begun")
        await self._make(
            bot, spot, words, user_key, None,
            lambda name, watch: self._dream.dreamer.begin(user_key, generator=name, watch=watch),
            f"{said}\n{begun}".strip(),
        )  # fmt: skip

    # ---- changing

    async def said(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        """Words: a change, where a dream is open; else they are another flow's."""
        message, user = update.message, update.effective_user
        if message is None or user is None or not message.text:
            return
        answers_bot = _answers(message, context.bot)
        if not is_private(message) and not answers_bot:
            return
        user_key = f"tg:{user.id}"
        try:
            step = await self._desk.quickly(
                lambda: self._dream.dreamer.dreams.current(user_key, listening=not answers_bot)
            )
        except DatabaseUnavailable:
            return  # the next flow will meet it too, and say so once
        if step is None or (answers_bot and not _is_dream(message.reply_to_message)):
            return
        words = await self._desk.languages.of(user)
        spot = Spot.answering(message)
        with_it = self._hear(context.bot, spot, words, user_key, step, message.text)
        await _alone(with_it, update, context)

    async def _hear(
        self, bot: Bot, spot: Spot, words: Catalogue, user_key: str, step: Step, text: str
    ) -> None:
        try:
            heard = self._dream.dreamer.hear(step, text)
        except BadInput:
            await say(bot, spot, words.html("dream.too_long"))
            return
        commands = heard.reading.commands
        if heard.changes_anything or not commands:
            await self._change(
                bot, spot, words, user_key, step, heard, text, then_find="done" in commands
            )
        elif "done" in commands:
            await self._find(bot, spot, words, user_key, step)
        elif "undo" in commands:
            await self._undo(bot, spot, words, user_key, step)
        else:
            await self._surprise(bot, spot, words, user_key, step)

    async def _change(
        self, bot: Bot, spot: Spot, words: Catalogue, user_key: str, step: Step, heard: Heard,
        asked: str, *, then_find: bool = False,
    ) -> None:  # fmt: skip
        if not heard.changes_anything:
            lines = [
                report(heard, words) or words.text("dream.nothing_heard"),
                words.text("dream.nothing"),
            ]
            keyboard = views.step_keyboard(words, step, self._dream.dreamer)
            await say(bot, spot, Html("\n".join(map(escape, lines))), keyboard)
            return
        await self._make(
            bot, spot, words, user_key, step,
            lambda name, watch: self._dream.dreamer.change(
                step, heard, asked, generator=name, watch=watch
            ),
            lambda name: report(heard.drawn_by(self._dream.dreamer.takes_words(name)), words),
            then_find=then_find,
        )  # fmt: skip

    async def _surprise(
        self, bot: Bot, spot: Spot, words: Catalogue, user_key: str, step: Step
    ) -> None:
        await self._make(
            bot, spot, words, user_key, step,
            lambda name, watch: self._dream.dreamer.surprise(step, generator=name, watch=watch),
            words.text("dream.surprised"),
        )  # fmt: skip

    async def _undo(
        self, bot: Bot, spot: Spot, words: Catalogue, user_key: str, step: Step
    ) -> None:
        back = await self._desk.quickly(lambda: self._dream.dreamer.undo(user_key, step))
        if back is None:
            await say(bot, spot, words.html("dream.first"))
            return
        await self._show(bot, spot, words, back, words.text("dream.undone", number=back.number))

    # ---- buttons

    async def choose(self, press: Press, action: views.DreamSet) -> None:
        """A value from a topic."""
        step = await self._step(press, action.session, action.step)
        if step is None:
            return
        change = Change(action.kind, action.target, action.value)
        heard = self._dream.dreamer.weigh(step, reading_of(change))
        asked = report(heard, press.words).partition(": ")[2].rstrip(".") or str(change)
        await self._change(press.bot, press.spot, press.words, press.user_key, step, heard, asked)

    async def do(self, press: Press, action: views.DreamDo) -> None:
        """Surprise, undo, done, finish, the trail, the first buttons again."""
        bot, spot, words, user_key = press.bot, press.spot, press.words, press.user_key
        if action.deed == "close":
            self.painter.stop(user_key)
            await self._desk.quickly(lambda: self._dream.dreamer.dreams.close(user_key))
            await say(bot, spot, words.html("dream.closed"))
            return
        if action.deed == "new":
            await self._random(bot, spot, words, user_key)
            return
        step = await self._step(press, action.session, action.step)
        if step is None:
            return
        match action.deed:
            case "surprise":
                await self._surprise(bot, spot, words, user_key, step)
            case "undo":
                await self._undo(bot, spot, words, user_key, step)
            case "done":
                await self._find(bot, spot, words, user_key, step)
            case "again":
                await self.go(press, views.DreamGo(step.session_id, step.number))
            case "steps":
                trail = await self._desk.quickly(lambda: self._dream.dreamer.dreams.trail(step))
                keyboard = views.steps_keyboard(words, step, trail)
                await say(bot, spot, words.html("dream.steps"), keyboard)
            case "menu":
                await _edit_keyboard(press, views.step_keyboard(words, step, self._dream.dreamer))

    async def topic(self, press: Press, action: views.DreamTopic) -> Toast | None:
        """The choices of a topic in place of the buttons."""
        keyboard = views.topic_keyboard(press.words, action.session, action.step, action.topic)
        await _edit_keyboard(press, keyboard)
        return None

    async def cancel(self, press: Press, action: views.DreamCancel) -> Toast | None:
        """Stops the picture in the making."""
        stopped = self.painter.stop(press.user_key, action.job)
        return Toast(press.words.text("dream.cancelled")) if stopped else None

    async def go(self, press: Press, action: views.DreamGo) -> None:
        """Back to any step."""
        try:
            step = await self._desk.quickly(
                lambda: self._dream.dreamer.dreams.go(press.user_key, action.session, action.step)
            )
        except DreamGone:
            await say(press.bot, press.spot, press.words.html("dream.gone"))
            return
        said = press.words.text("dream.undone", number=step.number)
        await self._show(press.bot, press.spot, press.words, step, said)

    async def draw_with(self, press: Press, action: views.DreamDraw) -> None:
        """What failed, or the step, by the generator of the button."""
        bot, spot, words, user_key = press.bot, press.spot, press.words, press.user_key
        name = action.generator if action.generator in self._dream.dreamer.names else "sketch"
        failed = self._failed.get(user_key)
        if failed is not None and failed[0] == action.session * 1000 + action.step:
            step = (
                None if not action.session else await self._step(press, action.session, action.step)
            )
            await self._make(bot, spot, words, user_key, step, failed[1], failed[2], name=name)
            return
        if not action.session:
            begin = self._dream.dreamer.begin
            await self._make(
                bot, spot, words, user_key, None,
                lambda other, watch: begin(user_key, generator=other, watch=watch),
                words.text("dream.begun"), name=name,
            )  # fmt: skip
            return
        step = await self._step(press, action.session, action.step)
        if step is not None:
            await self._make(
                bot, spot, words, user_key, step,
                lambda other, watch: self._dream.dreamer.redraw(step, other, watch),
                "", name=name,
            )  # fmt: skip

    async def _step(self, press: Press, session: int, number: int) -> Step | None:
        """The step behind a button, made the current one; says so where it is gone."""
        try:
            return await self._desk.quickly(
                lambda: self._dream.dreamer.dreams.go(press.user_key, session, number)
            )
        except DreamGone:
            await say(press.bot, press.spot, press.words.html("dream.gone"))
            return None

    # ---- pictures

    async def _make(
        self,
        bot: Bot,
        spot: Spot,
        words: Catalogue,
        user_key: str,
        step: Step | None,
        draw: Callable[[str, Watch], Step],
        said: Said,
        *,
        name: str | None = None,
        then_find: bool = False,
    ) -> None:
        """Draws, shows the new step; a fault leaves the dream as it was and offers the ways on."""
        if self.painter.at_work(user_key):
            await say(bot, spot, words.html("dream.busy"))
            return
        maker = name or self._dream.dreamer.maker_of(step)

        async def then(made: Step) -> None:
            self._failed.pop(user_key, None)
            told = said if isinstance(said, str) else said(made.generator)
            await self._show(bot, spot, words, made, told)
            if then_find:
                await self._find(bot, spot, words, user_key, made)

        async def failed(error: Exception) -> None:
            await self._tell(bot, spot, words, user_key, step, draw, said, maker, error)

        await self.painter.paint(
            bot, spot, words, user_key, lambda watch: draw(maker, watch), then, failed
        )

    async def _tell(
        self, bot: Bot, spot: Spot, words: Catalogue, user_key: str, step: Step | None,
        draw: Callable[[str, Watch], Step], said: Said, maker: str, error: Exception,
    ) -> None:  # fmt: skip
        code = fault_code(error)
        if code is None:
            text = explain(words, error)
            if text is None and not isinstance(error, DreamGone):
                raise error
            await say(bot, spot, text or words.html("dream.gone"))
            return
        if code == "cancelled":
            await say(bot, spot, words.html("dream.cancelled"))
            return
        session, number = (step.session_id, step.number) if step is not None else (0, 0)
        self._failed[user_key] = (session * 1000 + number, draw, said)
        if len(self._failed) > _REMEMBERED:
            self._failed.popitem(last=False)
        text = Html(f"{words.html(f'dream.fault.{code}')}\n{words.html('dream.fault.kept')}")
        await say(bot, spot, text, views.fault_keyboard(words, session, number, maker))

    async def _show(self, bot: Bot, spot: Spot, words: Catalogue, step: Step, said: str) -> None:
        await bot.send_photo(
            spot.chat_id,
            InputFile(step.picture, filename="dream.png"),
            caption=views.caption(words, step, said),
            reply_markup=views.step_keyboard(words, step, self._dream.dreamer),
            message_thread_id=spot.thread_id,
            reply_parameters=spot.reply,
        )

    # ---- the real ones

    async def _find(
        self, bot: Bot, spot: Spot, words: Catalogue, user_key: str, step: Step
    ) -> None:
        async with looking(bot, spot):
            found: Found = await self._desk.prepare(
                lambda: self._dream.find(step, page_size=self._desk.page_size, user_key=user_key)
            )
        if not found.result.hits:
            await say(bot, spot, words.html("dream.empty"))
            return
        lines = [*found.says(words), words.html("dream.refine")]
        # From here words refine the search, until a button leads back.
        await self._desk.quickly(lambda: self._dream.dreamer.dreams.close(user_key))
        back = views.again_keyboard(words, step)
        await say(bot, spot, Html("\n".join(lines)), back)
        await self._delivery.show(bot, spot, words, found.result, Asked())

    async def close(self) -> None:
        """Ends what is being drawn."""
        await self.painter.close()
        await asyncio.to_thread(self._dream.dreamer.close)


async def _alone(
    answer: Awaitable[None], update: Update, context: ContextTypes.DEFAULT_TYPE
) -> None:
    """Answers a message that is no other flow's, also where that fails."""
    try:
        await answer
    except Exception as error:  # noqa: BLE001 - the error handler's, as of any handler
        await context.application.process_error(update, error)
    raise ApplicationHandlerStop


def _from_result(words: Catalogue, shown: Shown) -> Key | None:
    return words.text("dream.button.from_result"), views.DreamFrom(shown.hit.image_id)


def _answers(message: Message, bot: Bot) -> bool:
    answered = message.reply_to_message
    return (
        answered is not None
        and answered.from_user is not None
        and (answered.from_user.id == bot.id)
    )


def _is_dream(message: Message | None) -> bool:
    """Whether a message of the bot is a dream's picture: its buttons say so."""
    if message is None or message.reply_markup is None:
        return False
    keys: list[Any] = [key for row in message.reply_markup.inline_keyboard for key in row]
    return any(str(key.callback_data or "").startswith("1d") for key in keys)


async def _edit_keyboard(press: Press, keyboard: Any) -> None:
    if press.message is None:
        return
    try:
        await press.message.edit_reply_markup(keyboard)
    except BadRequest as error:
        if "not modified" not in error.message.casefold():
            raise
