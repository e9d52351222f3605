"""Which of a result's pictures is meant, asked where it shows several: a select in an answer for the presser alone.

What is chosen stands in the ids of the buttons beside it, so that the answer works for as long as it is shown.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

import discord
from discord import ui

from bot.attachments import KEPT_PIXELS
from bot.interactions.base import guarded, job_of, result_of, wait
from bot.interactions.custom_id import Verb, custom_id
from bot.language import _
from bot.ledger.job import Job
from bot.picks import choices
from bot.pictures import picture_of
from bot.presenter import shorten
from bot.refusal import Refusal
from flux2.request import ReferenceImage

if TYPE_CHECKING:
    from bot.client import Flux2Bot

OURS = re.compile(r"(?:SPOILER_)?flux2-")
"""How the files of a result are called; a message may show others, such as a grid."""
_LABEL = 100
"""Characters of an option; Discord's own cap."""


class PictureSelect(ui.DynamicItem[ui.Select[ui.View]], ABC, template=r"(?!)"):
    """The pictures of one job. Subclasses name a verb and write `act`; the template here matches nothing."""

    verb: ClassVar[Verb]

    def __init__(self, job_id: str, labels: Sequence[str] = (), chosen: int | None = None) -> None:
        """`labels` in the pictures' order; `chosen` is the number of the one that is shown as such."""
        options = options_of(labels, chosen)
        named = custom_id(self.verb, job_id)
        super().__init__(ui.Select(custom_id=named, placeholder=_("Which picture…"), options=options))
        self.job_id = job_id

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Rebuild the select from a choice."""
        return cls(match["job_id"])

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Run `act` with the number that was chosen; errors are answered, two choices at once are one."""
        data: Mapping[str, Any] = interaction.data or {}
        number = int(data["values"][0])
        press = (interaction.user.id, self.verb, self.job_id, number)
        with interaction.client.running.once(press) as is_first:
            if is_first:
                await guarded(interaction, self.act, number)
            else:
                await guarded(interaction, wait)

    @abstractmethod
    async def act(self, interaction: discord.Interaction[Flux2Bot], number: int) -> None:
        """Do what is to be done with that picture."""


def options_of(labels: Sequence[str], chosen: int | None = None) -> list[discord.SelectOption]:
    """One option for each picture, its number as value."""
    return [
        discord.SelectOption(label=shorten(label, _LABEL), value=str(number), default=number == chosen)
        for number, label in enumerate(labels, start=1)
    ]


async def drawn(interaction: discord.Interaction[Flux2Bot], job_id: str) -> tuple[Job, tuple[str, ...]]:
    """The job and what its pictures are called. Raises Refusal where it has none."""
    job = await job_of(interaction, job_id)
    if not job.pictures and not (interaction.message and interaction.message.attachments):
        raise Refusal(_("There is no picture to go on from; press Again first."))
    return job, choices(job)


async def picture_meant(
    interaction: discord.Interaction[Flux2Bot], job: Job, number: int, *, max_pixels: int = KEPT_PIXELS
) -> ReferenceImage:
    """Picture `number` of the job, from the blobs or the message that shows it. Raises Refusal."""
    services, shown = interaction.client.services, interaction.message
    if shown is not None and any(OURS.match(one.filename) for one in shown.attachments):
        return await picture_of(job, shown, services, number, max_pixels=max_pixels)
    try:
        return await picture_of(job, None, services, number, max_pixels=max_pixels)
    except Refusal:
        if job.result_message_id is None:
            raise
    try:
        posted = await result_of(job, interaction.client).fetch()
    except (discord.NotFound, discord.Forbidden) as gone:
        raise Refusal(_("That picture is no longer stored, and its message is gone; draw it again.")) from gone
    return await picture_of(job, posted, services, number, max_pixels=max_pixels)
