"""The world a sandbox starts with: one guild, three channels, three members and the bot."""

from __future__ import annotations

from sandbox.permissions import Permission
from sandbox.world import World


def sandbox_world() -> World:
    """Guild “Sandbox”: pictures, lounge, and quiet where the bot may not post; luna, max, and ada the administrator."""
    world = World()
    guild = world.guild
    admins = world.add_role(guild, "Admins", Permission.ADMINISTRATOR)
    world.join(guild, world.add_user("luna"))
    world.join(guild, world.add_user("max"))
    world.join(guild, world.add_user("ada"), admins)
    world.add_channel("pictures")
    world.add_channel("lounge")
    quiet = world.add_channel("quiet")
    bot_role = next(role for role in guild.roles.values() if role.managed_by == world.bot.id)
    world.overwrite(quiet, bot_role, deny=Permission.SEND_MESSAGES | Permission.SEND_MESSAGES_IN_THREADS)
    return world
