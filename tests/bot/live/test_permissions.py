"""Who may use which command: a matrix made from the commands as they are registered, tried one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from bot.client import Flux2Bot
from bot.ledger.audit import Actor
from config.settings import BotSettings
from sandbox.member import ClientRefused, Member
from sandbox.permissions import Permission
from sandbox.server import SandboxServer

Gpu = Any
Start = Callable[[BotSettings], AbstractAsyncContextManager[Flux2Bot]]
NEEDS_ADMIN = ("admin", "doctor")
OPERATORS = (
    "admin drain",
    "admin pause",
    "admin queue move",
    "admin resume",
    "admin workers drain",
    "admin workers list",
    "admin workers restart",
    "admin workers resume",
)
"""With several servers these are the operator's alone."""
DRAWS = ("imagine", "enhance")
"""Commands that end in a job and need neither a form nor a file; a banned member is refused at once."""
_ADMINS_ONLY = "This needs the Manage Server permission; ask an admin of this server."
_SUB, _GROUP = 1, 2


def leaves(server: SandboxServer) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Every slash command there is, with its options."""

    def below(words: str, options: list[dict[str, Any]]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        nested = [one for one in options if one["type"] in (_SUB, _GROUP)]
        if not nested:
            yield words, options
        for one in nested:
            yield from below(f"{words} {one['name']}", one.get("options") or [])

    for command in server.world.commands.offered(None):
        if command.type == 1:
            yield from below(command.name, command.payload.get("options") or [])


def filled(server: SandboxServer, options: list[dict[str, Any]]) -> dict[str, Any]:
    """A value for each option that is required."""
    world = server.world
    values: dict[int, Any] = {
        4: 1,
        5: True,
        6: world.user("max"),
        7: world.channel("lounge"),
        8: next(iter(world.guild.roles.values())),
        10: 1.0,
    }

    def value(option: dict[str, Any]) -> Any:
        if option.get("choices"):
            return option["choices"][0]["value"]
        return "f" * max(option.get("min_length", 1), 1) if option["type"] == 3 else values[option["type"]]

    return {one["name"]: value(one) for one in options if one.get("required") and one["type"] != 11}


def show_all(server: SandboxServer) -> None:
    """Let every member see every command, as a server's admins can: what holds then are the bot's own checks."""
    for command in server.world.commands.offered(None):
        command.payload["default_member_permissions"] = None


async def said(server: SandboxServer, member: Member, command: str, options: list[dict[str, Any]]) -> tuple[str, bool]:
    """What the member reads, and whether only he does."""
    answer = await (await member.slash(command, filled(server, options))).answer()
    return answer.content, answer.ephemeral


async def test_members_and_moderators_get_none_of_the_admins_commands(server: SandboxServer, bot: Flux2Bot) -> None:
    """Hidden by Discord, and refused by the bot where a server shows them; nothing is changed and nothing logged."""
    luna, world = server.member("luna"), server.world
    world.join(world.guild, world.add_user("mo"), world.add_role(world.guild, "Mods", Permission.MANAGE_MESSAGES))
    commands = [(name, options) for name, options in leaves(server) if name.split()[0] in NEEDS_ADMIN]
    assert len(commands) >= 30
    with pytest.raises(ClientRefused):
        await luna.slash("admin status")
    show_all(server)
    for name, options in commands:
        for member in (luna, server.member("mo")):
            text, is_private = await said(server, member, name, options)
            assert (text, is_private) == (_ADMINS_ONLY, True), name
    assert await bot.services.ledger.governance.deeds(0) == []
    assert await bot.services.ledger.paused() is None


async def test_an_admin_gets_all_of_them_on_the_only_server(server: SandboxServer, bot: Flux2Bot) -> None:
    """No right is missing: what is refused is refused for what was asked."""
    ada = server.member("ada")
    for name, options in leaves(server):
        if name.split()[0] == "admin":
            text, is_private = await said(server, ada, name, options)
            assert is_private, name
            assert "needs the" not in text, name
            assert "shared by several servers" not in text, name


async def test_an_admin_of_one_of_several_servers_does_not_get_the_operators(
    server: SandboxServer, settings: BotSettings, gpu: Gpu, start: Start
) -> None:
    """What serves every server is for whoever runs the bot; everything else works as before."""
    server.world.add_guild("Elsewhere")
    async with start(settings):
        ada = server.member("ada")
        refused = []
        for name, options in leaves(server):
            if name.split()[0] == "admin":
                text, _ = await said(server, ada, name, options)
                refused += [name] if "shared by several servers" in text else []
        assert sorted(refused) == sorted(OPERATORS)


async def test_the_banned_draw_nothing_and_keep_their_privacy(server: SandboxServer, bot: Flux2Bot) -> None:
    """A ban closes every way to a picture, not the way to one's own data."""
    luna = server.member("luna")
    await bot.services.ledger.governance.ban(Actor(1, server.world.guild.id), luna.id, "spam", None)
    by_name = dict(leaves(server))
    for name in DRAWS:
        text, is_private = await said(server, luna, name, by_name[name])
        assert (text.startswith("You are banned from drawing"), is_private) == (True, True), name
    for name in ("privacy show", "privacy export", "privacy delete", "jobs", "help"):
        text, _ = await said(server, luna, name, by_name[name])
        assert not text.startswith("You are banned"), name


async def test_direct_messages_have_the_members_commands_alone(server: SandboxServer, bot: Flux2Bot) -> None:
    """What is for admins and moderators is offered on servers; elsewhere nobody is either."""
    luna = server.member("luna")
    here, direct = ({command.name for command in server.world.commands.offered(None)} - {"admin", "doctor"}), luna.dm
    assert {command.name for command in luna.commands(direct)} == here - {"Report"}
