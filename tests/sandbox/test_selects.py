"""Selects as the real discord.py hears of them, in messages and in forms: strings, members, roles, channels."""

from __future__ import annotations

import asyncio

import discord
import pytest

from sandbox.member import ClientRefused


def answering(select: discord.ui.Select, heard: asyncio.Future[list[object]]) -> discord.ui.View:
    """A view with one select that tells what it heard."""

    async def callback(interaction: discord.Interaction) -> None:
        heard.set_result(list(select.values))
        await interaction.response.defer()

    select.callback = callback
    return discord.ui.View().add_item(select)


async def test_strings_arrive_by_value(bot, pictures, world, luna) -> None:
    """An option named by its label is sent as its value."""
    heard = asyncio.get_running_loop().create_future()
    options = [discord.SelectOption(label=one, value=one[0]) for one in ("red", "green", "blue")]
    select = discord.ui.Select(placeholder="Colour", max_values=2, options=options)
    sent = await pictures.send("pick", view=answering(select, heard))
    await luna.select(world.message(sent.id), "Colour", "green", "b")
    assert await heard == ["g", "b"]


@pytest.mark.parametrize("kind", ["UserSelect", "MentionableSelect", "RoleSelect", "ChannelSelect"])
async def test_who_and_where_arrive_as_what_they_are(bot, pictures, world, luna, kind) -> None:
    """Ids come with the nouns they stand for, which the library turns into objects."""
    heard = asyncio.get_running_loop().create_future()
    select = getattr(discord.ui, kind)(placeholder="Which")
    sent = await pictures.send("pick", view=answering(select, heard))
    role = next(role for role in world.guild.roles.values() if role.name == "Admins")
    chosen = {"RoleSelect": role, "ChannelSelect": world.channel("lounge")}.get(kind, world.user("max"))
    await luna.select(world.message(sent.id), "Which", chosen)
    assert [one.id for one in await heard] == [chosen.id]


async def test_what_is_not_there_cannot_be_chosen(bot, pictures, world, luna) -> None:
    """The client offers only what exists."""
    heard = asyncio.get_running_loop().create_future()
    sent = await pictures.send("pick", view=answering(discord.ui.UserSelect(placeholder="Which"), heard))
    with pytest.raises(ClientRefused):
        await luna.select(world.message(sent.id), "Which", 4)


async def test_a_form_takes_members(connect, luna, world) -> None:
    """A member chosen in a form arrives as a member."""
    heard = asyncio.get_running_loop().create_future()
    known = asyncio.Event()
    """The library knows its form once Discord has answered."""

    class Form(discord.ui.Modal, title="Who"):
        who = discord.ui.Label(text="Who", component=discord.ui.UserSelect())

        async def on_submit(self, interaction: discord.Interaction) -> None:
            heard.set_result(self.who.component.values)
            await interaction.response.defer()

    def prepare(bot) -> None:
        @bot.tree.command(description="x")
        async def ask(interaction: discord.Interaction) -> None:
            await interaction.response.send_modal(Form())
            known.set()

    await connect(prepare)
    use = await luna.slash("ask")
    await known.wait()
    await luna.submit(use.modal, {"Who": world.user("max")})
    assert [one.id for one in await heard] == [world.user("max").id]
