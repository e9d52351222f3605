"""/admin safety: what may be drawn on a server beside the operator's screens, how it is shown, where reports go."""

from __future__ import annotations

import discord
from discord import app_commands

from bot import access
from bot.administration import ruling, safety
from bot.administration.desk import Desk
from bot.language import N_, _
from bot.panel.answering import Here, carry_out, carry_out_after_asking
from bot.panel.rules_groups import FORGET, AnyChannel, forgettable

Score = app_commands.Range[float, 0.05, 0.99]


def _fit_for_reports(channel: discord.TextChannel) -> str:
    """What to say of a channel chosen for reports. Raises Refusal where the bot may not post them."""
    access.require_reporting(channel.permissions_for(channel.guild.me), channel.mention)
    if not channel.permissions_for(channel.guild.default_role).view_channel:
        return ""
    return _("Everybody sees {channel}: reports show the picture there, and who reported it.").format(
        channel=channel.mention
    )


class SafetyGroup(app_commands.Group):
    """A server's own policy, inside what the operator's screens let pass at all."""

    def __init__(self) -> None:
        super().__init__(name="safety", description=N_("What may be drawn, how it is shown, reports."))

    @app_commands.command(description=N_("What holds on this server."))
    async def show(self, interaction: Here) -> None:
        """Show it."""
        await carry_out(interaction, safety.show)

    @app_commands.command(description=N_("Set what is given."))
    @app_commands.describe(
        reports_channel=N_("Where moderators see reports."),
        spoiler=N_("Hide every picture behind a click."),
        age_restricted_only=N_("Draw in age-restricted channels only."),
        denied_words=N_("Phrases with commas between; +word and -word add and remove; none for no phrase."),
        image_threshold=N_("Refuse pictures that score higher; lower is stricter."),
        spoiler_threshold=N_("Hide pictures that score higher."),
        question=N_("Ask the model about prompts and pictures first."),
        channel=N_("For one channel."),
        forget=FORGET,
    )
    @app_commands.choices(forget=forgettable("reports_channel", "image_threshold", "spoiler_threshold"))
    async def set(
        self,
        interaction: Here,
        reports_channel: discord.TextChannel | None = None,
        spoiler: bool | None = None,
        age_restricted_only: bool | None = None,
        denied_words: app_commands.Range[str, 1, 2000] | None = None,
        image_threshold: Score | None = None,
        spoiler_threshold: Score | None = None,
        question: bool | None = None,
        channel: AnyChannel | None = None,
        forget: str | None = None,
    ) -> None:
        """Keep what is left out."""
        given = {
            "reports_channel": None if reports_channel is None else reports_channel.id,
            "spoiler": spoiler,
            "age_restricted_only": age_restricted_only,
            "denied_words": safety.words(denied_words),
            "image_threshold": image_threshold,
            "spoiler_threshold": spoiler_threshold,
            "question": question,
            **ruling.forgotten(forget),
        }
        where = None if channel is None else channel.id

        async def work(desk: Desk) -> str:
            hint = "" if reports_channel is None else _fit_for_reports(reports_channel)
            return f"{await safety.change(desk, where, given)} {hint}".rstrip()

        await carry_out(interaction, work)

    @app_commands.command(description=N_("Forget what was set; reports keep their channel."))
    @app_commands.describe(channel=N_("Leave out for the whole server."))
    async def clear(self, interaction: Here, channel: AnyChannel | None = None) -> None:
        """Asked first."""
        where, named = (None, _("this server")) if channel is None else (channel.id, channel.mention)
        question = _("Forget what was decided about pictures on {where}?").format(where=named)
        await carry_out_after_asking(interaction, question, _("Forget"), lambda desk: safety.clear(desk, where))
