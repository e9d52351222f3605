"""What is said to replies that cannot be taken: without ping, once per member; to other people's pictures, each time.

Without the message-content intent the first kind arrives without its words, and the second without the picture.
"""

from __future__ import annotations

import contextlib

import discord

from bot.language import N_, _
from bot.ledger.ledger import Ledger

SHOWN_S = 60.0
_MOST = 10_000
"""Members remembered, so that the ledger is not asked about each of their replies."""
_NO_PING = N_(
    "If this was meant for me: I can read a reply only while its ping is on (@ ON, above the message box). "
    "I say this once; Edit under the picture works too."
)
_FOREIGN = N_(
    "Discord shows me other people's pictures only through their menu: open it on the picture, choose Apps, then Edit."
)


class ReplyHints:
    """Remembers who has been told."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._told: dict[int, None] = {}

    async def unpinged(self, message: discord.Message) -> None:
        """Tell the owner of one of our pictures, once, that a reply to it was not read."""
        author_id = message.author.id
        if author_id in self._told or message.reference is None or message.reference.message_id is None:
            return
        job = await self._ledger.by_result_message(message.reference.message_id)
        if job is None or job.user_id != author_id or author_id in self._told:
            return
        shelf = self._ledger.shelf
        preferred = await shelf.preferences(author_id)
        self._told[author_id] = None
        if len(self._told) > _MOST:
            del self._told[next(iter(self._told))]
        if not preferred.knows_of_ping:
            await shelf.set_preferences(author_id, preferred.model_copy(update={"knows_of_ping": True}))
            await _say(message, _(_NO_PING))

    async def foreign(self, message: discord.Message) -> None:
        """Tell whoever calls us to somebody else's picture how to get it edited."""
        await _say(message, _(_FOREIGN))


async def _say(message: discord.Message, text: str) -> None:
    with contextlib.suppress(discord.DiscordException):
        await message.reply(text, silent=True, delete_after=SHOWN_S, nonce=f"h{message.id}")
