"""Branch: a picture begins a line of its own, in a new thread, so that a thread keeps one line of versions."""

from __future__ import annotations

import contextlib
import math
import time
from typing import TYPE_CHECKING

import discord

from bot import access, answers, lineage, titles
from bot.administration.desk import mention
from bot.applicants import applicant_in
from bot.fronts import is_thread, open_thread, parent_of
from bot.interactions.base import JobButton, job_of, pressed_under
from bot.interactions.custom_id import Verb, template
from bot.interactions.redraw import require_posting
from bot.interactions.show import buttons_of, files_again, hide
from bot.language import N_, _
from bot.ledger.job import Job
from bot.policy import Terms
from bot.refusal import Refusal
from bot.sight import require_sight

if TYPE_CHECKING:
    from bot.client import Flux2Bot

_LATELY_S = 600.0


class Branches:
    """Who began a line from which picture lately: nobody fills a channel with threads of one picture."""

    def __init__(self) -> None:
        self._begun: dict[tuple[int, str], tuple[float, str]] = {}

    def lately(self, user_id: int, job_id: str) -> str | None:
        """A link to the line, where the member began one."""
        since, link = self._begun.get((user_id, job_id), (-math.inf, ""))
        return link if time.monotonic() - since < _LATELY_S else None

    def note(self, user_id: int, job_id: str, link: str) -> None:
        """Remember a line; forget old ones."""
        now = time.monotonic()
        self._begun = {key: one for key, one in self._begun.items() if now - one[0] < _LATELY_S}
        self._begun[user_id, job_id] = (now, link)


class BranchButton(JobButton, template=template(Verb.BRANCH)):
    """Stands behind More…"""

    verb = Verb.BRANCH
    text = N_("Branch")

    async def act(self, interaction: discord.Interaction[Flux2Bot]) -> None:
        """Post the picture in a thread of its own, or in the channel where there are no threads."""
        job = await job_of(interaction, self.job_id)
        require_posting(interaction, job)
        if not await answers.acknowledge(interaction):
            return
        branches = interaction.client.branches
        if link := branches.lately(interaction.user.id, job.id):
            raise Refusal(_("You began a line from this picture already: {link}").format(link=link))
        terms = await interaction.client.services.gate.enter(applicant_in(interaction))
        if not job.policy.covers(terms.screening):
            raise Refusal(
                _("This was drawn where less is refused than here, so I do not post it; press Again instead.")
            )
        if await interaction.client.services.ledger.governance.was_removed(job.guild_id, job.id):
            raise Refusal(_("The moderators took this picture away, so I do not post it again."))
        await _require_home(interaction, job)
        may = access.may_open_thread(interaction.app_permissions)
        try:
            posted = await _begin(interaction, job, terms, opens_thread=may and terms.threads != "here")
        except discord.Forbidden as closed:
            raise Refusal(_("I may not post in this channel; ask an admin to let me, or use another one.")) from closed
        branches.note(interaction.user.id, job.id, posted.jump_url)
        await interaction.followup.send(
            _("A new line begins here: {link}").format(link=posted.jump_url), ephemeral=True
        )


async def _require_home(interaction: discord.Interaction[Flux2Bot], job: Job) -> None:
    """Refuse to carry another member's picture to where it was not posted."""
    await require_sight(interaction, job)
    here = (interaction.channel_id, _above(interaction))
    if not access.owns(job, interaction) and job.result_channel_id not in here:
        raise Refusal(_("Another member's picture can be branched only where it was posted; press More… there."))


async def _begin(
    interaction: discord.Interaction[Flux2Bot], job: Job, terms: Terms, *, opens_thread: bool
) -> discord.Message:
    """Post the picture, in a thread where one can be opened. Raises Refusal and discord's errors."""
    client, above = interaction.client, _above(interaction)
    assert interaction.channel_id is not None
    home = client.get_partial_messageable(above or interaction.channel_id, guild_id=interaction.guild_id)
    files = await files_again(interaction, job)
    if terms.has_spoiler or await _is_hidden(interaction, job):
        hide(files)
    line = await client.services.ledger.lineage(job.id, lineage.NEAREST)
    told = titles.status(job, lineage.breadcrumb(line) or "".join(map(lineage.named, line)))
    if opens_thread and (above or not is_thread(interaction.channel)):
        begun = told + "\n-# " + _("A new line from here, by {member}.").format(member=mention(interaction.user.id))
        opener = await home.send(begun, nonce=f"b{interaction.id}", silent=True)
        if await open_thread(client, home.get_partial_message(opener.id), job):
            home = client.get_partial_messageable(opener.id, guild_id=interaction.guild_id)
    said = told + "\n-# " + _("Reply with what should change, or press Edit.")
    return await home.send(said, files=files, view=buttons_of(job), nonce=f"n{interaction.id}", silent=True)


async def _is_hidden(interaction: discord.Interaction[Flux2Bot], job: Job) -> bool:
    """Whether somebody has put the picture behind a click since it was drawn."""
    with contextlib.suppress(discord.NotFound, discord.Forbidden, Refusal):
        shown = await pressed_under(interaction, job)
        return any(attachment.is_spoiler() for attachment in shown.attachments)
    return False


def _above(interaction: discord.Interaction[Flux2Bot]) -> int | None:
    """The channel that the thread hangs under which was pressed in; None where it takes no messages of the kind:

    a private thread's pictures are not for its channel, and a forum has nothing but threads.
    """
    channel = interaction.channel
    is_in_text = isinstance(channel, discord.Thread) and isinstance(channel.parent, discord.TextChannel)
    return parent_of(channel) if is_in_text else None
