"""Asks before many pictures are drawn at once: how many, how long, what is left for today; and a button to begin.

The one question that dies with the process: it stands for two minutes, and what it asks about is not accepted yet.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Protocol

import discord
from discord import ui

from bot import answers
from bot.gate import demand_of
from bot.interactions.dialogue import DialogueButton
from bot.language import _
from bot.policy import Applicant
from bot.presenter import duration, plain
from bot.refusal import Refusal
from flux2.request import GenerationRequest
from worker.contract import Request

if TYPE_CHECKING:
    from bot.client import Flux2Bot

_LABEL = 60
"""Characters; nine of them, each escaped, fit into a message."""
ASKED_S = 120.0
"""Seconds; well inside the fifteen minutes an interaction can be answered."""


class Place(Protocol):
    """Where the question is put."""

    async def put(self, text: str, view: ui.View) -> None:
        """Show it."""

    async def clear(self, *, agreed: bool) -> None:
        """It was answered, or nobody did in time."""


class Answer:
    """In an acknowledged interaction: its placeholder, which a job takes over; beside a pressed message, one of its
    own for the presser alone.
    """

    def __init__(self, interaction: discord.Interaction[Flux2Bot]) -> None:
        self._interaction = interaction
        self._message: discord.WebhookMessage | None = None

    async def put(self, text: str, view: ui.View) -> None:
        """Show it. Raises discord's errors."""
        if answers.has_placeholder(self._interaction):
            await self._interaction.edit_original_response(content=text, view=view)
        else:
            self._message = await self._interaction.followup.send(text, view=view, ephemeral=True, wait=True)

    async def clear(self, *, agreed: bool) -> None:
        """Remove it, unless it becomes the status message."""
        with contextlib.suppress(discord.NotFound):
            if self._message is not None:
                await self._message.delete()
            elif not agreed:
                await self._interaction.delete_original_response()


class Reply:
    """A reply to a message."""

    def __init__(self, message: discord.Message) -> None:
        self._message = message
        self._question: discord.Message | None = None

    async def put(self, text: str, view: ui.View) -> None:
        """Show it. Raises discord's errors."""
        nonce = f"g{self._message.id}"
        self._question = await self._message.reply(text, view=view, silent=True, delete_after=ASKED_S + 10, nonce=nonce)

    async def clear(self, *, agreed: bool) -> None:
        """Remove it."""
        if self._question is not None:
            with contextlib.suppress(discord.NotFound):
                await self._question.delete()


async def go_ahead(
    client: Flux2Bot, applicant: Applicant, request: Request, place: Place, before: Request | None = None
) -> bool:
    """Whether to draw every variant that lists make of `request`, asked unless `before` had the same ones.

    False: not wanted; the question is gone then. Raises Refusal where the member may not have as many, and when the bot
    stops meanwhile.
    """
    variants = request.variants if isinstance(request, GenerationRequest) else ()
    if not variants or (isinstance(before, GenerationRequest) and before.variants == variants):
        return True
    assert isinstance(request, GenerationRequest)
    await client.services.gate.require_room(applicant, demand_of(request))
    pace = await client.services.ledger.seconds_per_cost(request.model)
    left = await client.services.gate.left_today(applicant)
    question = _question(request, None if pace is None else pace * request.cost, left)
    agreed = False
    try:
        agreed = await _agreed(client, applicant.user_id, question, request.count, place)
    finally:
        await place.clear(agreed=agreed)
    return agreed


def _question(request: GenerationRequest, seconds: float | None, left: str) -> str:
    said = _("The lists make **{count} pictures**: {labels}.")
    if seconds is not None:
        said = _("The lists make **{count} pictures**, {duration}: {labels}.")
    labels = ", ".join(plain(variant.label, _LABEL) for variant in request.variants)
    said = said.format(count=request.count, labels=labels, duration=duration(seconds or 0))
    return f"{said} {left}".rstrip()


async def _agreed(client: Flux2Bot, user_id: int, question: str, pictures: int, place: Place) -> bool:
    """Begin or leave, for the member who asked alone."""
    chosen: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def turn(pressed: discord.Interaction[Flux2Bot], choice: str) -> None:
        if pressed.user.id != user_id:
            raise Refusal(_("This is another member's question; ask for pictures of your own with /imagine."))
        if not chosen.done():
            chosen.set_result(choice)

    # Opened before it is shown: a quick press would overtake the library's own views, which wait for Discord's answer.
    token = client.dialogues.open(turn)
    view = ui.View(timeout=None)
    begin = _("Draw {count}").format(count=pictures)
    view.add_item(DialogueButton(token, "yes", begin, discord.ButtonStyle.primary))
    view.add_item(DialogueButton(token, "no", _("Leave it")))
    await place.put(question, view)
    try:
        async with asyncio.timeout(ASKED_S):
            return await client.running.answer(chosen) == "yes"
    except TimeoutError:
        return False
    finally:
        client.dialogues.close(token)
