"""What members do, through the real discord.py: options, menus, buttons, forms, suggestions."""

from __future__ import annotations

import asyncio
import io

import discord
import pytest
from discord import app_commands

from sandbox.member import ClientRefused, Member, Upload
from sandbox.server import SandboxServer

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360f8cf500f0003860180"
    "5a346e020000000049454e44ae426082"
)


def file(name: str = "a.png", data: bytes = PIXEL, description: str | None = None) -> discord.File:
    """A new file for one sending."""
    return discord.File(io.BytesIO(data), name, description=description)


async def test_buttons_open_forms_and_forms_are_answered(connect, luna) -> None:
    """A press opens a modal; what the member typed, chose and attached arrives with its submit."""
    fields = {
        "text": discord.ui.Label(text="Prompt", component=discord.ui.TextInput(custom_id="text", default="a fox")),
        "style": discord.ui.Label(
            text="Style",
            component=discord.ui.Select(custom_id="style", options=[discord.SelectOption(label="Oil", value="oil")]),
        ),
        "files": discord.ui.Label(
            text="References", component=discord.ui.FileUpload(custom_id="files", max_values=2, required=False)
        ),
    }

    known = asyncio.Event()
    """The library knows its form once Discord has answered."""

    class Form(discord.ui.Modal, title="Edit"):
        text = fields["text"]
        style = fields["style"]
        files = fields["files"]

        async def on_submit(self, interaction: discord.Interaction) -> None:
            read = [await one.read() for one in self.files.component.values]
            said = f"{self.text.component.value} {self.style.component.values} {read}"
            await interaction.response.send_message(said, ephemeral=True)

    class Buttons(discord.ui.View):
        @discord.ui.button(label="Edit")
        async def edit(self, interaction: discord.Interaction, _: discord.ui.Button) -> None:
            await interaction.response.send_modal(Form())
            known.set()

    bot = await connect()
    channel = discord.utils.get(bot.get_all_channels(), name="pictures")
    sent = await channel.send("picture", view=Buttons())
    message = next(one for one in luna.messages() if one.id == sent.id)
    opened = await luna.press(message, "Edit")
    await known.wait()
    assert opened.modal.title == "Edit"
    assert opened.modal.field("Prompt").value == "a fox"
    with pytest.raises(ClientRefused, match="required"):
        await luna.submit(opened.modal, {"Prompt": "", "Style": "Oil"})
    done = await luna.submit(opened.modal, {"Prompt": "a cat", "Style": "Oil", "files": [Upload("b.txt", b"hi")]})
    answer = await done.answer()
    assert answer.content == "a cat ['oil'] [b'hi']"
    assert answer.reference_id == message.id


async def test_a_press_can_be_acknowledged_silently_or_change_its_message(connect, luna) -> None:
    """Type 6 leaves the message as it is, type 7 changes it in place; neither posts anything."""

    class Buttons(discord.ui.View):
        @discord.ui.button(label="Quiet")
        async def quiet(self, interaction: discord.Interaction, _: discord.ui.Button) -> None:
            await interaction.response.defer()

        @discord.ui.button(label="Change")
        async def change(self, interaction: discord.Interaction, _: discord.ui.Button) -> None:
            await interaction.response.edit_message(content="changed", view=None)

    bot = await connect()
    await discord.utils.get(bot.get_all_channels(), name="pictures").send("picture", view=Buttons())
    [message] = luna.messages()
    assert (await luna.press(message, "Quiet")).is_acknowledged
    assert message.content == "picture"
    use = await luna.press(message, "Change")
    assert await use.answer() is message
    assert (message.content, message.components) == ("changed", [])
    assert luna.messages() == [message]


async def test_a_message_menu_shows_the_bot_a_foreign_message_in_full(connect, server, luna) -> None:
    """A context menu's target is readable without the message-content intent, files included."""

    def prepare(bot) -> None:
        @bot.tree.context_menu(name="Describe")
        async def describe(interaction: discord.Interaction, message: discord.Message) -> None:
            said = f"{message.content} {[one.filename for one in message.attachments]}"
            await interaction.response.send_message(said)

    await connect(prepare)
    said = await server.member("max").say("look", files=[Upload("a.png", PIXEL)])
    answer = await (await luna.menu(said, "Describe")).answer()
    assert answer.content == "look ['a.png']"


