"""Report: a member tells the moderators of a picture; they delete it, ban its requester, or dismiss the report.

The report lies in the channel the admins chose, with the picture behind a spoiler and without the prompt, which its
requester may have forgotten any day. A picture whose recipe is forgotten can still be reported and judged: its message
names job and requester, and the audit log keeps both from there.
"""

from __future__ import annotations

import contextlib
import logging
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import discord
from discord import ui

from bot import access, answers
from bot.administration.desk import Desk, Suggestion, mention
from bot.administration.members import ban
from bot.interactions.base import JobButton, job_of, pressed_under, result_of
from bot.interactions.custom_id import Verb, template
from bot.language import N_, _
from bot.ledger.audit import REPORT, Actor
from bot.ledger.job import Job
from bot.message_links import links_in
from bot.origin import job_told_by, named_by
from bot.policy import reports_channel
from bot.presenter import jump_url
from bot.refusal import Refusal

if TYPE_CHECKING:
    from bot.client import Flux2Bot

_log = logging.getLogger(__name__)
_WHOSE = "user_id"
_THANKS = N_("Thank you: the moderators of this server see it now.")


async def send_report(interaction: discord.Interaction[Flux2Bot], message: discord.Message) -> None:
    """Send the picture to the moderators, from its message's menu."""
    if not await answers.acknowledge(interaction, ephemeral=True):
        return
    await _report(interaction, message)
    await interaction.edit_original_response(content=_(_THANKS))


class ReportButton(JobButton, template=template(Verb.REPORT)):
    """Stands behind More… for those who may not delete the picture themselves."""

    verb = Verb.REPORT
    text = N_("Report")
    style = discord.ButtonStyle.danger

    async def act(self, interaction: discord.Interaction[Flux2Bot]) -> None:
        """Send the picture as it was posted."""
        job = await job_of(interaction, self.job_id)
        if not await answers.acknowledge(interaction):
            return
        try:
            message = await pressed_under(interaction, job)
        except (discord.NotFound, discord.Forbidden) as gone:
            raise Refusal(_("That message is gone, so there is nothing to report.")) from gone
        await _report(interaction, message)
        await interaction.followup.send(_(_THANKS), ephemeral=True)


@dataclass(frozen=True)
class _Reported:
    """What a message shows: the job's id, and who asked for it as far as anything still tells."""

    job_id: str
    user_id: int | None


async def _shown_by(message: discord.Message, client: Flux2Bot) -> _Reported | None:
    job = await job_told_by(message, client)
    if job is not None:
        return _Reported(job.id, job.user_id)
    job_id = named_by(message, client)
    if job_id is None:
        return None
    # Prompts mention nobody: a mention is of whom the picture was drawn for.
    requester = next(iter(message.mentions), None)
    return _Reported(job_id, requester.id if requester else None)


async def _report(interaction: discord.Interaction[Flux2Bot], message: discord.Message) -> None:
    """Pass it on, once for each member. Raises Refusal."""
    services = interaction.client.services
    shown = await _shown_by(message, interaction.client) if message.attachments else None
    if shown is None:
        raise Refusal(_("I can only pass on reports of my own pictures; report others to the admins."))
    channel = await _moderators(interaction)
    actor = Actor(interaction.user.id, interaction.guild_id or 0)
    earlier = await services.ledger.governance.deeds(actor.guild_id, actor_id=actor.user_id, action=REPORT)
    if any(deed.target == shown.job_id and deed.action == REPORT for deed in earlier):
        raise Refusal(_("You have reported this picture already; the moderators see it."))
    await _pass_on(channel, interaction, message, shown)
    # Whom a ban is for has to be known also when the recipe is forgotten before anybody looks at the report.
    whose = None if shown.user_id is None else {_WHOSE: shown.user_id}
    await services.ledger.governance.record(actor, REPORT, shown.job_id, after=whose)


async def _moderators(interaction: discord.Interaction[Flux2Bot]) -> discord.PartialMessageable:
    client, guild_id = interaction.client, interaction.guild_id or 0
    channel_id = reports_channel(await client.services.ledger.governance.rules(guild_id))
    if channel_id is None:
        raise Refusal(_("This server takes no reports yet: an admin can choose a channel with /admin safety set."))
    return client.get_partial_messageable(channel_id, guild_id=guild_id)


