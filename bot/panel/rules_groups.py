"""/admin roles, channels, limits and model: the rules of a server."""

from __future__ import annotations

from typing import Any, Literal

import discord
from discord import app_commands
from discord.app_commands import Choice

from bot.administration import ruling
from bot.administration.queueing import PRIORITIES
from bot.commands.imagine import models_like, styles_like
from bot.language import N_, _
from bot.ledger.rules import Scope
from bot.panel.answering import Here, carry_out, carry_out_after_asking
from bot.policy import Bounds, RolePolicy
from flux2.sizing import ASPECTS, MATCH

Megapixels = app_commands.Range[float, 0.1, 16.0]
Steps = app_commands.Range[int, 1, 100]
Count = app_commands.Range[int, 1, 10]
References = app_commands.Range[int, 0, 10]
AnyChannel = discord.TextChannel | discord.Thread | discord.ForumChannel | discord.VoiceChannel
_LIMITS = (*Bounds.model_fields, "threads")
_THREADS = [Choice(name=name, value=name) for name in ("here", "auto", "always")]
FORGET = N_("Take one back that was set before.")


def forgettable(*names: str) -> list[Choice[str]]:
    """Figures of a rule that can be taken back one by one."""
    return [Choice(name=name.removesuffix("_s").replace("_", " "), value=name) for name in names]


_ACCESS = [Choice(name=name, value=name) for name in ("allow", "deny")]


class RolesGroup(app_commands.Group):
    """What a role may do; @everyone is the role of those without another."""

    def __init__(self) -> None:
        super().__init__(name="roles", description=N_("What members of a role may draw, and how much."))

    @app_commands.command(name="list", description=N_("The rules of every role."))
    async def listing(self, interaction: Here) -> None:
        """Show them."""
        await carry_out(interaction, lambda desk: ruling.show(desk, Scope.ROLE))

    @app_commands.command(description=N_("Set what is given; of several roles a member has the best of each figure."))
    @app_commands.describe(
        role=N_("@everyone for all."),
        pictures_per_day=N_("0 forbids drawing."),
        gpu_seconds_per_day=N_("Drawing time a day."),
        running=N_("Pictures drawn at a time."),
        waiting=N_("Open pictures at a time."),
        cooldown=N_("Seconds between two."),
        days_on_server=N_("Days a member must have been here."),
        megapixels=N_("Largest picture."),
        models=N_("Names with commas between; all for no limit."),
        priority=N_("Whose turn comes more often."),
        forget=FORGET,
    )
    @app_commands.choices(
        priority=[Choice(name=name, value=value) for name, value in PRIORITIES.items()],
    )
    @app_commands.choices(forget=forgettable(*RolePolicy.model_fields))
    async def set(
        self,
        interaction: Here,
        role: discord.Role,
        pictures_per_day: app_commands.Range[int, 0, 100_000] | None = None,
        gpu_seconds_per_day: app_commands.Range[int, 0, 10_000_000] | None = None,
        running: app_commands.Range[int, 1, 100] | None = None,
        waiting: app_commands.Range[int, 1, 1000] | None = None,
        cooldown: app_commands.Range[int, 0, 86_400] | None = None,
        days_on_server: app_commands.Range[int, 0, 3650] | None = None,
        megapixels: Megapixels | None = None,
        steps: Steps | None = None,
        count: Count | None = None,
        references: References | None = None,
        models: app_commands.Range[str, 1, 300] | None = None,
        priority: int | None = None,
        forget: str | None = None,
    ) -> None:
        """Keep what is left out."""
        given: dict[str, Any] = {
            "pictures_per_day": pictures_per_day,
            "gpu_seconds_per_day": gpu_seconds_per_day,
            "running": running,
            "waiting": waiting,
            "cooldown_s": cooldown,
            "days_on_server": days_on_server,
            "megapixels": megapixels,
            "steps": steps,
            "count": count,
            "references": references,
            "models": ruling.model_names(models),
            "priority": priority,
            **ruling.forgotten(forget),
        }
        await carry_out(interaction, lambda desk: ruling.change(desk, "roles set", (Scope.ROLE, role.id), given))

    @app_commands.command(description=N_("Remove a role's rules."))
    @app_commands.describe(role=N_("Which one."))
    async def clear(self, interaction: Here, role: discord.Role) -> None:
        """Asked first."""
        question = _("Remove the rules of {subject}?").format(subject=role.mention)
        await carry_out_after_asking(
            interaction, question, _("Remove"), lambda desk: ruling.clear(desk, "roles clear", (Scope.ROLE, role.id))
        )


