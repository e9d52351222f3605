"""Shows pictures again: those that no channel took, and any other on request, with the buttons to go on from them.

Goes through the interaction itself, which needs no permission.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING

import discord
from discord import ui

from bot import access, answers, titles
from bot.applicants import applicant_in
from bot.interactions.again import AgainButton
from bot.interactions.base import JobButton, job_of, result_of
from bot.interactions.custom_id import Verb, template
from bot.interactions.edit import EditButton
from bot.interactions.more import MoreButton
from bot.interactions.upscale import UpscaleButton
from bot.interactions.vary import VaryButton
from bot.interactions.words import RewordButton, UseButton
from bot.language import N_, _
from bot.ledger.job import Job
from bot.pictures import files_of
from bot.policy import Terms
from bot.presenter import plain
from bot.refusal import Refusal

if TYPE_CHECKING:
    from bot.client import Flux2Bot

_WORDS = 800
"""Characters of words posted again, before escaping."""


class ShowButton(JobButton, template=template(Verb.SHOW)):
    """Stands in the answer of /jobs, one for each job whose result could not be posted."""

    verb = Verb.SHOW
    text = N_("Post again")

    async def act(self, interaction: discord.Interaction[Flux2Bot]) -> None:
        """Post the pictures where the member is now."""
        job = await job_of(interaction, self.job_id)
        access.require_owner_of(job, interaction)
        if not await answers.acknowledge(interaction):
            return
        await post_again(interaction, job, _("Drawn earlier"), await terms_of_showing(interaction, job))


async def terms_of_showing(interaction: discord.Interaction[Flux2Bot], job: Job) -> Terms | None:
    """What holds for showing a picture to everybody here again.

    None, for the member alone: a private one, one that moderators took away, one that was drawn where less is refused
    than here, and all where, or by whom, none may be drawn.
    """
    if job.is_private or await interaction.client.services.ledger.governance.was_removed(job.guild_id, job.id):
        return None
    try:
        terms = await interaction.client.services.gate.enter(applicant_in(interaction))
    except Refusal:
        return None
    return terms if job.policy.covers(terms.screening) else None


async def post_again(
    interaction: discord.Interaction[Flux2Bot], job: Job, said: str, shown_under: Terms | None
) -> None:
    """Post the pictures of `job`, or its words, as an answer to an acknowledged interaction; None: to the member alone.

    Raises Refusal.
    """
    alone = shown_under is None
    if job.words and not job.pictures:
        view = ui.View(timeout=None)
        view.add_item(UseButton(job.id))
        view.add_item(RewordButton(job.id))
        await interaction.followup.send(titles.status(job, plain(job.words, _WORDS)), view=view, ephemeral=alone)
        return
    files = await files_again(interaction, job)
    if shown_under is not None and shown_under.has_spoiler:
        hide(files)
    await interaction.followup.send(titles.status(job, said), files=files, view=buttons_of(job), ephemeral=alone)


async def files_again(interaction: discord.Interaction[Flux2Bot], job: Job) -> list[discord.File]:
    """The pictures as files, stored ones or those of the message they were posted in. Raises Refusal."""
    if sum(picture.size_bytes for picture in job.pictures) > interaction.filesize_limit:
        raise Refusal(_("The pictures are too large for this channel; draw them again as webp or in a smaller size."))
    try:
        return await asyncio.to_thread(files_of, job, interaction.client.services.blobs)
    except Refusal:
        if job.result_message_id is None:
            raise
    try:
        posted = await result_of(job, interaction.client).fetch()
        return [await file.to_file(spoiler=file.is_spoiler()) for file in posted.attachments]
    except (discord.NotFound, discord.Forbidden) as gone:
        raise Refusal(_("These pictures are no longer stored; draw them again with /imagine.")) from gone


def hide(files: Iterable[discord.File]) -> None:
    """Put pictures behind a click."""
    for file in files:
        file.spoiler = True


def buttons_of(job: Job) -> ui.View:
    """What stands under every picture."""
    view = ui.View(timeout=None)
    for button in (AgainButton, VaryButton, EditButton, UpscaleButton, MoreButton):
        view.add_item(button(job.id))
    return view
