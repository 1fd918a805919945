"""/settings, /language, /start, /help."""

from __future__ import annotations

from tests.bot.conversations.talk import Person, Talk, scenario


@scenario("ru", "en")
async def test_start_and_help(talk: Talk, me: Person) -> None:
    """What newcomers read; a command nobody knows."""
    await me.say("/start")
    await me.say("/help")
    await me.say("/sell 5")


@scenario("ru", "en")
async def test_a_language_is_chosen(talk: Talk, me: Person) -> None:
    """By its command; the next answer speaks it, after a restart as well."""
    await me.say("/language")
    await me.press("English" if me.language == "ru" else "Русский")
    await talk.restart()
    await me.photo("cat")


@scenario("ru", "en")
async def test_a_currency_is_chosen(talk: Talk, me: Person) -> None:
    """Prices come in it, with the day of the rates; then as shops state them again."""
    await me.say("/settings")
    await me.press("settings.currency")
    await me.press("currency.EUR")
    await me.photo("am90-white")
    await me.say("/settings")
    await me.press("settings.currency")
    await me.press("settings.own_currency")
    await me.photo("vans-blue")


@scenario("ru", "en")
async def test_a_size_is_chosen(talk: Talk, me: Person) -> None:
    """The system first, then the size; every question keeps to it until it is taken off."""
    await me.say("/settings")
    await me.press("settings.system")
    await me.press("EU")
    await me.press("37")
    await me.photo("am90-white")
    await me.press("button.filters")
    await me.press("✕")
    await me.photo("am90-white")


@scenario("ru")
async def test_shops_are_chosen(talk: Talk, me: Person) -> None:
    """Several, one of them taken back."""
    await me.say("/settings")
    await me.press("settings.shops")
    await me.press("Beta")
    await me.press("Gamma")
    await me.press("✓ Gamma")
    await me.press("settings.back")
    await me.photo("dunk-grey")


@scenario("en")
async def test_settings_speak_another_language(talk: Talk, me: Person) -> None:
    """The page itself changes."""
    await me.say("/settings")
    await me.press("settings.language")
    await me.press("Русский")


@scenario("ru", "en")
async def test_settings_outlive_a_restart(talk: Talk, me: Person) -> None:
    """They are in the database."""
    await me.say("/settings")
    await me.press("settings.currency")
    await me.press("currency.USD")
    await talk.restart()
    await me.say("/settings")
