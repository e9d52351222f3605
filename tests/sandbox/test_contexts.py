"""Commands outside the bot's servers: a member's own installation, in direct messages and in other servers."""

from __future__ import annotations

import discord
import pytest
from discord import app_commands

from sandbox.guild import Channel
from sandbox.interaction import FOLLOW_UPS, TOKEN_S
from sandbox.member import ClientRefused, Member
from sandbox.permissions import Permission
from sandbox.world import World


@pytest.fixture
def elsewhere(world: World) -> Channel:
    """A channel of a server the bot is no member of; luna is."""
    guild = world.add_guild("Elsewhere", with_bot=False)
    world.join(guild, world.user("luna"))
    world.join(guild, world.user("max"))
    return world.add_channel("abroad", guild=guild)


def _ask(bot: discord.ext.commands.Bot, follow_ups: int = 0, **installs: bool) -> None:
    @bot.tree.command(description="x")
    @app_commands.allowed_installs(**installs)
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
    async def ask(interaction: discord.Interaction) -> None:
        owners = (interaction.is_guild_integration(), interaction.is_user_integration())
        await interaction.response.send_message(f"{owners}")
        for number in range(follow_ups):
            await interaction.followup.send(str(number))


async def test_a_members_own_installation_brings_the_commands_along(connect, world, luna: Member, elsewhere) -> None:
    """Only who added the application has them where it is no member, and only commands that take such use."""

    def prepare(bot: discord.ext.commands.Bot) -> None:
        _ask(bot, guilds=True, users=True)

        @bot.tree.command(description="x")
        @app_commands.allowed_installs(guilds=True, users=False)
        async def ours(interaction: discord.Interaction) -> None:
            await interaction.response.send_message("no")

    await connect(prepare)
    private = world.dm(luna.user, world.user("max"))
    group = world.group(luna.user, world.user("max"), world.user("ada"))
    for place in (elsewhere, private, group):
        assert luna.commands(place) == []
    luna.install()
    for place in (elsewhere, private, group):
        assert [command.name for command in luna.commands(place)] == ["ask"]
    assert [command.name for command in luna.commands("pictures")] == ["ask", "ours"]
    answers = {}
    for name, place in {"home": "pictures", "dm": luna.dm, "abroad": elsewhere, "group": group}.items():
        use = await luna.slash("ask", channel=place)
        answers[name] = (await use.answer()).content
    both, own = "(True, True)", "(False, True)"
    assert answers == {"home": both, "dm": own, "abroad": own, "group": own}


async def test_where_the_bot_is_no_member_five_follow_ups_are_the_most(connect, world, luna: Member, elsewhere) -> None:
    """The sixth is refused with Discord's own code; where the bot is a member nobody counts."""
    refused: list[int] = []

    def prepare(bot: discord.ext.commands.Bot) -> None:
        _ask(bot, FOLLOW_UPS + 1, guilds=True, users=True)

        @bot.tree.error
        async def note(interaction: discord.Interaction, error: app_commands.CommandInvokeError) -> None:
            assert isinstance(error.original, discord.HTTPException)
            refused.append(error.original.code)

    await connect(prepare)
    luna.install()
    use = await luna.slash("ask", channel=elsewhere)
    await world.hub.until(lambda: refused or None, timeout=60)
    assert (refused, len(use.interaction.follow_ups)) == ([40094], FOLLOW_UPS)
    home = await luna.slash("ask")
    await world.hub.until(lambda: len(home.interaction.follow_ups) > FOLLOW_UPS or None, timeout=60)


async def test_a_server_can_keep_members_own_apps_quiet(connect, world, luna: Member, elsewhere) -> None:
    """Without Use External Apps every answer is for the member alone, whatever the application asked for."""
    await connect(lambda bot: _ask(bot, 1, guilds=True, users=True))
    luna.install()
    world.overwrite(elsewhere, luna.user, deny=Permission.USE_EXTERNAL_APPS)
    use = await luna.slash("ask", channel=elsewhere)
    assert (await use.answer()).ephemeral
    assert (await use.follow_up()).ephemeral


async def test_the_token_lives_for_fifteen_minutes(connect, world, luna: Member, elsewhere) -> None:
    """Later follow-ups are refused as with an invalid token, and nobody without the installation presses for more."""
    seen: list[discord.Interaction] = []

    def prepare(bot: discord.ext.commands.Bot) -> None:
        @bot.tree.command(description="x")
        @app_commands.allowed_installs(users=True)
        async def late(interaction: discord.Interaction) -> None:
            await interaction.response.defer()
            seen.append(interaction)

    await connect(prepare)
    luna.install()
    await luna.slash("late", channel=elsewhere)
    await world.hub.until(lambda: seen or None, timeout=60)
    world.clock.advance(TOKEN_S + 1)
    with pytest.raises(discord.HTTPException) as gone:
        await seen[0].followup.send("x")
    assert (gone.value.status, gone.value.code) == (401, 50027)
    with pytest.raises(ClientRefused):
        await Member(world, world.user("max")).slash("late", channel=elsewhere)