class ChannelsGroup(app_commands.Group):
    """Where pictures are drawn, and how they are shown there."""

    def __init__(self) -> None:
        super().__init__(name="channels", description=N_("Where pictures are drawn, and whether in threads."))

    @app_commands.command(name="list", description=N_("The rules of every channel."))
    async def listing(self, interaction: Here) -> None:
        """Show them."""
        await carry_out(interaction, lambda desk: ruling.show(desk, Scope.CHANNEL))

    @app_commands.command(description=N_("Set what is given; one allowed channel closes all that are not."))
    @app_commands.describe(
        channel=N_("Its threads follow it."),
        access=N_("Draw here or not."),
        threads=N_("Where results go."),
        forget=FORGET,
    )
    @app_commands.choices(access=_ACCESS, threads=_THREADS, forget=forgettable("access", *_LIMITS))
    async def set(
        self,
        interaction: Here,
        channel: AnyChannel,
        access: str | None = None,
        threads: str | None = None,
        forget: str | None = None,
    ) -> None:
        """Keep what is left out."""
        given = {"access": access, "threads": threads, **ruling.forgotten(forget)}
        await carry_out(
            interaction, lambda desk: ruling.change(desk, "channels set", (Scope.CHANNEL, channel.id), given)
        )

    @app_commands.command(description=N_("What commands take where they and the member leave it out."))
    @app_commands.describe(
        channel=N_("Leave out for the whole server."),
        model=N_("Which model draws."),
        style=N_("Words put around every prompt; one of the styles of /imagine."),
        aspect=N_("Shape of the picture."),
        size=N_("Megapixels (0.5, 1, 2 or 4) or width x height."),
        format=N_("File format of the pictures."),
        upsample=N_("auto writes prompts better where that helps; none leaves them alone."),
        reset=N_("Forget everything that was set before."),
    )
    @app_commands.choices(
        aspect=[Choice(name=name, value=name) for name in (*ASPECTS, MATCH)],
        format=[Choice(name=name, value=name) for name in ("webp", "png", "jpeg")],
    )
    async def defaults(
        self,
        interaction: Here,
        channel: AnyChannel | None = None,
        model: app_commands.Range[str, 1, 100] | None = None,
        style: app_commands.Range[str, 1, 60] | None = None,
        aspect: str | None = None,
        size: app_commands.Range[str, 1, 20] | None = None,
        format: str | None = None,
        upsample: Literal["none", "auto"] | None = None,
        reset: bool = False,
    ) -> None:
        """Keep what is left out; /admin channels list and /admin limits show tell what holds."""
        given = {
            "model": model, "style": style, "aspect": aspect, "size": size, "format": format, "upsample": upsample,
        }  # fmt: skip
        where, known = None if channel is None else channel.id, interaction.client.services.styles
        await carry_out(interaction, lambda desk: ruling.usual(desk, where, given, known, reset=reset))

    @defaults.autocomplete("model")
    async def _models(self, interaction: Here, typed: str) -> list[Choice[str]]:
        return await models_like(interaction, typed)

    @defaults.autocomplete("style")
    async def _styles(self, interaction: Here, typed: str) -> list[Choice[str]]:
        return styles_like(interaction, typed)

    @app_commands.command(description=N_("Remove a channel's rules."))
    @app_commands.describe(channel=N_("Which one."))
    async def clear(self, interaction: Here, channel: AnyChannel) -> None:
        """Asked first: the last allowed channel opens all others."""
        question = _("Remove the rules of {subject}?").format(subject=channel.mention)
        await carry_out_after_asking(
            interaction,
            question,
            _("Remove"),
            lambda desk: ruling.clear(desk, "channels clear", (Scope.CHANNEL, channel.id)),
        )


class LimitsGroup(app_commands.Group):
    """The most one job may ask for, on the server or in a channel."""

    def __init__(self) -> None:
        super().__init__(name="limits", description=N_("The most one picture may ask for."))

    @app_commands.command(description=N_("The limits of this server."))
    async def show(self, interaction: Here) -> None:
        """Show them."""
        await carry_out(interaction, lambda desk: ruling.show(desk, Scope.GUILD))

    @app_commands.command(description=N_("Set limits for this server, or for one channel."))
    @app_commands.describe(
        channel=N_("Leave out for the whole server."), threads=N_("Where results go."), forget=FORGET
    )
    @app_commands.choices(threads=_THREADS, forget=forgettable(*_LIMITS))
    async def set(
        self,
        interaction: Here,
        megapixels: Megapixels | None = None,
        steps: Steps | None = None,
        count: Count | None = None,
        references: References | None = None,
        threads: str | None = None,
        channel: AnyChannel | None = None,
        forget: str | None = None,
    ) -> None:
        """Keep what is left out."""
        given = {
            "megapixels": megapixels, "steps": steps, "count": count, "references": references, "threads": threads,
            **ruling.forgotten(forget),
        }  # fmt: skip
        key = (Scope.GUILD, 0) if channel is None else (Scope.CHANNEL, channel.id)
        await carry_out(interaction, lambda desk: ruling.change(desk, "limits set", key, given))

    @app_commands.command(description=N_("Remove this server's limits."))
    async def clear(self, interaction: Here) -> None:
        """Asked first; models that were switched off stay so."""
        await carry_out_after_asking(
            interaction, _("Remove the limits of this server?"), _("Remove"), ruling.clear_limits
        )


class ModelGroup(app_commands.Group):
    """Which models are drawn with."""

    def __init__(self) -> None:
        super().__init__(name="model", description=N_("Which models are drawn with here."))

    @app_commands.command(name="list", description=N_("Models that are served, and what holds for each."))
    async def listing(self, interaction: Here) -> None:
        """Show them."""
        await carry_out(interaction, ruling.models)

    @app_commands.command(description=N_("Let members draw with a model again."))
    @app_commands.describe(model=N_("Its name."))
    async def enable(self, interaction: Here, model: app_commands.Range[str, 1, 100]) -> None:
        """Undo disable."""
        await carry_out(interaction, lambda desk: ruling.enable_model(desk, model, enabled=True))

    @app_commands.command(description=N_("Let nobody draw with a model here."))
    @app_commands.describe(model=N_("Its name."))
    async def disable(self, interaction: Here, model: app_commands.Range[str, 1, 100]) -> None:
        """Undone by enable."""
        await carry_out(interaction, lambda desk: ruling.enable_model(desk, model, enabled=False))

    @app_commands.command(description=N_("The model of those who name none."))
    @app_commands.describe(model=N_("Its name."))
    async def default(self, interaction: Here, model: app_commands.Range[str, 1, 100]) -> None:
        """Must be served now."""
        await carry_out(interaction, lambda desk: ruling.default_model(desk, model))

    @enable.autocomplete("model")
    @disable.autocomplete("model")
    @default.autocomplete("model")
    async def _names(self, interaction: Here, typed: str) -> list[Choice[str]]:
        return await models_like(interaction, typed)
