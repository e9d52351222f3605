"""/admin: status, pause, resume and cancel. Hidden from members by Discord, and checked here, which is what counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import app_commands

from bot import access, answers, presenter
from bot.interactions.cancel import cancel as cancel_job
from bot.ledger.job import OPEN, State
from bot.refusal import Refusal
from worker.contract import Heartbeat

if TYPE_CHECKING:
    from bot.client import Flux2Bot

_GB = 1e9
_DOING = {
    State.WAITING: "waiting",
    State.DISPATCHED: "next in line",
    State.RUNNING: "being drawn",
    State.DELIVERING: "being posted",
}


@app_commands.guild_only()
@app_commands.allowed_installs(guilds=True, users=False)
@app_commands.default_permissions(manage_guild=True)
class Admin(app_commands.Group):
    """The command group."""

    def __init__(self) -> None:
        super().__init__(name="admin", description="Look after the queue.")

    @app_commands.command(description="Workers, models and how many pictures are waiting.")
    async def status(self, interaction: discord.Interaction[Flux2Bot]) -> None:
        """Show the state of everything."""
        access.require_admin(interaction)
        if await answers.acknowledge(interaction, ephemeral=True):
            await interaction.edit_original_response(content=await _status(interaction.client))

    @app_commands.command(description="Start no more pictures; those being drawn are finished.")
    @app_commands.describe(reason="What waiting members are told.")
    async def pause(
        self, interaction: discord.Interaction[Flux2Bot], reason: app_commands.Range[str, 0, 200] = ""
    ) -> None:
        """Stop dispatching."""
        access.require_operator(interaction)
        if await answers.acknowledge(interaction, ephemeral=True):
            services = interaction.client.services
            await services.ledger.set_paused(reason or "back soon", by=interaction.user.id)
            await services.narration.queue_moved()
            await interaction.edit_original_response(
                content="Paused: what is being drawn is finished, the rest waits for /admin resume."
            )

    @app_commands.command(description="Start pictures again.")
    async def resume(self, interaction: discord.Interaction[Flux2Bot]) -> None:
        """Dispatch again."""
        access.require_operator(interaction)
        if await answers.acknowledge(interaction, ephemeral=True):
            services = interaction.client.services
            was_paused = await services.ledger.paused() is not None
            await services.ledger.set_paused(None, by=interaction.user.id)
            services.dispatcher.wake()
            await services.narration.queue_moved()
            await interaction.edit_original_response(content="Resumed." if was_paused else "Nothing was paused.")

    @app_commands.command(description="Cancel a picture by its job id, or everything one member has waiting.")
    @app_commands.describe(job="The job id, as in the file name flux2-<job id>.", member="Whose pictures to cancel.")
    async def cancel(
        self,
        interaction: discord.Interaction[Flux2Bot],
        job: app_commands.Range[str, 16, 16] | None = None,
        member: discord.User | None = None,
    ) -> None:
        """Cancel jobs of this server."""
        access.require_admin(interaction)
        if (job is None) == (member is None):
            raise Refusal("Give either a job id or a member.")
        if not await answers.acknowledge(interaction, ephemeral=True):
            return
        sentence = await (_cancel_one(interaction, job) if job else _cancel_all(interaction, member))
        await interaction.edit_original_response(content=sentence)


async def _cancel_one(interaction: discord.Interaction[Flux2Bot], job_id: str) -> str:
    services = interaction.client.services
    job = await services.ledger.get(job_id.lower())
    if job is None or job.guild_id != interaction.guild_id:
        raise Refusal("This server has no such job; the id is the 16 letters and digits in the file name.")
    return await cancel_job(job, services)


async def _cancel_all(interaction: discord.Interaction[Flux2Bot], member: discord.User | None) -> str:
    services = interaction.client.services
    assert member is not None
    jobs = await services.ledger.open_jobs_of(member.id, interaction.guild_id)
    if not jobs:
        return f"{member.mention} has no pictures waiting or being drawn."
    cancelled = 0
    for job in jobs:
        try:
            await cancel_job(job, services)
        except Refusal:
            continue
        cancelled += 1
    return f"Cancelled {cancelled} of {len(jobs)} open pictures of {member.mention}."


async def _status(client: Flux2Bot) -> str:
    ledger = client.services.ledger
    paused = await ledger.paused()
    lines = [f"Paused: {presenter.plain(paused, 200)}"] if paused is not None else []
    for model, counts in sorted((await ledger.counts()).items()):
        figures = ", ".join(f"{counts[state]} {_DOING[state]}" for state in OPEN if counts.get(state))
        lines.append(f"**{presenter.plain(model, 60)}**: {figures or 'nothing to do'}")
    workers = await client.services.fleet.workers()
    lines += [_worker_line(beat) for beat in sorted(workers, key=lambda beat: beat.name)]
    if not workers:
        lines.append("No worker is running; start one with python -m worker --role gpu.")
    return presenter.shorten("\n".join(lines), presenter.MAX_CONTENT)


def _worker_line(beat: Heartbeat) -> str:
    loaded = f", {beat.loading_percent} %" if beat.state == "loading" and beat.loading_percent is not None else ""
    parts = [f"`{beat.name[:80]}` {beat.role}", beat.state + loaded]
    if beat.model is not None:
        parts.append(beat.model.name)
    if beat.memory_used_bytes is not None and beat.memory_total_bytes:
        parts.append(f"{beat.memory_used_bytes / _GB:.1f} of {beat.memory_total_bytes / _GB:.1f} GB")
    return " · ".join(parts)


async def setup(bot: Flux2Bot) -> None:
    """Register the group."""
    bot.tree.add_command(Admin())