async def test_suggestions_come_while_an_option_is_typed(connect, luna) -> None:
    """Autocomplete hands the bot what was typed and shows what it suggests; other options are not suggested for."""

    def prepare(bot) -> None:
        @bot.tree.command(description="x")
        async def pick(interaction: discord.Interaction, size: int, model: str) -> None:
            await interaction.response.send_message(model)

        @pick.autocomplete("model")
        async def suggest(interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
            size = interaction.namespace.size
            return [app_commands.Choice(name=f"{typed}ein {size}", value="klein")]

    await connect(prepare)
    choices = await luna.autocomplete("pick", "model", "kl", {"size": 4})
    assert choices == [{"name": "klein 4", "value": "klein"}]
    with pytest.raises(ClientRefused):
        await luna.autocomplete("pick", "size", "4")


async def test_the_members_client_checks_options_as_discords_does(connect, luna) -> None:
    """What does not fit the registered command never reaches the bot."""

    def prepare(bot) -> None:
        @bot.tree.command(description="x")
        @app_commands.choices(shape=[app_commands.Choice(name="Wide", value="16:9")])
        async def make(
            interaction: discord.Interaction,
            prompt: app_commands.Range[str, 2, 5],
            count: app_commands.Range[int, 1, 4] = 1,
            shape: str = "1:1",
            image: discord.Attachment | None = None,
        ) -> None:
            await interaction.response.send_message(f"{prompt} {count} {shape}")

    await connect(prepare)
    refusals = {
        "required": {},
        "min_length": {"prompt": "a"},
        "max_length": {"prompt": "abcdef"},
        "min_value": {"prompt": "abc", "count": 0},
        "max_value": {"prompt": "abc", "count": "5"},
        "number": {"prompt": "abc", "count": "many"},
        "choice": {"prompt": "abc", "shape": "round"},
        "attachment": {"prompt": "abc", "image": "a.png"},
        "too_large": {"prompt": "abc", "image": Upload("a.png", bytes((10 << 20) + 1))},
        "unknown_option": {"prompt": "abc", "colour": "red"},
    }
    for code, options in refusals.items():
        with pytest.raises(ClientRefused) as refused:
            await luna.slash("make", options)
        assert refused.value.code == code
    with pytest.raises(ClientRefused) as unknown:
        await luna.slash("paint")
    assert unknown.value.code == "unknown_command"
    answer = await (await luna.slash("make", {"prompt": "abc", "count": "4", "shape": "Wide"})).answer()
    assert answer.content == "abc 4 16:9"


async def test_subcommands_are_reached_by_words_and_hidden_from_those_without_permission(
    connect, server: SandboxServer, luna: Member
) -> None:
    """A command whose default permissions a member lacks is not offered to them."""

    def prepare(bot) -> None:
        admin = app_commands.Group(
            name="admin", description="x", default_permissions=discord.Permissions(manage_guild=True)
        )

        @admin.command(description="x")
        async def status(interaction: discord.Interaction) -> None:
            await interaction.response.send_message(f"fine, {interaction.command.qualified_name}")

        bot.tree.add_command(admin)

    await connect(prepare)
    ada = server.member("ada")
    assert (await (await ada.slash("admin status")).answer()).content == "fine, admin status"
    with pytest.raises(ClientRefused, match="here for luna: it is for admins"):
        await luna.slash("admin status")
    with pytest.raises(ClientRefused):
        await ada.slash("admin")


async def test_commands_work_in_direct_messages(connect, luna) -> None:
    """A command that allows it is offered in the bot's direct messages and knows a user instead of a member."""

    def prepare(bot) -> None:
        @bot.tree.command(description="x")
        async def ask(interaction: discord.Interaction) -> None:
            await interaction.response.send_message(f"{interaction.guild_id} {interaction.user.name}")

        @bot.tree.command(description="x")
        @app_commands.guild_only()
        async def guilds_only(interaction: discord.Interaction) -> None:
            await interaction.response.send_message("no")

    await connect(prepare)
    answer = await (await luna.slash("ask", channel=luna.dm)).answer()
    assert answer.content == "None luna"
    with pytest.raises(ClientRefused):
        await luna.slash("guilds_only", channel=luna.dm)
