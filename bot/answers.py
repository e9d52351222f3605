"""How an interaction is acknowledged and refused: one sentence for the member alone, and nothing public stays.

Knows Discord's rules of first responses; declines to know what was asked.
"""

from __future__ import annotations

import contextlib
import logging
import secrets
from typing import Any

import discord

from bot.language import _
from bot.refusal import Refusal
from bot.rush import Rush
from flux2.errors import InvalidRequest

_log = logging.getLogger(__name__)

ALREADY_ACKNOWLEDGED = 40060
UNKNOWN_INTERACTION = 10062
_LOST = {ALREADY_ACKNOWLEDGED, UNKNOWN_INTERACTION}
_PLACEHOLDER = "placeholder"
_ALONE = "alone"
_ANEW = "anew"


async def acknowledge(interaction: discord.Interaction[Any], *, ephemeral: bool = False) -> bool:
    """Defer within the three seconds Discord gives. False: somebody else answered or it is too late; do nothing then.

    A command, and a form that a command opened, gets a placeholder (public unless `ephemeral`); a button is taken
    without any. Returns once no other member waits for a first answer, as far as that does not take too long.
    """
    rush: Rush = interaction.client.rush
    try:
        with rush.answering():
            await _defer(interaction, ephemeral)
    except discord.HTTPException as error:
        if error.code not in _LOST:
            raise
        lag = (discord.utils.utcnow() - interaction.created_at).total_seconds()
        _log.warning("Interaction %d was not acknowledged (%d) after %.1f s.", interaction.id, error.code, lag)
        return False
    await rush.over()
    return True


async def _defer(interaction: discord.Interaction[Any], ephemeral: bool) -> None:
    if has_placeholder(interaction):
        shown = await interaction.response.defer(ephemeral=ephemeral, thinking=True)
        interaction.extras[_PLACEHOLDER] = shown.message_id if shown else None
        interaction.extras[_ALONE] = shown.is_ephemeral() if shown else ephemeral
    else:
        await interaction.response.defer()


def answer_anew(interaction: discord.Interaction) -> None:
    """Give a form's submit an answer of its own, though the form was opened by a button on a message."""
    interaction.extras[_ANEW] = True


def has_placeholder(interaction: discord.Interaction) -> bool:
    """Whether the answer is a message of its own, rather than the message with the pressed button."""
    if interaction.extras.get(_ANEW):
        return True
    if interaction.type is discord.InteractionType.modal_submit:
        return interaction.message is None
    return interaction.type is discord.InteractionType.application_command


def placeholder_id(interaction: discord.Interaction) -> int | None:
    """The message an acknowledged command will become; None where Discord did not say."""
    found: int | None = interaction.extras.get(_PLACEHOLDER)
    return found


def is_alone(interaction: discord.Interaction) -> bool:
    """Whether an acknowledged command's placeholder is seen by the member alone, whatever was asked for."""
    return bool(interaction.extras.get(_ALONE))


async def refuse(interaction: discord.Interaction, text: str) -> None:
    """Say `text` to the member alone; a public placeholder of a command goes first."""
    try:
        if not interaction.response.is_done():
            await interaction.response.send_message(text, ephemeral=True)
            return
        if has_placeholder(interaction):
            # On a button's interaction the original is the message with the button: never deleted.
            with contextlib.suppress(discord.NotFound):
                await interaction.delete_original_response()
        await interaction.followup.send(text, ephemeral=True)
    except discord.HTTPException as error:
        if error.code not in _LOST:
            raise
        _log.info("Interaction %d was answered elsewhere or too late (%d).", interaction.id, error.code)


async def explain(interaction: discord.Interaction, error: BaseException) -> None:
    """Answer for a failed callback: a refusal in its own words, anything else by an id that the log holds too."""
    if isinstance(error, (Refusal, InvalidRequest)):
        await refuse(interaction, str(error))
        return
    error_id = secrets.token_hex(4)
    _log.error("Error %s in interaction %d.", error_id, interaction.id, exc_info=error)
    said = _("Something went wrong on our side; try again, and if it stays, report error {id}.").format(id=error_id)
    await refuse(interaction, said)
