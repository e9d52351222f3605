"""What every button of the bot shares: it is found by its custom_id after any restart, and every error is answered.

The library only logs what a dynamic item raises, and the member would read "interaction failed": nothing gets that far.
"""

from __future__ import annotations

import contextlib
import re
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Self

import discord
from discord import ui

from bot import answers
from bot.interactions.custom_id import Verb, custom_id
from bot.language import _
from bot.ledger.audit import EVERYWHERE, Actor
from bot.ledger.job import Job
from bot.origin import NEWS_PAUSES_S, job_posted
from bot.refusal import Refusal

if TYPE_CHECKING:
    from bot.client import Flux2Bot


class JobButton(ui.DynamicItem[ui.Button[ui.View]], ABC, template=r"(?!)"):
    """A button that acts on one job. Subclasses name a verb and write `act`; the template here matches nothing."""

    verb: ClassVar[Verb]
    text: ClassVar[str]
    """Its label, in English."""
    style: ClassVar[discord.ButtonStyle] = discord.ButtonStyle.secondary

    def __init__(self, job_id: str, text: str | None = None, *, number: int | None = None) -> None:
        """`number`: of the picture that is meant, from 1."""
        named = custom_id(self.verb, job_id, number)
        super().__init__(ui.Button(label=text or _(self.text), style=self.style, custom_id=named))
        self.job_id = job_id
        self.number = number or 1

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Rebuild the button from a press."""
        return cls(match["job_id"], number=int(match["number"]) if match["number"] else None)

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Run `act`; whatever it raises becomes one ephemeral sentence. Two presses at once are one."""
        pressed = interaction.client.running
        press = (interaction.user.id, self.verb, self.job_id, self.number)
        with pressed.once(press) as is_first:
            await guarded(interaction, self.act if is_first else wait)

    @abstractmethod
    async def act(self, interaction: discord.Interaction[Flux2Bot]) -> None:
        """Do what the button says."""


async def wait(interaction: discord.Interaction[Flux2Bot]) -> None:
    """Answer a press that came while the same one was still being taken."""
    raise Refusal(_("I am on it already; one press is enough."))


def result_of(job: Job, client: Flux2Bot) -> discord.PartialMessage:
    """Return the message that carries the job's pictures. Raises Refusal where none was posted."""
    if job.result_channel_id is None or job.result_message_id is None:
        raise Refusal(_("These pictures were never posted; /jobs has them."))
    channel = client.get_partial_messageable(job.result_channel_id, guild_id=job.guild_id)
    return channel.get_partial_message(job.result_message_id)


async def note(interaction: discord.Interaction[Flux2Bot], job: Job, action: str) -> None:
    """Put into the audit log what an admin did to another member's picture, and nothing that its owner did."""
    if job.user_id != interaction.user.id:
        actor = Actor(interaction.user.id, interaction.guild_id or EVERYWHERE)
        governance = interaction.client.services.ledger.governance
        await governance.record(actor, action, job.id, after={"user_id": job.user_id})


async def pressed_under(interaction: discord.Interaction[Flux2Bot], job: Job) -> discord.Message:
    """The message that the panel was opened under, which may show the job's pictures again; else the one on record.

    Raises Refusal where none was posted, and discord's errors where it cannot be read.
    """
    client, trigger = interaction.client, interaction.message.interaction_metadata if interaction.message else None
    message_id = trigger.interacted_message_id if trigger else None
    if message_id not in (None, job.result_message_id) and interaction.channel_id is not None:
        channel = client.get_partial_messageable(interaction.channel_id, guild_id=interaction.guild_id)
        # What one member alone sees cannot be fetched.
        with contextlib.suppress(discord.NotFound, discord.Forbidden):
            return await channel.get_partial_message(message_id).fetch()
    return await result_of(job, client).fetch()


async def guarded(interaction: discord.Interaction[Flux2Bot], act: Any, *arguments: Any) -> None:
    """Run a callback as part of the bot's work and answer for its errors."""
    try:
        interaction.client.running.enter()
        await act(interaction, *arguments)
    except Exception as error:  # noqa: BLE001 - the boundary of a member's press: each error is answered and logged
        await answers.explain(interaction, error)


async def job_of(interaction: discord.Interaction[Flux2Bot], job_id: str, *, as_it_is: bool = False) -> Job:
    """Return the job a button names, as posted, or `as_it_is` at the moment. Raises Refusal where its row is gone."""
    job = await job_posted(job_id, interaction.client.services.ledger, () if as_it_is else NEWS_PAUSES_S)
    if job is None:
        raise Refusal(_("The recipe of this picture is no longer kept; write the prompt anew with /imagine."))
    return job
