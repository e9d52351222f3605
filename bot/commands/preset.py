"""/preset: options, words around the prompt and pictures, kept under a name and used, shared or deleted by it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import discord
from discord import app_commands
from discord.app_commands import Choice
from pydantic import ValidationError

from bot import answers, contexts
from bot.commands import imagine
from bot.gathering import Pointed
from bot.interactions.dialogue import show_pages
from bot.language import N_, _, ngettext
from bot.ledger.presets import MAX_PRESETS, Kept, ShelfFull
from bot.options import Options
from bot.presenter import plain
from bot.preset import MAX_AFFIX, Preset, is_name
from bot.refusal import Refusal
from flux2.request import MAX_PROMPT, MAX_SEED
from flux2.sizing import ASPECTS, MATCH

if TYPE_CHECKING:
    from bot.client import Flux2Bot

_MAX_CHOICES = 25
_AFFIX_SHOWN = 60
_Name = app_commands.Range[str, 1, 32]


class PresetCommands(app_commands.Group):
    """The command group."""

    def __init__(self) -> None:
        super().__init__(name="preset", description=N_("Keep options, words and pictures under a name."))

    @app_commands.command(
        description=N_("Keep options, words around the prompt, and pictures of somebody or something.")
    )
    @app_commands.describe(
        name=N_("What to call it: small letters, digits, - and _. With pictures, @name in a prompt stands for them."),
        prefix=N_("Words before every prompt."),
        suffix=N_("Words after every prompt."),
        style=N_("Words put around the prompt as well; one of the styles of /imagine."),
        aspect=N_("Shape of the picture."),
        size=N_("Megapixels (0.5, 1, 2 or 4) or width x height."),
        model=N_("Which model draws."),
        steps=N_("Denoising steps."),
        guidance=N_("How closely the prompt is followed."),
        format=N_("File format of the pictures."),
        quality=N_("Quality of webp and jpeg files, 0 to 100."),
        upsample=N_("Write the prompt better first."),
        image1=N_("A picture of who or what the name stands for."),
        image2=N_("Another one."),
        image3=N_("Another one."),
        image4=N_("Another one."),
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
        if not (attachments or prefix or suffix or preset.given()):
            raise Refusal(_("A preset keeps options, words or pictures; give at least one of them beside its name."))
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
                _("You keep {count} presets, which is the most; delete one with /preset delete.").format(
                    count=MAX_PRESETS
                )
            ) from full
        await interaction.edit_original_response(content=_saved(preset, replaced=replaced))

    @app_commands.command(description=N_("Draw with a preset."))
    @app_commands.describe(
        name=N_("Which preset."),
        prompt=N_("What the picture should show; the preset's own words go around it."),
        image1=N_("A picture to start from or to refer to; it comes before the preset's own."),
        image2=N_("A second one."),
        seed=N_("The same seed and options give the same picture."),
        count=N_("How many pictures; each takes the next seed."),
        private=N_("Only you see it; not possible while the wait is over 12 minutes."),
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
        private: bool | None = None,
    ) -> None:
        """As /imagine, with what the preset holds in the place of what is left out."""
        preset = (await _find(interaction, name)).preset
        options = preset.under(
            Options(prompt=preset.around(prompt), seed=seed, count=count), interaction.client.services.styles
        )
        attachments = [image for image in (image1, image2) if image is not None]
        await imagine.draw(interaction, options, Pointed(attachments), pictures=preset.pictures, private=private)

    @app_commands.command(name="list", description=N_("Your presets, and those shared with this server."))
    async def show(self, interaction: discord.Interaction[Flux2Bot]) -> None:
        """Show a line for each, to the asker alone."""
        if not await answers.acknowledge(interaction, ephemeral=True):
            return
        kept = await interaction.client.services.shelf.visible(interaction.user.id, contexts.server_of(interaction))
        lines = [_line(one, interaction.user.id) for one in kept]
        empty = _("There are no presets yet; keep one with /preset save.")
        await show_pages(interaction, _("Presets"), lines, empty)

    @app_commands.command(description=N_("Let everybody on this server use one of your presets, or stop it."))
    @app_commands.describe(name=N_("Which of your presets."), off=N_("Keep it to yourself again."))
    async def share(self, interaction: discord.Interaction[Flux2Bot], name: _Name, off: bool = False) -> None:
        """Share with this server, or with nobody."""
        if not await answers.acknowledge(interaction, ephemeral=True):
            return
        guild_id = None if off else contexts.server_of(interaction)
        if guild_id is None and not off:
            raise Refusal(_("A preset is shared with a server: use this on the one whose members should have it."))
        if not await interaction.client.services.shelf.share(interaction.user.id, name.lower(), guild_id):
            raise _unknown(name)
        said = _("`{name}` is yours alone again.") if off else _("`{name}` can be used by everybody on this server.")
        await interaction.edit_original_response(content=said.format(name=name.lower()))

    @app_commands.command(description=N_("Delete one of your presets."))
    @app_commands.describe(name=N_("Which of your presets."))
    async def delete(self, interaction: discord.Interaction[Flux2Bot], name: _Name) -> None:
        """Forget it; pictures drawn with it stay."""
        if not await answers.acknowledge(interaction, ephemeral=True):
            return
        if not await interaction.client.services.shelf.delete(interaction.user.id, name.lower()):
            raise _unknown(name)
        await interaction.edit_original_response(content=_("Deleted `{name}`.").format(name=name.lower()))

    @save.autocomplete("style")
    async def _styles(self, interaction: discord.Interaction[Flux2Bot], typed: str) -> list[Choice[str]]:
        """Styles of /imagine."""
        return imagine.styles_like(interaction, typed)

    @use.autocomplete("name")
    async def _usable(self, interaction: discord.Interaction[Flux2Bot], typed: str) -> list[Choice[str]]:
        """Own and shared presets."""
        kept = await interaction.client.services.shelf.visible(interaction.user.id, contexts.server_of(interaction))
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
        raise Refusal(
            _("“{name}” cannot be a name; use small letters, digits, - and _, such as film-noir.").format(
                name=plain(name, 32)
            )
        )
    try:
        return Preset.model_validate(values)
    except ValidationError as error:
        raise Refusal(_("A value of this preset is out of range; look at the options again.")) from error


async def _find(interaction: discord.Interaction[Flux2Bot], name: str) -> Kept:
    name = name.lower()
    found = await interaction.client.services.shelf.find(interaction.user.id, contexts.server_of(interaction), [name])
    if name not in found:
        raise _unknown(name)
    return found[name]


def _unknown(name: str) -> Refusal:
    return Refusal(_("There is no preset “{name}”; /preset list shows what there is.").format(name=plain(name, 32)))


def _saved(preset: Preset, *, replaced: bool) -> str:
    how = f"/preset use {preset.name}"
    if preset.pictures:
        how = _("{command}, or write @{name} in a prompt to bring its pictures along").format(
            command=how, name=preset.name
        )
    said = _("Replaced `{name}`: {contents}. Use it with {how}.")
    if not replaced:
        said = _("Kept `{name}`: {contents}. Use it with {how}.")
    return said.format(name=preset.name, contents=_contents(preset), how=how)


def _line(kept: Kept, user_id: int) -> str:
    parts = [f"`{kept.preset.name}`", _contents(kept.preset)]
    if kept.user_id != user_id:
        parts.insert(1, _("by {member}").format(member=f"<@{kept.user_id}>"))
    elif kept.shared_with:
        parts.insert(1, _("shared"))
    return " · ".join(parts)


def _contents(preset: Preset) -> str:
    parts = [f"{name.removeprefix('output_')} {plain(str(value), 30)}" for name, value in preset.given().items()]
    if preset.prefix or preset.suffix:
        parts.append(f"“{plain(preset.around('…'), _AFFIX_SHOWN)}”")
    if preset.pictures:
        count = len(preset.pictures)
        parts.append(ngettext("{count} picture", "{count} pictures", count).format(count=count))
    return ", ".join(parts)


async def setup(bot: Flux2Bot) -> None:
    """Register the group."""
    bot.tree.add_command(PresetCommands())
