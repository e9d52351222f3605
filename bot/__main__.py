"""`python -m bot`: settings, logging, the client, a clean stop on SIGTERM. The bot's only composition root, also of
`python -m bot admin`, `doctor` and `invite`.

What only the operator can mend ends the process with one sentence and status 78, which service managers do not restart.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import signal
import sys
from collections.abc import Sequence

import aiohttp
import discord
from pydantic import ValidationError

from bot import complaints, endpoints, language
from bot.backstage import CannotStart
from bot.client import Flux2Bot
from bot.terminal import admin, doctor
from config import logging as log_lines
from config.settings import BotSettings, complaint

_log = logging.getLogger(__name__)

EXIT_CONFIG = 78
"""EX_CONFIG of sysexits.h."""
EXIT_UNAVAILABLE = 69
"""EX_UNAVAILABLE: something we need is down; starting again later may help."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the bot until it is told to stop, or what the command line asks for; return the exit status."""
    parsed = _parser().parse_args(arguments)
    try:
        settings = BotSettings()
        language.speak(settings.bot_language)
    except ValidationError as error:
        return _say(complaint(error), EXIT_CONFIG)
    except language.Unspoken as error:
        return _say(str(error), EXIT_CONFIG)
    is_command = parsed.command is not None
    level = "ERROR" if is_command else settings.log_level
    log_lines.configure(level, settings.log_json, secrets=_secrets(settings))
    match parsed.command:
        case "admin":
            return asyncio.run(admin.run(settings, parsed))
        case "doctor":
            return asyncio.run(doctor.run(settings))
        case "invite":
            return asyncio.run(doctor.invite(settings))
        case _:
            return _serve(settings)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bot", description="Runs the bot, or looks after one that runs.")
    commands = parser.add_subparsers(dest="command", metavar="admin | doctor | invite")
    admin.add_parser(commands)
    for name, words in (
        ("doctor", "look for what is wrong"),
        ("invite", "print the link that adds the bot to a server"),
    ):
        commands.add_parser(name, help=words, description=words)
    return parser


def _serve(settings: BotSettings) -> int:
    try:
        return asyncio.run(_run(settings))
    except discord.LoginFailure:
        return _say(complaints.REFUSED, EXIT_CONFIG)
    except discord.PrivilegedIntentsRequired:
        return _say(complaints.INTENTS_REFUSED, EXIT_CONFIG)
    except CannotStart as error:
        return _say(str(error), error.exit_status)
    except discord.ConnectionClosed as error:
        return _say(f"Discord ended the connection for good ({error}).", EXIT_UNAVAILABLE)
    except (discord.GatewayNotFound, discord.HTTPException, aiohttp.ClientError, OSError) as error:
        return _say(complaints.discord_away(error), EXIT_UNAVAILABLE)


async def _run(settings: BotSettings) -> int:
    endpoints.use(settings.discord_api_url, settings.discord_gateway_url)
    client = Flux2Bot(settings)
    loop = asyncio.get_running_loop()
    running = loop.create_task(client.start(settings.discord_token.get_secret_value()))
    stopping: set[asyncio.Task[None]] = set()

    async def end() -> None:
        await client.stop()
        # While the gateway cannot be reached, the library goes on trying, also on a session that is closed.
        running.cancel()

    def stop() -> None:
        stopping.add(loop.create_task(end()))
        if not client.is_set_up:
            # Nobody is served yet; a start that goes on while everything closes would only end in errors.
            running.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    async with client:
        with contextlib.suppress(asyncio.CancelledError):
            await running
    await asyncio.gather(*stopping)
    return EXIT_UNAVAILABLE if client.has_collapsed else 0


def _secrets(settings: BotSettings) -> list[str]:
    return [one.get_secret_value() for one in (settings.discord_token, settings.redis_url, settings.database_url)]


def _say(sentence: str, status: int) -> int:
    sys.stderr.write(sentence + "\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
