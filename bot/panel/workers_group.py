"""/admin workers: how they are; drain, resume, restart. They serve every server, so this is the operator's."""

from __future__ import annotations

from discord import app_commands
from discord.app_commands import Choice

from bot import access
from bot.administration import workers
from bot.language import N_, _
from bot.panel.answering import Here, carry_out, carry_out_after_asking

Name = app_commands.Range[str, 1, 100]
_MAX_CHOICES = 25


class WorkersGroup(app_commands.Group):
    """One subcommand for each thing a worker can be asked."""

    def __init__(self) -> None:
        super().__init__(name="workers", description=N_("GPUs and deliveries: state, drain, restart."))

    @app_commands.command(name="list", description=N_("Every worker, its model, memory and temperature."))
    async def listing(self, interaction: Here) -> None:
        """Show them."""
        await carry_out(interaction, workers.listing, by_operator=True)

    @app_commands.command(description=N_("Let a worker finish its picture and take no other."))
    @app_commands.describe(worker=N_("Its name."))
    async def drain(self, interaction: Here, worker: Name) -> None:
        """Undone by resume."""
        await carry_out(interaction, lambda desk: workers.drain(desk, worker), by_operator=True)

    @app_commands.command(description=N_("Let a drained worker take pictures again."))
    @app_commands.describe(worker=N_("Its name."))
    async def resume(self, interaction: Here, worker: Name) -> None:
        """Undo a drain."""
        await carry_out(interaction, lambda desk: workers.resume(desk, worker), by_operator=True)

    @app_commands.command(description=N_("Load a worker's model afresh, once its picture is done."))
    @app_commands.describe(worker=N_("Its name."))
    async def restart(self, interaction: Here, worker: Name) -> None:
        """Loading takes minutes in which this GPU draws nothing, so it is asked."""
        question = _("Load the model of `{worker}` afresh? It draws nothing for as long as that takes.").format(
            worker=worker
        )
        await carry_out_after_asking(
            interaction, question, _("Restart"), lambda desk: workers.restart(desk, worker), by_operator=True
        )

    @drain.autocomplete("worker")
    @resume.autocomplete("worker")
    @restart.autocomplete("worker")
    async def _names(self, interaction: Here, typed: str) -> list[Choice[str]]:
        """Names of GPU workers; nothing for who may not order them about."""
        if not (access.is_admin(interaction) and access.looks_after_all(interaction)):
            return []
        beats = await interaction.client.services.fleet.workers()
        found = [beat.name for beat in beats if beat.role == "gpu" and beat.model is not None]
        return [Choice(name=name[:100], value=name[:100]) for name in sorted(found) if typed in name][:_MAX_CHOICES]
