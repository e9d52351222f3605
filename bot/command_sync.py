"""Tells Discord about the commands, only when they changed: creating commands is limited per day, and takes a while.

Declines to know which commands there are.
"""

from __future__ import annotations

import hashlib
import json
import logging
from typing import Any

import discord
from discord import app_commands

from bot.ledger.ledger import Ledger

_log = logging.getLogger(__name__)


def payloads(tree: app_commands.CommandTree[Any]) -> list[dict[str, Any]]:
    """What Discord would be told, in a stable order."""
    return sorted((command.to_dict(tree) for command in tree.get_commands()), key=lambda payload: str(payload["name"]))


def fingerprint(tree: app_commands.CommandTree[Any], application_id: int | None) -> str:
    """A hash of the commands of one application."""
    told = json.dumps([application_id, payloads(tree)], sort_keys=True, default=str)
    return hashlib.sha256(told.encode()).hexdigest()


async def sync(tree: app_commands.CommandTree[Any], ledger: Ledger) -> bool:
    """Sync if the commands differ from the last sync; return whether that was done.

    Where Discord refuses, the commands it knows go on working and the next start tries again.
    """
    now = fingerprint(tree, tree.client.application_id)
    if await ledger.command_hash() == now:
        return False
    try:
        synced = await tree.sync()
    except discord.DiscordException:
        _log.exception("The commands could not be synced.")
        return False
    await ledger.set_command_hash(now)
    _log.info("Synced %d commands.", len(synced))
    return True
