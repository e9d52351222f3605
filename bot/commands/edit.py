"""/edit: a picture and what should change; further pictures may be referred to as in /imagine, whose way it goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.app_commands import Choice

from bot.commands import imagine
from bot.gathering import Pointed
from bot.interactions.where import regions_like
from bot.language import N_
from bot.options import Options
from flux2.region import parse
from flux2.request import MAX_PROMPT, MAX_SEED
from flux2.sizing import ASPECTS, MATCH

if TYPE_CHECKING:
    from bot.client import Flux2Bot


@app_commands.command(description=N_("Change a picture of your own: say what should be different."))
@app_commands.describe(
    image=N_("The picture to change, “image 1” in the prompt."),
    prompt=N_("What should be different, such as “make it night”; the rest stays."),
    image2=N_("A further picture to take something from, “image 2” in the prompt."),
    image3=N_("A third one."),
    image4=N_("A fourth one."),
    link=N_("A link to a message whose pictures follow the attached ones."),
    avatar=N_("A member whose avatar follows as a reference."),
    tray=N_("Let the pictures of your reference tray follow as references."),
    region=N_("Change only these cells of a three by three grid, such as A1-B2; the rest keeps every pixel."),
    mask=N_("Change only what is white in this mask, or circled or painted over on a copy of the picture."),
    aspect=N_("Shape of the result; left out, that of the picture."),
    size=N_("Megapixels (0.5, 1, 2 or 4) or width x height, such as 1024x768."),
    model=N_("Which model draws."),
    steps=N_("Denoising steps: more is slower, and often finer."),
    guidance=N_("How closely the prompt is followed."),
    seed=N_("The same seed and options give the same picture."),
    count=N_("How many tries; each takes the next seed."),
    format=N_("File format of the result."),
    quality=N_("Quality of webp and jpeg files, 0 to 100."),
    private=N_("Only you see it; not possible while the wait is over 12 minutes."),
)
@app_commands.choices(
    aspect=[Choice(name=name, value=name) for name in (*ASPECTS, MATCH)],
    format=[Choice(name=name, value=name) for name in ("webp", "png", "jpeg")],
)
async def edit(
    interaction: discord.Interaction[Flux2Bot],
    image: discord.Attachment,
    prompt: app_commands.Range[str, 1, MAX_PROMPT],
    image2: discord.Attachment | None = None,
    image3: discord.Attachment | None = None,
    image4: discord.Attachment | None = None,
    link: app_commands.Range[str, 1, imagine.MAX_LINK] | None = None,
    avatar: discord.User | discord.Member | None = None,
    tray: bool = False,
    region: app_commands.Range[str, 1, 60] | None = None,
    mask: discord.Attachment | None = None,
    aspect: str | None = None,
    size: app_commands.Range[str, 1, 20] | None = None,
    model: app_commands.Range[str, 1, 100] | None = None,
    steps: app_commands.Range[int, 1, 100] | None = None,
    guidance: app_commands.Range[float, 0, 20] | None = None,
    seed: app_commands.Range[int, 0, MAX_SEED] | None = None,
    count: app_commands.Range[int, 1, 10] | None = None,
    format: str | None = None,
    quality: app_commands.Range[int, 0, 100] | None = None,
    private: bool | None = None,
) -> None:
    """Gather the options; `imagine.draw` does the rest."""
    options = Options(
        prompt=prompt,
        region=parse(region) if region else (),
        # What a member prefers for new pictures must not bend one that is being changed.
        aspect=aspect or (None if size and "x" in size.lower() else MATCH),
        size=size,
        model=model,
        steps=steps,
        guidance=guidance,
        seed=seed,
        count=count,
        output_format=format,
        output_quality=quality,
    )
    attachments = [one for one in (image, image2, image3, image4) if one is not None]
    pointed = Pointed(attachments, link, avatar, tray, mask)
    await imagine.draw(interaction, options, pointed, source="edit", private=private)


@edit.autocomplete("region")
async def _regions(interaction: discord.Interaction[Flux2Bot], typed: str) -> list[Choice[str]]:
    """Cells and rows of cells by name or place."""
    return regions_like(typed)


@edit.autocomplete("model")
async def _models(interaction: discord.Interaction[Flux2Bot], typed: str) -> list[Choice[str]]:
    """Models the workers serve."""
    return await imagine.models_like(interaction, typed)


@edit.autocomplete("size")
async def _sizes(interaction: discord.Interaction[Flux2Bot], typed: str) -> list[Choice[str]]:
    """Sizes the chosen model draws."""
    return await imagine.sizes_like(interaction, typed)


async def setup(bot: Flux2Bot) -> None:
    """Register the command."""
    bot.tree.add_command(edit)
