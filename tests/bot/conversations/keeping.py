"""What scenarios about kept things do beside the conversation: prices change, runs end."""

from __future__ import annotations

import asyncio
from typing import Any

from app.bot.callbacks import encode
from app.bot.flows.saved import Save
from tests.bot.conversations.talk import Person, Talk

_PATIENCE_S = 20.0


async def image_of(talk: Talk, key: str) -> int:
    """The picture in which Alpha shows a product of the market."""
    source = f"https://alpha.example/pictures/{key}.jpg"
    rows = await talk.sql("SELECT image_id FROM image_source WHERE source = %s", source)
    return int(rows[0][0])


async def save(talk: Talk, me: Person, *keys: str) -> None:
    """Presses Save under results that show these products."""
    for key in keys:
        await me.press_data(encode(Save(await image_of(talk, key))))


async def always(talk: Talk) -> None:
    """Nobody has quiet hours: scenarios do not depend on the clock."""
    await talk.sql("INSERT INTO bot_contact (user_id) SELECT user_id FROM bot_user"
                   " ON CONFLICT DO NOTHING")  # fmt: skip
    await talk.sql("UPDATE bot_contact SET quiet = false")


async def price(talk: Talk, key: str, roubles: int) -> None:
    """Alpha's price of a product changes."""
    talk.note(f"Alpha sells {key} for {roubles} roubles now")
    await talk.sql(
        "UPDATE offer SET price = %s FROM shop WHERE shop.id = offer.shop_id"
        " AND shop.name = 'Alpha' AND offer.product_id IN (SELECT o.product_id FROM offer AS o"
        " JOIN offer_image AS oi ON oi.offer_id = o.id WHERE oi.image_id = %s)",
        roubles,
        await image_of(talk, key),
    )


async def run_ends(talk: Talk) -> None:
    """A run of a shop ends; waits until all that is due to be told was told."""
    talk.note("a run ends")
    courier = talk.courier
    before = courier.rounds
    await talk.sql("SELECT pg_notify('solemate_run_finished', '1')")
    async with asyncio.timeout(_PATIENCE_S):
        while courier.rounds == before:
            await asyncio.sleep(0.02)
    await talk.settle()


async def outbox(talk: Talk) -> list[tuple[Any, ...]]:
    """States of all letters."""
    return await talk.sql("SELECT state, payload ->> 'kind' FROM bot_outbox ORDER BY id")
