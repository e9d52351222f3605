"""/admin queue: who waits, moving a job, cancelling."""

from __future__ import annotations

import discord
from discord import app_commands
from discord.app_commands import Choice

from bot import access
from bot.administration import queueing
from bot.administration.desk import mention
from bot.language import N_, _
from bot.ledger.job import State
from bot.panel.answering import Here, carry_out, carry_out_after_asking, desk_of
from bot.refusal import Refusal

_MAX_CHOICES = 25
JobId = app_commands.Range[str, 16, 16]


class QueueGroup(app_commands.Group):
    """Everything about waiting jobs."""

    def __init__(self) -> None:
        super().__init__(name="queue", description=N_("Who waits; move and cancel."))

    @app_commands.command(name="list", description=N_("Every open picture of this server."))
    async def listing(self, interaction: Here) -> None:
        """Show them, oldest first."""
        await carry_out(interaction, queueing.waiting)

    @app_commands.command(description=N_("Let a waiting picture wait with another priority."))
    @app_commands.describe(job=N_("The job id."), priority=N_("High is drawn four times as often as low."))
    @app_commands.choices(priority=[Choice(name=name, value=name) for name in queueing.PRIORITIES])
    async def move(self, interaction: Here, job: JobId, priority: str) -> None:
        """Change the weight class: it decides over everybody's turn, so it is the operator's."""
        await carry_out(interaction, lambda desk: queueing.move(desk, job, priority), by_operator=True)

    @app_commands.command(description=N_("Cancel one picture, or all of a member."))
    @app_commands.describe(job=N_("The job id."), member=N_("Whose pictures."))
    async def cancel(self, interaction: Here, job: JobId | None = None, member: discord.User | None = None) -> None:
        """As /admin cancel."""
        await cancel(interaction, job, member)

    @move.autocomplete("job")
    async def _waiting(self, interaction: Here, typed: str) -> list[Choice[str]]:
        return await jobs_like(interaction, typed, waiting=True)

    @cancel.autocomplete("job")
    async def _open(self, interaction: Here, typed: str) -> list[Choice[str]]:
        return await jobs_like(interaction, typed)


async def jobs_like(interaction: Here, typed: str, *, waiting: bool = False) -> list[Choice[str]]:
    """Open jobs of this server by their ids, the oldest first; nothing for who is no admin."""
    if not access.is_admin(interaction):
        return []
    found = await queueing.open_jobs(desk_of(interaction))
    fitting = [job for job in found if typed.strip().lower() in job.id and (not waiting or job.state is State.WAITING)]
    return [Choice(name=queueing.told(job), value=job.id) for job in fitting[:_MAX_CHOICES]]


async def cancel(interaction: Here, job: str | None, member: discord.User | None) -> None:
    """Cancel one job at once, all of a member's after asking."""
    access.require_admin(interaction)
    if (job is None) == (member is None):
        raise Refusal(_("Give either a job id or a member."))
    if job is not None:
        await carry_out(interaction, lambda desk: queueing.cancel_one(desk, job))
        return
    assert member is not None
    user_id = member.id
    question = _("Cancel every open picture of {member} on this server?").format(member=mention(user_id))
    await carry_out_after_asking(
        interaction, question, _("Cancel all"), lambda desk: queueing.cancel_all(desk, user_id)
    )
