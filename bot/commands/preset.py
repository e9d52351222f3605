"""/preset: options, words around the prompt and pictures, kept under a name and used, shared or deleted by it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import discord
from discord import app_commands
from discord.app_commands import Choice
from pydantic import ValidationError

from bot import answers
from bot.commands import imagine
from bot.gathering import Pointed
from bot.ledger.presets import MAX_PRESETS, Kept, ShelfFull
from bot.options import Options
from bot.presenter import MAX_CONTENT, plain, shorten
from bot.preset import MAX_AFFIX, Preset, is_name
from bot.refusal import Refusal
from flux2.request import MAX_PROMPT, MAX_SEED
from flux2.sizing import ASPECTS, MATCH

if TYPE_CHECKING:
    from bot.client import Flux2Bot

_MAX_CHOICES = 25
_AFFIX_SHOWN = 60
_Name = app_commands.Range[str, 1, 32]


@app_commands.guild_only()
@app_commands.allowed_installs(guilds=True, users=False)
class PresetCommands(app_commands.Group):
    """The command group."""

    def __init__(self) -> None:
        super().__init__(name="preset", description="Keep options, words and pictures under a name.")

    @app_commands.command(description="Keep options, words around the prompt, and pictures of somebody or something.")
    @app_commands.describe(
        name="What to call it: small letters, digits, - and _. With pictures, @name in a prompt stands for them.",
        prefix="Words before every prompt.",
        suffix="Words after every prompt.",
        style="Words put around the prompt as well; one of the styles of /imagine.",
        aspect="Shape of the picture.",
        size="Megapixels (0.5, 1, 2 or 4) or width x height.",
        model="Which model draws.",
        steps="Denoising steps.",
        guidance="How closely the prompt is followed.",
        format="File format of the pictures.",
        quality="Quality of webp and jpeg files, 0 to 100.",
        upsample="Write the prompt better first.",
        image1="A picture of who or what the name stands for.",
        image2="Another one.",
        image3="Another one.",
        image4="Another one.",
    )
    @app_commands.choices(
        aspect=[Choice(name=name, value=name) for name in (*ASPECTS, MATCH)],
        format=[Choice(name=name, value=name) for name in ("webp", "png", "jpeg")],
    )
    async def save(
        self,
        interaction: discord.Interaction[Flux2Bot],
        name: _Name,
        prefix: app_commands.Range[str, 1, MAX_AFFIX] = "",
        suffix: app_commands.Range[str, 1, MAX_AFFIX] = "",
        style: app_commands.Range[str, 1, 60] | None = None,
        aspect: str | None = None,
        size: app_commands.Range[str, 1, 20] | None = None,
        model: app_commands.Range[str, 1, 100] | None = None,
        steps: app_commands.Range[int, 1, 100] | None = None,
        guidance: app_commands.Range[float, 0, 20] | None = None,
        format: str | None = None,
        quality: app_commands.Range[int, 0, 100] | None = None,
        upsample: Literal["none", "local", "openrouter", "auto"] | None = None,
        image1: discord.Attachment | None = None,
        image2: discord.Attachment | None = None,
        image3: discord.Attachment | None = None,
        image4: discord.Attachment | None = None,
    ) -> None:
        """Check the options against the model as /imagine would, keep them."""
        services = interaction.client.services
        attachments = [image for image in (image1, image2, image3, image4) if image is not None]
        services.attachments.check(attachments)
        preset = _preset(
            name=name.lower(), prefix=prefix, suffix=suffix, style=style, aspect=aspect, size=size, model=model,
            steps=steps, guidance=guidance, output_format=format, output_quality=quality, upsample=upsample,
        )  # fmt: skip
        if not await answers.acknowledge(interaction, ephemeral=True):
            return
        chosen = await services.offer.choose(preset.model)
        shapes = tuple((image.width or 1, image.height or 1) for image in attachments)
        preset.under(Options(prompt=preset.around("x")), services.styles).rehearse(chosen, shapes)
        references = await services.attachments.read(attachments)
        preset = preset.model_copy(update={"pictures": references.pictures})
        try:
            replaced = await services.shelf.save(interaction.user.id, preset)
        except ShelfFull as full:
            raise Refusal(
                f"You keep {MAX_PRESETS} presets, which is the most; delete one with /preset delete."
            ) from full
        await interaction.edit_original_response(content=_saved(preset, replaced=replaced))

    @app_commands.command(description="Draw with a preset.")
    @app_commands.describe(
        name="Which preset.",
        prompt="What the picture should show; the preset's own words go around it.",
        image1="A picture to start from or to refer to; it comes before the preset's own.",
        image2="A second one.",
        seed="The same seed and options give the same picture.",
        count="How many pictures; each takes the next seed.",
    )
    async def use(
        self,
        interaction: discord.Interaction[Flux2Bot],
        name: _Name,
        prompt: app_commands.Range[str, 1, MAX_PROMPT],
        image1: discord.Attachment | None = None,
        image2: discord.Attachment | None = None,
        seed: app_commands.Range[int, 0, MAX_SEED] | None = None,
        count: app_commands.Range[int, 1, 10] | None = None,
    ) -> None:
        """As /imagine, with what the preset holds in the place of what is left out."""
        preset = (await _find(interaction, name)).preset
        options = preset.under(
            Options(prompt=preset.around(prompt), seed=seed, count=count), interaction.client.services.styles
        )
        attachments = [image for image in (image1, image2) if image is not None]
        await imagine.draw(interaction, options, Pointed(attachments), pictures=preset.pictures)

    @app_commands.command(name="list", description="Your presets, and those shared with this server.")
    async def show(self, interaction: discord.Interaction[Flux2Bot]) -> None:
        """Show a line for each, to the asker alone."""
        if not await answers.acknowledge(interaction, ephemeral=True):
            return
        kept = await interaction.client.services.shelf.visible(interaction.user.id, interaction.guild_id)
        lines = [_line(one, interaction.user.id) for one in kept]
        text = "\n".join(lines) or "There are no presets yet; keep one with /preset save."
        await interaction.edit_original_response(content=shorten(text, MAX_CONTENT))

    @app_commands.command(description="Let everybody on this server use one of your presets, or stop it.")
    @app_commands.describe(name="Which of your presets.", off="Keep it to yourself again.")
    async def share(self, interaction: discord.Interaction[Flux2Bot], name: _Name, off: bool = False) -> None:
        """Share with this server, or with nobody."""
        if not await answers.acknowledge(interaction, ephemeral=True):
            return
        guild_id = None if off else interaction.guild_id
        if not await interaction.client.services.shelf.share(interaction.user.id, name.lower(), guild_id):
            raise _unknown(name)
        said = "is yours alone again" if off else "can be used by everybody on this server"
        await interaction.edit_original_response(content=f"`{name.lower()}` {said}.")

    @app_commands.command(description="Delete one of your presets.")
    @app_commands.describe(name="Which of your presets.")
    async def delete(self, interaction: discord.Interaction[Flux2Bot], name: _Name) -> None:
        """Forget it; pictures drawn with it stay."""
        if not await answers.acknowledge(interaction, ephemeral=True):
            return
        if not await interaction.client.services.shelf.delete(interaction.user.id, name.lower()):
            raise _unknown(name)
        await interaction.edit_original_response(content=f"Deleted `{name.lower()}`.")

    @save.autocomplete("style")
    async def _styles(self, interaction: discord.Interaction[Flux2Bot], typed: str) -> list[Choice[str]]:
        """Styles of /imagine."""
        return imagine.styles_like(interaction, typed)

    @use.autocomplete("name")
    async def _usable(self, interaction: discord.Interaction[Flux2Bot], typed: str) -> list[Choice[str]]:
        """Own and shared presets."""
        kept = await interaction.client.services.shelf.visible(interaction.user.id, interaction.guild_id)
        return _choices([one.preset.name for one in kept], typed)

    @share.autocomplete("name")
    @delete.autocomplete("name")
    async def _own(self, interaction: discord.Interaction[Flux2Bot], typed: str) -> list[Choice[str]]:
        """Own presets."""
        kept = await interaction.client.services.shelf.visible(interaction.user.id, None)
        return _choices([one.preset.name for one in kept], typed)


def _choices(names: list[str], typed: str) -> list[Choice[str]]:
    found = dict.fromkeys(name for name in names if typed.lower() in name)
    return [Choice(name=name, value=name) for name in found][:_MAX_CHOICES]


def _preset(**values: str | float | None) -> Preset:
    name = str(values["name"])
    if not is_name(name):
        raise Refusal(f"“{plain(name, 32)}” cannot be a name; use small letters, digits, - and _, such as film-noir.")
    try:
        return Preset.model_validate(values)
    except ValidationError as error:
        raise Refusal("A value of this preset is out of range; look at the options again.") from error


async def _find(interaction: discord.Interaction[Flux2Bot], name: str) -> Kept:
    name = name.lower()
    found = await interaction.client.services.shelf.find(interaction.user.id, interaction.guild_id, [name])
    if name not in found:
        raise _unknown(name)
    return found[name]


def _unknown(name: str) -> Refusal:
    return Refusal(f"There is no preset “{plain(name, 32)}”; /preset list shows what there is.")


def _saved(preset: Preset, *, replaced: bool) -> str:
    how = f"/preset use {preset.name}"
    if preset.pictures:
        how += f", or write @{preset.name} in a prompt to bring its pictures along"
    return f"{'Replaced' if replaced else 'Kept'} `{preset.name}`: {_contents(preset)}. Use it with {how}."


def _line(kept: Kept, user_id: int) -> str:
    whose = f" · by <@{kept.user_id}>" if kept.user_id != user_id else " · shared" if kept.shared_with else ""
    return f"`{kept.preset.name}`{whose} · {_contents(kept.preset)}"


def _contents(preset: Preset) -> str:
    parts = [f"{name.removeprefix('output_')} {plain(str(value), 30)}" for name, value in preset.given().items()]
    if preset.prefix or preset.suffix:
        parts.append(f"“{plain(preset.around('…'), _AFFIX_SHOWN)}”")
    if preset.pictures:
        parts.append("1 picture" if len(preset.pictures) == 1 else f"{len(preset.pictures)} pictures")
    return ", ".join(parts) or "nothing yet"


async def setup(bot: Flux2Bot) -> None:
    """Register the group."""
    bot.tree.add_command(PresetCommands())
