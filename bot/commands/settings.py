"""/settings: what a member prefers wherever a command leaves an option out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import discord
from discord import app_commands
from discord.app_commands import Choice

from bot import answers
from bot.commands.imagine import models_like, styles_like
from bot.language import N_, _
from bot.options import Options
from bot.presenter import plain
from bot.preset import Preferences
from flux2.sizing import ASPECTS, MATCH

if TYPE_CHECKING:
    from bot.client import Flux2Bot


@app_commands.command(
    description=N_("What you prefer wherever a command leaves it out; without options, what is set now.")
)
@app_commands.describe(
    style=N_("Words put around every prompt; one of the styles of /imagine."),
    model=N_("Which model draws."),
    aspect=N_("Shape of the picture."),
    size=N_("Megapixels (0.5, 1, 2 or 4) or width x height."),
    format=N_("File format of the pictures."),
    quality=N_("Quality of webp and jpeg files, 0 to 100."),
    upsample=N_("auto writes prompts better where that helps; none leaves them alone."),
    dm=N_("Send you a direct message with a link when a picture is there."),
    private=N_("Let what you draw with commands be seen by you alone."),
    reset=N_("Forget everything that was set before."),
)
@app_commands.choices(
    aspect=[Choice(name=name, value=name) for name in (*ASPECTS, MATCH)],
    format=[Choice(name=name, value=name) for name in ("webp", "png", "jpeg")],
)
async def settings(
    interaction: discord.Interaction[Flux2Bot],
    style: app_commands.Range[str, 1, 60] | None = None,
    model: app_commands.Range[str, 1, 100] | None = None,
    aspect: str | None = None,
    size: app_commands.Range[str, 1, 20] | None = None,
    format: str | None = None,
    quality: app_commands.Range[int, 0, 100] | None = None,
    upsample: Literal["none", "auto"] | None = None,
    dm: bool | None = None,
    private: bool | None = None,
    reset: bool = False,
) -> None:
    """Change what was given, check it as a whole against the model, keep it, show it."""
    given = Preferences(
        style=style, model=model, aspect=aspect, size=size, output_format=format, output_quality=quality,
        upsample=upsample,
    ).given()  # fmt: skip
    if not await answers.acknowledge(interaction, ephemeral=True):
        return
    services = interaction.client.services
    before = await services.shelf.preferences(interaction.user.id)
    if reset:
        before = Preferences(knows_of_ping=before.knows_of_ping)
    said = {"dm_on_finish": dm, "is_private": private}
    told = {name: value for name, value in said.items() if value is not None}
    # Width x height says its own shape: of the two the newer one holds.
    if size and "x" in size.lower() and not aspect:
        before = before.model_copy(update={"aspect": None})
    elif aspect and "x" in (before.size or "").lower() and not size:
        before = before.model_copy(update={"size": None})
    preferred = before.model_copy(update=given | told)
    if given:
        chosen = await services.offer.choose(preferred.model)
        preferred.under(Options(prompt="x"), services.styles).settle(chosen)
    if given or told or reset:
        await services.shelf.set_preferences(interaction.user.id, preferred)
    await interaction.edit_original_response(content=_shown(preferred))


def _shown(preferred: Preferences) -> str:
    set_now = [f"{name.removeprefix('output_')} {plain(str(value), 100)}" for name, value in preferred.given().items()]
    if preferred.dm_on_finish:
        set_now.append(_("a direct message when a picture is there"))
    if preferred.is_private:
        set_now.append(_("pictures that only you see"))
    if not set_now:
        return _("You prefer nothing in particular: what a command leaves out, the model decides.")
    return _("Unless a command says otherwise, you get {set_now}; /settings reset:True forgets that.").format(
        set_now=", ".join(set_now)
    )


@settings.autocomplete("style")
async def _styles(interaction: discord.Interaction[Flux2Bot], typed: str) -> list[Choice[str]]:
    """Styles of /imagine."""
    return styles_like(interaction, typed)


@settings.autocomplete("model")
async def _models(interaction: discord.Interaction[Flux2Bot], typed: str) -> list[Choice[str]]:
    """Models the workers serve."""
    return await models_like(interaction, typed)


async def setup(bot: Flux2Bot) -> None:
    """Register the command."""
    bot.tree.add_command(settings)
