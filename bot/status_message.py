"""Edits one status message: through its interaction's token while that lives, with the bot's own token afterwards.

Declines to know what is said and how often.
"""

from __future__ import annotations

import datetime
import io
import logging
from collections.abc import Sequence
from typing import Any, cast

import discord

from bot.interactions.custom_id import Verb, custom_id
from bot.language import _
from bot.ledger.job import Job, Status

_log = logging.getLogger(__name__)

_TOKEN_MARGIN = datetime.timedelta(seconds=5)
_TOKEN_DEAD = frozenset({50027, 10015, 10062})
"""Invalid webhook token, unknown webhook, unknown interaction."""
_GONE = frozenset({10003, 10008, 50001, 50013, 50083, 30046})
"""Channel or message deleted, access or permission lost, thread archived, too many edits of an old message."""
_ORIGINAL = cast(int, "@original")
_PREVIEW = "preview.webp"
_LOOK_BACK = 200
"""Messages read after a job's acceptance; a status message is among the first of them."""


class StatusGone(Exception):
    """The message cannot be edited any more, now or later."""


class StatusMessages:
    """Writes to status messages on behalf of narration."""

    def __init__(self, client: discord.Client) -> None:
        self._client = client

    async def edit(self, status: Status, content: str, *, final: bool, pictures: Sequence[bytes] | None = None) -> None:
        """Show `content`; a `final` text takes the buttons off. `pictures` are WebP files in place of those shown so
        far, None leaves them.

        Raises StatusGone, or discord's errors to try again.
        """
        changes: dict[str, Any] = {"content": content}
        if final:
            changes["view"] = None
        try:
            # Files are read as they are sent, so each request gets its own.
            if not await self._by_token(status, changes | _attached(pictures)):
                if status.answer is not None:
                    raise StatusGone("50027")
                await self._by_channel(status, changes | _attached(pictures))
        except discord.HTTPException as error:
            if error.code in _GONE:
                raise StatusGone(str(error.code)) from error
            raise

    async def find(self, job: Job) -> Status | None:
        """Look for the message that carries the job's Cancel button. Raises discord's errors."""
        button = custom_id(Verb.CANCEL, job.id)
        channel = self._client.get_partial_messageable(job.channel_id, guild_id=job.guild_id)
        async for message in channel.history(limit=_LOOK_BACK, after=job.created_at, oldest_first=True):
            if message.author == self._client.user and button in _buttons(message):
                return Status(channel_id=job.channel_id, message_id=message.id)
        return None

    async def _by_token(self, status: Status, changes: dict[str, Any]) -> bool:
        """Return False where the token is gone."""
        token, expires_at = status.interaction_token, status.token_expires_at
        if token is None or expires_at is None or status.application_id is None:
            return False
        if discord.utils.utcnow() > expires_at - _TOKEN_MARGIN:
            return False
        webhook = discord.Webhook.partial(status.application_id, token, client=self._client)
        try:
            await webhook.edit_message(_ORIGINAL, **changes)
        except discord.HTTPException as error:
            if error.code not in _TOKEN_DEAD:
                raise
            _log.info("The interaction token of status message %d is gone (%d).", status.message_id, error.code)
            return False
        return True

    async def _by_channel(self, status: Status, changes: dict[str, Any]) -> None:
        message = self._client.get_partial_messageable(status.channel_id).get_partial_message(status.message_id)
        await message.edit(**changes)


def _attached(pictures: Sequence[bytes] | None) -> dict[str, Any]:
    if pictures is None:
        return {}
    shows = _("What the picture is becoming")
    return {"attachments": [discord.File(io.BytesIO(data), _PREVIEW, description=shows) for data in pictures]}


def _buttons(message: discord.Message) -> set[str | None]:
    rows = (row for row in message.components if isinstance(row, discord.ActionRow))
    return {child.custom_id for row in rows for child in row.children}
