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
from discord.app_commands import TranslationContextLocation as Place

from bot import language
from bot.language import _
from bot.ledger.ledger import Ledger

_log = logging.getLogger(__name__)

_FIXED = frozenset({Place.group_name, Place.parameter_name})
_LONGEST = {Place.command_name: 32}
_LONGEST_OTHER = 100
"""Characters that Discord takes of the name of a menu's entry, and of descriptions and choices."""


def filled(words: str, **figures: float) -> app_commands.locale_str:
    """A description with figures in it, which are filled in anew where it is translated."""
    return app_commands.locale_str(words.format(**figures), words=words, figures=figures)


class Words(app_commands.Translator):
    """Describes commands in the bot's language to everybody, whatever language Discord shows them; names of slash
    commands and options stay."""

    async def translate(
        self, string: app_commands.locale_str, locale: discord.Locale, context: app_commands.TranslationContextTypes
    ) -> str | None:
        """None where the words are those of the command itself."""
        has_fixed_name = isinstance(context.data, app_commands.Command) and context.location is Place.command_name
        if has_fixed_name or context.location in _FIXED:
            return None
        translated = _(string.extras.get("words", string.message))
        if figures := string.extras.get("figures"):
            translated = translated.format(**figures)
        translated = translated[: _LONGEST.get(context.location, _LONGEST_OTHER)]
        return None if translated == string.message else translated


async def payloads(tree: app_commands.CommandTree[Any]) -> list[dict[str, Any]]:
    """What Discord would be told, in a stable order."""
    words = tree.translator
    told = [
        command.to_dict(tree) if words is None else await command.get_translated_payload(tree, words)
        for command in tree.get_commands()
    ]
    return sorted(told, key=lambda payload: str(payload["name"]))


async def fingerprint(tree: app_commands.CommandTree[Any], application_id: int | None) -> str:
    """A hash of the commands of one application."""
    told = json.dumps([application_id, await payloads(tree)], sort_keys=True, default=str)
    return hashlib.sha256(told.encode()).hexdigest()


async def sync(tree: app_commands.CommandTree[Any], ledger: Ledger) -> bool:
    """Sync if the commands differ from the last sync; return whether that was done.

    Where Discord refuses, the commands it knows go on working and the next start tries again.
    """
    await tree.set_translator(None if language.is_english() else Words())
    now = await fingerprint(tree, tree.client.application_id)
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
