"""What may be registered as a command, and how registering behaves over time."""

from __future__ import annotations

from typing import Any

import discord
import pytest
from discord import app_commands

from sandbox.command import CommandRegistry
from sandbox.wire import ApiError


def option(**changes: Any) -> dict[str, Any]:
    """A string option."""
    return {"type": 3, "name": "o", "description": "x", **changes}


def command(*options: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A chat command."""
    return {"name": "make", "description": "x", "options": list(options), **changes}


@pytest.fixture
def registry(world) -> CommandRegistry:
    """An empty registry."""
    return world.commands


@pytest.mark.parametrize(
    ("payload", "path"),
    [
        (command(name="Make"), "name"),
        (command(name="x" * 33), "name"),
        (command(name="two words"), "name"),
        (command(description=""), "description"),
        (command(description="x" * 101), "description"),
        (command(*[option(name=f"o{i}") for i in range(26)]), "options"),
        (command(option(), option()), "options.1"),
        (command(option(), option(name="b", required=True)), "options.1"),
        (command(option(choices=[{"name": str(i), "value": str(i)} for i in range(26)])), "options.0.choices"),
        (command(option(choices=[{"name": "a", "value": 1}])), "options.0.choices.0.value"),
        (command(option(choices=[{"name": "a", "value": "a"}], autocomplete=True)), "options.0.autocomplete"),
        (command(option(type=5, autocomplete=True)), "options.0"),
        (command(option(max_length=6001)), "options.0.max_length"),
        (command(option(max_value=3)), "options.0.max_value"),
        (command(option(type=12)), "options.0.type"),
        (command(option(), option(name="s", type=1)), "options"),
        (command(name=""), "name"),
        ({"type": 3, "name": "Edit", "description": "x"}, "description"),
        ({"type": 4, "name": "Edit"}, "type"),
    ],
)
def test_unacceptable_commands_are_refused_where_they_are_wrong(registry, payload, path) -> None:
    """One 50035 naming the field, with the command's index in front in a bulk overwrite."""
    for attempt, prefix in (
        (lambda: registry.create(None, payload), ""),
        (lambda: registry.overwrite(None, [payload]), "0."),
    ):
        with pytest.raises(ApiError) as error:
            attempt()
        node = error.value.extra["errors"]
        for part in f"{prefix}{path}".split("."):
            node = node[part]
        assert node["_errors"]


def test_a_command_may_have_8000_characters(registry) -> None:
    """Names, descriptions and values count together."""
    choices = [{"name": "n" * 50, "value": "v" * 50} for _ in range(25)]
    for choice, number in zip(choices, range(25), strict=True):
        choice["name"] = f"{number:02}" + "n" * 48
    three = [option(name=f"o{i}", choices=choices) for i in range(3)]
    registry.create(None, command(*three))
    with pytest.raises(ApiError):
        registry.create(None, command(*three, option(name="o3", choices=choices)))


@pytest.mark.parametrize(("kind", "maximum"), [(1, 100), (2, 15), (3, 15)])
def test_a_scope_holds_so_many_of_each_kind(registry, kind, maximum) -> None:
    """100 chat commands, 15 of each menu; one more is 30032."""
    body = {"description": "x"} if kind == 1 else {}
    payloads = [{"type": kind, "name": f"c{i}", **body} for i in range(maximum + 1)]
    registry.overwrite(None, payloads[:-1])
    with pytest.raises(ApiError) as error:
        registry.create(None, payloads[-1])
    assert error.value.code == 30032


def test_an_overwrite_keeps_ids_and_moves_versions_of_what_changed(registry) -> None:
    """A command that keeps its name keeps its id; its version moves only if it changed; others vanish."""
    a, b = registry.overwrite(None, [command(name="a"), command(name="b")])
    versions = (a.version, b.version)
    c, d = registry.overwrite(None, [command(name="a"), command(name="b", description="new")])
    assert (a.id, b.id) == (c.id, d.id)
    assert c.version == versions[0]
    assert d.version > versions[1]
    registry.overwrite(None, [command(name="a")])
    assert [one.name for one in registry.all()] == ["a"]


def test_two_hundred_new_commands_a_day(registry, world) -> None:
    """New names are counted, changed ones are not; the next day is fresh."""
    for day in range(2):
        for batch in range(2):
            registry.overwrite(None, [command(name=f"d{day}b{batch}c{i}") for i in range(100)])
        registry.overwrite(None, [command(name=f"d{day}b1c{i}", description="new") for i in range(100)])
        with pytest.raises(ApiError) as error:
            registry.overwrite(None, [command(name="one-more")])
        assert error.value.code == 30034
        world.clock.advance(86_401)


async def test_the_library_syncs_per_guild_and_globally(connect, world) -> None:
    """Guild commands are offered in their guild before global ones of the same name."""

    def prepare(bot) -> None:
        @bot.tree.command(description="everywhere")
        async def ask(interaction: discord.Interaction) -> None:
            await interaction.response.send_message("x")

        @bot.tree.command(description="here", name="ask", guild=discord.Object(world.guild.id))
        async def ask_here(interaction: discord.Interaction) -> None:
            await interaction.response.send_message("x")

    bot = await connect(prepare)
    synced = await bot.tree.sync(guild=discord.Object(world.guild.id))
    assert world.commands.find("ask", world.guild.id).id == synced[0].id
    assert world.commands.find("ask", None).payload["description"] == "everywhere"
    assert {one.name for one in await bot.tree.fetch_commands()} == {"ask"}
    assert len(world.commands) == 2


async def test_a_single_command_can_be_edited_and_deleted(connect, world) -> None:
    """Edits keep what they do not name; a deleted command is unknown."""

    def prepare(bot) -> None:
        @bot.tree.command(description="x")
        @app_commands.describe(a="an option")
        async def ask(interaction: discord.Interaction, a: str) -> None:
            await interaction.response.send_message(a)

    bot = await connect(prepare)
    [registered] = await bot.tree.fetch_commands()
    edited = await registered.edit(description="new")
    assert (edited.description, edited.options[0].description) == ("new", "an option")
    await edited.delete()
    assert len(world.commands) == 0
    with pytest.raises(discord.NotFound) as error:
        await edited.delete()
    assert error.value.code == 10063