async def _pass_on(
    channel: discord.PartialMessageable,
    interaction: discord.Interaction[Flux2Bot],
    message: discord.Message,
    shown: _Reported,
) -> None:
    link = jump_url(interaction.guild_id, message.channel.id, message.id)
    requester = _("a member who is not known any more") if shown.user_id is None else mention(shown.user_id)
    text = _("{member} reports a picture of {requester}: {link}").format(
        member=mention(interaction.user.id), requester=requester, link=link
    )
    view = ui.View(timeout=None)
    for button in (RemoveReported, BanReported, DismissReport):
        view.add_item(button(shown.job_id))
    try:
        files = [await attachment.to_file(spoiler=True) for attachment in message.attachments]
    except discord.NotFound as gone:
        raise Refusal(_("That message is gone, so there is nothing to report.")) from gone
    try:
        await channel.send(text, files=files, view=view, nonce=f"p{interaction.id}")
    except (discord.Forbidden, discord.NotFound) as error:
        _log.warning("Reports of server %s cannot be posted: %s", interaction.guild_id, error)
        raise Refusal(_("I may not write where reports go; ask an admin to check /admin safety show.")) from error


class Verdict(JobButton, template=r"(?!)"):
    """What the three buttons share: moderators only, and the report is closed by whoever pressed first."""

    done: str

    async def act(self, interaction: discord.Interaction[Flux2Bot]) -> None:
        """Judge, and write the judgement on the report."""
        access.require_moderator(interaction)
        report_message = interaction.message
        assert report_message is not None
        if not await answers.acknowledge(interaction):
            return
        said = await self.judge(interaction)
        done = _("**{done}** by {member}.").format(done=_(self.done), member=mention(interaction.user.id))
        text = f"{report_message.content}\n{done} {said}".rstrip()
        await report_message.edit(content=text, view=None, allowed_mentions=discord.AllowedMentions.none())

    @abstractmethod
    async def judge(self, interaction: discord.Interaction[Flux2Bot]) -> str:
        """Do it and return what is to be said besides. The job may be forgotten by now."""

    async def note(self, interaction: discord.Interaction[Flux2Bot], action: str) -> None:
        """Put the judgement into the audit log."""
        await interaction.client.services.ledger.governance.record(_actor(interaction), action, self.job_id)


def _actor(interaction: discord.Interaction[Flux2Bot]) -> Actor:
    return Actor(interaction.user.id, interaction.guild_id or 0)


class RemoveReported(Verdict, template=template(Verb.REPORT_DELETE)):
    """Deletes the picture's message; its file leaves the report too."""

    verb = Verb.REPORT_DELETE
    text = N_("Delete")
    style = discord.ButtonStyle.danger
    done = N_("Deleted")

    async def judge(self, interaction: discord.Interaction[Flux2Bot]) -> str:
        """Remove the message, and the one on record where it showed that again; one that is gone is as good."""
        assert interaction.message is not None
        job = await interaction.client.services.ledger.get(self.job_id)
        for message in _reported(interaction, interaction.message.content, job):
            with contextlib.suppress(discord.NotFound):
                await message.delete()
        await interaction.message.edit(attachments=[])
        await self.note(interaction, "report delete")
        return ""


def _reported(
    interaction: discord.Interaction[Flux2Bot], report: str, job: Job | None
) -> Iterator[discord.PartialMessage]:
    """What the report links to, and the job's own message on this server."""
    client, guild_id = interaction.client, interaction.guild_id
    linked = next((link for link in links_in(report) if link.message_id and link.guild_id == guild_id), None)
    if linked is not None and linked.message_id is not None:
        channel = client.get_partial_messageable(linked.channel_id, guild_id=guild_id)
        yield channel.get_partial_message(linked.message_id)
    if job and job.guild_id == guild_id and job.result_message_id not in (None, linked and linked.message_id):
        yield result_of(job, client)


class BanReported(Verdict, template=template(Verb.REPORT_BAN)):
    """Keeps the requester from drawing on this server; the picture stays."""

    verb = Verb.REPORT_BAN
    text = N_("Ban")
    style = discord.ButtonStyle.danger
    done = N_("Banned")

    async def judge(self, interaction: discord.Interaction[Flux2Bot]) -> str:
        """Ban without end; /admin unban lifts it."""
        services = interaction.client.services
        desk = Desk(_actor(interaction), services.ledger, services.fleet, services.dispatcher)
        done = await ban(desk, await self._requester(desk), _("a reported picture"), None)
        return done.said if isinstance(done, Suggestion) else done

    async def _requester(self, desk: Desk) -> int:
        job = await desk.ledger.get(self.job_id)
        if job is not None:
            return job.user_id
        reports = await desk.governance.deeds(desk.guild_id, action=REPORT)
        named = (deed.after.get(_WHOSE) for deed in reports if deed.target == self.job_id and deed.after)
        found = next(filter(None, named), None)
        if found is None:
            raise Refusal(_("Nothing tells any more who asked for this picture; you can still delete it."))
        return int(found)


class DismissReport(Verdict, template=template(Verb.REPORT_DISMISS)):
    """Leaves everything as it is."""

    verb = Verb.REPORT_DISMISS
    text = N_("Dismiss")
    done = N_("Dismissed")

    async def judge(self, interaction: discord.Interaction[Flux2Bot]) -> str:
        """Note it."""
        await self.note(interaction, "report dismiss")
        return ""
