"""/scene: a form that asks for a picture part by part; what is filled in becomes a JSON prompt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.app_commands import Choice

from bot.commands.imagine import check_payload, models_like
from bot.gathering import Pointed
from bot.interactions.scene import scene_modal
from bot.language import N_
from bot.options import Options
from flux2.request import MAX_SEED
from flux2.sizing import ASPECTS

if TYPE_CHECKING:
    from bot.client import Flux2Bot


@app_commands.command(description=N_("Describe a picture part by part in a form: subjects, look, colours, camera."))
@app_commands.describe(
    aspect=N_("Shape of the picture."),
    size=N_("Megapixels (0.5, 1, 2 or 4) or width x height, such as 1024x768."),
    model=N_("Which model draws."),
    seed=N_("The same seed and options give the same picture."),
    count=N_("How many pictures; each takes the next seed."),
    private=N_("Only you see it; not possible while the wait is over 12 minutes."),
)
@app_commands.choices(aspect=[Choice(name=name, value=name) for name in ASPECTS])
async def scene(
    interaction: discord.Interaction[Flux2Bot],
    aspect: str | None = None,
    size: app_commands.Range[str, 1, 20] | None = None,
    model: app_commands.Range[str, 1, 60] | None = None,
    seed: app_commands.Range[int, 0, MAX_SEED] | None = None,
    count: app_commands.Range[int, 1, 10] | None = None,
    private: bool | None = None,
) -> None:
    """Open the form: it must be the first answer, so what can be refused is refused before anybody types."""
    options = Options(prompt="a scene", aspect=aspect, size=size, model=model, seed=seed, count=count)
    if private is None:
        private = await interaction.client.services.shelf.draws_in_private(interaction.user.id)
    check_payload(interaction, options, Pointed(), private=private)
    await interaction.response.send_modal(scene_modal(options, private=private))


@scene.autocomplete("model")
async def _models(interaction: discord.Interaction[Flux2Bot], typed: str) -> list[Choice[str]]:
    """Models the workers serve."""
    return await models_like(interaction, typed)


async def setup(bot: Flux2Bot) -> None:
    """Register the command."""
    bot.tree.add_command(scene)
