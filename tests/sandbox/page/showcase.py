"""A bot of the real discord.py that uses everything the page has to show. Not a test."""

from __future__ import annotations

import io
from collections.abc import Callable

import discord
from discord import app_commands
from discord.ext import commands
from PIL import Image

CITIES = ("Lisbon", "Lima", "Lyon", "Oslo")


def png(colour: str, size: tuple[int, int] = (320, 200)) -> bytes:
    """A small picture."""
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, "PNG")
    return file.getvalue()


def attachment(colour: str, name: str = "picture.png", alt: str | None = None, **kwargs: bool) -> discord.File:
    """A picture to post."""
    return discord.File(io.BytesIO(png(colour)), name, description=alt, **kwargs)


def choices(*labels: str) -> list[discord.SelectOption]:
    """Options of a select, each worth its label."""
    return [discord.SelectOption(label=label) for label in labels]


class Showcase:
    """Registers the commands and keeps what they were given."""

    def __init__(self) -> None:
        self.given: list[dict[str, object]] = []

    def prepare(self, bot: commands.AutoShardedBot) -> None:
        """Put everything into the bot's tree."""
        for part in (self._paint, self._whisper, self._slow, self._silent, self._form, self._menus):
            part(bot.tree)
        for command in (_everything, _layout, _secret):
            bot.tree.add_command(command)

    def _paint(self, tree: app_commands.CommandTree) -> None:
        async def cities(_: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
            return [app_commands.Choice(name=one, value=one.lower()) for one in CITIES if one.startswith(typed)]

        @tree.command(description="Paint something.")
        @app_commands.describe(subject="What to paint.", image="A picture to start from.", steps="How long to paint.")
        @app_commands.choices(shape=[app_commands.Choice(name="square", value="1:1")])
        @app_commands.autocomplete(city=cities)
        async def paint(
            interaction: discord.Interaction,
            subject: app_commands.Range[str, 3, 40],
            image: discord.Attachment | None = None,
            second: discord.Attachment | None = None,
            steps: app_commands.Range[int, 1, 50] | None = None,
            shape: str | None = None,
            city: str | None = None,
            loud: bool | None = None,
            friend: discord.User | None = None,
        ) -> None:
            files = [await one.read() for one in (image, second) if one is not None]
            self.given.append(
                {
                    "subject": subject,
                    "files": files,
                    "steps": steps,
                    "shape": shape,
                    "city": city,
                    "loud": loud,
                    "friend": friend and friend.name,
                }
            )
            await interaction.response.send_message(f"painted {subject}")

    def _whisper(self, tree: app_commands.CommandTree) -> None:
        @tree.command(description="Say something to you alone.")
        async def whisper(interaction: discord.Interaction) -> None:
            await interaction.response.send_message("psst, nobody else reads this", ephemeral=True)

    def _slow(self, tree: app_commands.CommandTree) -> None:
        @tree.command(description="Think until somebody presses Go.")
        async def slow(interaction: discord.Interaction) -> None:
            self.waiting = interaction  # first: what is waited for may be asked for as soon as it is seen
            await interaction.response.defer()

    def _silent(self, tree: app_commands.CommandTree) -> None:
        @tree.command(description="Never answer.")
        async def silent(interaction: discord.Interaction) -> None:
            return

    def _form(self, tree: app_commands.CommandTree) -> None:
        showcase = self

        class Form(discord.ui.Modal, title="Tell me all"):
            words = discord.ui.Label(
                text="Words",
                description="As many as you like.",
                component=discord.ui.TextInput(style=discord.TextStyle.long),
            )
            colour = discord.ui.Label(
                text="Colour",
                component=discord.ui.Select(options=choices("red", "green", "blue")),
            )
            size = discord.ui.Label(
                text="Size",
                component=discord.ui.RadioGroup(
                    options=[discord.RadioGroupOption(label=one, value=one[0]) for one in ("small", "large")]
                ),
            )
            pictures = discord.ui.Label(
                text="Pictures", component=discord.ui.FileUpload(min_values=1, max_values=3, required=True)
            )

            async def on_submit(self, interaction: discord.Interaction) -> None:
                showcase.given.append(
                    {
                        "words": self.words.component.value,
                        "colour": self.colour.component.values,
                        "size": self.size.component.value,
                        "files": [await one.read() for one in self.pictures.component.values],
                    }
                )
                await interaction.response.send_message("thank you", ephemeral=True)

        @tree.command(description="Open a form.")
        async def form(interaction: discord.Interaction) -> None:
            await interaction.response.send_modal(Form())

    def _menus(self, tree: app_commands.CommandTree) -> None:
        async def shout(interaction: discord.Interaction, message: discord.Message) -> None:
            await interaction.response.send_message(f"{message.content.upper()}!", ephemeral=True)

        async def wave(interaction: discord.Interaction, user: discord.User) -> None:
            await interaction.response.send_message(f"waves at {user.name}", ephemeral=True)

        tree.add_command(app_commands.ContextMenu(name="Shout", callback=shout))
        tree.add_command(app_commands.ContextMenu(name="Wave", callback=wave))


@app_commands.command(name="everything", description="A message with embeds, buttons and selects.")
async def _everything(interaction: discord.Interaction) -> None:
    card = discord.Embed(title="A card", description="with **words**", colour=0xFF9166)
    card.add_field(name="Steps", value="28").add_field(name="Seed", value="`7`").set_footer(text="the end")
    await interaction.response.send_message("Look", embed=card, view=Controls())


class Controls(discord.ui.View):
    """One of each."""

    @discord.ui.button(label="Count", style=discord.ButtonStyle.primary)
    async def count(self, interaction: discord.Interaction, button: discord.ui.Button[Controls]) -> None:
        """Count how often it was pressed, in the message."""
        assert interaction.message is not None
        before = interaction.message.content.removeprefix("Pressed ")
        number = int(before) if before.isdecimal() else 0
        await interaction.response.edit_message(content=f"Pressed {number + 1}")

    @discord.ui.button(label="Nothing", style=discord.ButtonStyle.danger)
    async def nothing(self, interaction: discord.Interaction, button: discord.ui.Button[Controls]) -> None:
        """Never answer."""

    @discord.ui.button(label="Off", disabled=True)
    async def off(self, interaction: discord.Interaction, button: discord.ui.Button[Controls]) -> None:
        """Cannot be pressed."""

    @discord.ui.select(
        placeholder="Pick fruit",
        min_values=1,
        max_values=2,
        options=choices("Apple", "Fig", "Pear"),
    )
    async def fruit(self, interaction: discord.Interaction, select: discord.ui.Select[Controls]) -> None:
        """Say what was chosen."""
        await interaction.response.send_message("You chose " + " and ".join(select.values), ephemeral=True)

    @discord.ui.select(cls=discord.ui.UserSelect, placeholder="Pick a member")
    async def member(self, interaction: discord.Interaction, select: discord.ui.UserSelect[Controls]) -> None:
        """Say who was chosen."""
        await interaction.response.send_message(f"You chose {select.values[0].name}", ephemeral=True)


@app_commands.command(name="layout", description="A message of components alone.")
async def _layout(interaction: discord.Interaction) -> None:
    ui = discord.ui
    view = ui.LayoutView()
    section = ui.Section(
        ui.TextDisplay("## A section\nwith a thumbnail"), accessory=ui.Thumbnail("attachment://one.png")
    )
    gallery = ui.MediaGallery(
        discord.MediaGalleryItem("attachment://one.png", description="The first picture"),
        discord.MediaGalleryItem("attachment://two.png", description="The second picture"),
    )
    row: ui.ActionRow[ui.LayoutView] = ui.ActionRow(ui.Button(label="Documentation", url="https://example.com/"))
    view.add_item(ui.Container(section, ui.Separator(), gallery, row, accent_colour=0x5CC8B4))
    await interaction.response.send_message(
        view=view, files=[attachment("teal", "one.png"), attachment("orange", "two.png")]
    )


@app_commands.command(name="secret", description="For those who manage the server.")
@app_commands.default_permissions(manage_guild=True)
async def _secret(interaction: discord.Interaction) -> None:
    await interaction.response.send_message("You may.", ephemeral=True)


Prepare = Callable[[commands.AutoShardedBot], None]
