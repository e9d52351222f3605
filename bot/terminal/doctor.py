"""`python -m bot doctor` and `invite`: the deployment as its settings describe it, without a running bot."""

from __future__ import annotations

import pkgutil
import sys

import aiohttp
import discord
from discord.ext import commands

import bot.commands
from bot import complaints, endpoints
from bot.doctor import discord_side, report
from config.finding import summary, without_secrets
from config.settings import BotSettings

_FAILED = 1


async def run(settings: BotSettings) -> int:
    """Print a line for each part; the status is 1 where something is broken."""
    found = await report.of_deployment(settings, await _command_names())
    secrets = (settings.discord_token, settings.redis_url, settings.database_url)
    found = without_secrets(found, (one.get_secret_value() for one in secrets))
    sys.stdout.write("\n".join([*(one.line for one in found), summary(found)]) + "\n")
    return _FAILED if any(one.level == "fail" for one in found) else 0


async def _command_names() -> list[str]:
    """The slash commands of this version; the client is never connected."""
    client = commands.Bot(command_prefix=commands.when_mentioned, intents=discord.Intents(guilds=True))
    async with client:
        for module in pkgutil.iter_modules(bot.commands.__path__):
            await client.load_extension(f"{bot.commands.__name__}.{module.name}")
        return [str(command.name) for command in client.tree.get_commands(type=discord.AppCommandType.chat_input)]


async def invite(settings: BotSettings) -> int:
    """Print the link that adds this bot to a server, and each permission it asks for."""
    endpoints.use(settings.discord_api_url, settings.discord_gateway_url)
    client = discord.Client(intents=discord.Intents.none())
    try:
        await client.login(settings.discord_token.get_secret_value())
        assert client.application_id is not None
        names = discord_side.spelled(name for name, needed in discord_side.NEEDED if needed)
        sys.stdout.write(
            f"{discord_side.invite_url(client.application_id)}\nPermissions: {discord_side.NEEDED.value} ({names}).\n"
        )
        if settings.user_install:
            sys.stdout.write(f"To a member's own account: {discord_side.account_url(client.application_id)}\n")
    except discord.LoginFailure:
        return _say(complaints.REFUSED)
    except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
        return _say(complaints.discord_away(error))
    finally:
        await client.close()
    return 0


def _say(sentence: str) -> int:
    sys.stderr.write(sentence + "\n")
    return _FAILED
