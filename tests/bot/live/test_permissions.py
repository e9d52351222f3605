"""Who may use which command: a matrix made from the commands as they are registered, tried one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from PIL import Image

from bot.client import Flux2Bot
from bot.ledger.audit import Actor
from config.settings import BotSettings
from flux2.images import encode
from sandbox.guild import Channel, Guild
from sandbox.member import ClientRefused, Member, Upload
from sandbox.permissions import Permission
from sandbox.server import SandboxServer
from sandbox.use import Use

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
_FOX = Upload("fox.png", encode(Image.new("RGB", (64, 64), (200, 30, 30)), "png", 80))


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


def filled(server: SandboxServer, options: list[dict[str, Any]], guild: Guild | None = None) -> dict[str, Any]:
    """A value for each option that is required, of the first guild's where no other is named."""
    world = server.world
    guild = guild or world.guild
    values: dict[int, Any] = {
        4: 1,
        5: True,
        6: world.user("max"),
        7: list(guild.channels.values())[-1] if guild is not world.guild else world.channel("lounge"),
        8: next(iter(guild.roles.values())),
        10: 1.0,
        11: _FOX,
    }

    def value(option: dict[str, Any]) -> Any:
        if option.get("choices"):
            return option["choices"][0]["value"]
        return "f" * max(option.get("min_length", 1), 1) if option["type"] == 3 else values[option["type"]]

    return {one["name"]: value(one) for one in options if one.get("required")}


def show_all(server: SandboxServer) -> None:
    """Let every member see every command, as a server's admins can: what holds then are the bot's own checks."""
    for command in server.world.commands.offered(None):
        command.payload["default_member_permissions"] = None


async def said(server: SandboxServer, member: Member, command: str, options: list[dict[str, Any]]) -> tuple[str, bool]:
    """What the member reads, and whether only he does."""
    answer = await (await member.slash(command, filled(server, options))).answer()
    return answer.content, answer.ephemeral


async def test_members_and_moderators_get_none_of_the_admins_commands(server: SandboxServer, bot: Flux2Bot) -> None:
    """Hidden by Discord, and refused by the bot where a server shows them; nothing is changed, logged or suggested."""
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
    await (await luna.slash("imagine", {"prompt": "a fox"})).answer()
    for name, option in (("workers drain", "worker"), ("cancel", "job"), ("audit search", "action")):
        assert await luna.autocomplete(f"admin {name}", option, "") == []


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


@pytest.mark.slow
async def test_the_operator_gets_all_of_them_on_every_server(
    server: SandboxServer, settings: BotSettings, gpu: Gpu, start: Start
) -> None:
    """Whoever owns the application, on a server where he manages nothing; an admin of several lacks some (above)."""
    world = server.world
    owner = server.member("sandbox-owner")
    elsewhere = world.add_guild("Elsewhere")
    for user in (owner.user, world.user("max")):
        world.join(elsewhere, user)
    room = world.add_channel("room", guild=elsewhere)
    async with start(settings):
        show_all(server)
        for name, options in leaves(server):
            if name.split()[0] == "admin":
                answer = await (await owner.slash(name, filled(server, options, elsewhere), channel=room)).answer()
                assert answer.ephemeral, name
                assert "needs the" not in answer.content, name
                assert "shared by several servers" not in answer.content, name


@pytest.mark.slow
async def test_a_role_opens_what_it_is_set_to_open_and_no_command(
    server: SandboxServer, settings: BotSettings, gpu: Gpu, start: Start
) -> None:
    """Everybody has one picture a day and role-holders more; to admins' commands the role opens nothing."""
    world = server.world
    role, everyone = world.add_role(world.guild, "Supporters", Permission(0)), world.guild.roles[world.guild.id]
    world.join(world.guild, world.add_user("sue"), role)
    luna, sue, ada = (server.member(name) for name in ("luna", "sue", "ada"))
    async with start(settings):
        for who, pictures in ((everyone, 1), (role, 3)):
            await (await ada.slash("admin roles set", {"role": who, "pictures_per_day": pictures})).answer()
        for member, pictures in ((luna, 1), (sue, 3)):
            uses = [await member.slash("imagine", {"prompt": "a red fox"}) for _ in range(4)]
            for use in uses:
                await use.answer()
            assert sum(use.ephemeral_follow_up() is None for use in uses) == pictures, member.user.name
        show_all(server)
        for name, options in leaves(server):
            if name.split()[0] in NEEDS_ADMIN:
                assert await said(server, sue, name, options) == (_ADMINS_ONLY, True), name


@pytest.fixture
def places(server: SandboxServer) -> dict[str, Channel]:
    """Where luna, who added the bot to her account, can be: here, with the bot, and where it is no member."""
    world, luna = server.world, server.member("luna")
    luna.install()
    elsewhere = world.add_guild("Elsewhere", with_bot=False)
    world.join(elsewhere, luna.user)
    return {
        "server": world.channel("pictures"),
        "direct": luna.dm,
        "outside": world.add_channel("abroad", guild=elsewhere),
        "friends": world.group(luna.user, world.user("max")),
    }


@pytest.mark.slow
@pytest.mark.parametrize("place", ["server", "direct", "outside", "friends"])
async def test_members_use_every_command_and_menu_wherever_it_is_offered(
    server: SandboxServer, settings: BotSettings, gpu: Gpu, start: Start, places: dict[str, Channel], place: str
) -> None:
    """Each is answered in its own words or with its form, and nothing breaks; what is for admins is not there."""
    luna, where = server.member("luna"), places[place]
    async with start(settings.model_copy(update={"user_install": True, "max_waiting_per_member": 50})):
        offered = {command.name for command in luna.commands(where)}
        all_there_are = {command.name for command in server.world.commands.offered(None)} - {*NEEDS_ADMIN}
        assert offered == (all_there_are if place == "server" else all_there_are - {"Report"})
        for name, options in leaves(server):
            if name.split()[0] in offered:
                await _is_answered(await luna.slash(name, filled(server, options), channel=where), name)
        picture = await luna.say("look", channel=where, files=[_FOX])
        for command in luna.commands(where):
            if command.type == 3:
                await _is_answered(await luna.menu(picture, command.name), command.name)


async def _is_answered(use: Use, name: str) -> None:
    """A form, a message, or a refusal that says something; no error of ours and no right that is missing."""
    if use.opened_modal:
        return
    said = [(await use.answer()).content, *(message.content for message in use.messages)]
    for text in said:
        assert "Something went wrong" not in text, name
        assert "may not post" not in text, name
        assert "needs the" not in text, name


async def test_direct_messages_have_the_members_commands_alone(server: SandboxServer, bot: Flux2Bot) -> None:
    """What is for admins and moderators is offered on servers; elsewhere nobody is either."""
    luna = server.member("luna")
    here, direct = ({command.name for command in server.world.commands.offered(None)} - {"admin", "doctor"}), luna.dm
    assert {command.name for command in luna.commands(direct)} == here - {"Report"}
