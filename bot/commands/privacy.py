"""/privacy: what is kept of a member, a copy of it, and its end."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands

from bot import answers
from bot.interactions import dialogue
from bot.language import N_, _
from bot.ledger.holdings import named
from bot.parcel import bundle
from worker.blobs import BlobMissing, Blobs

if TYPE_CHECKING:
    from bot.client import Flux2Bot

_LARGEST = 25_000_000
"""Bytes of a copy: it is made in memory, and servers with boosts take four times as much."""
_KINDS = {
    "jobs": N_("pictures asked for, with prompt and options"),
    "presets": N_("presets"),
    "preferences": N_("preferences"),
    "favourites": N_("favourites"),
    "trays": N_("pictures in the reference tray"),
    "usage": N_("days of usage figures"),
    "bans": N_("bans"),
    "rules": N_("quotas that admins gave you"),
    "audit": N_("entries of the admins' log that name you"),
}


class PrivacyGroup(app_commands.Group):
    """The command group."""

    def __init__(self) -> None:
        super().__init__(name="privacy", description=N_("What I keep of you, a copy of it, and its end."))

    @app_commands.command(description=N_("What is kept of you, where and for how long."))
    async def show(self, interaction: discord.Interaction[Flux2Bot]) -> None:
        """Tell it with today's figures."""
        if not await answers.acknowledge(interaction, ephemeral=True):
            return
        client = interaction.client
        counts = dict(await client.services.ledger.forgetting.summary(interaction.user.id))
        shown = [f"{_(words)} ({counts[name]})" for name, words in _KINDS.items() if counts.get(name)]
        kept = "; ".join(shown) or _("nothing")
        await interaction.edit_original_response(content=_text(client, kept))

    @app_commands.command(description=N_("Everything kept of you, as a file."))
    async def export(self, interaction: discord.Interaction[Flux2Bot]) -> None:
        """One JSON document, and the pictures it names as far as they fit; readable by the member alone."""
        if not await answers.acknowledge(interaction, ephemeral=True):
            return
        services = interaction.client.services
        found = await services.ledger.forgetting.dossier(interaction.user.id)
        name, most = f"flux2-{interaction.user.id}.json", min(interaction.filesize_limit, _LARGEST)
        # Off the loop: of years of pictures it is tens of megabytes.
        file, missing = await asyncio.to_thread(lambda: _bundle(found, name, services.blobs, most))
        said = _("Everything I keep of you.")
        if missing:
            said = _(
                "Everything I keep of you, but for {count} older pictures, which are more than Discord takes at once: "
                "/history id: posts them again."
            ).format(count=missing)
        await interaction.edit_original_response(content=said, attachments=[file])

    @app_commands.command(description=N_("Forget everything about you; what waits is cancelled."))
    async def delete(self, interaction: discord.Interaction[Flux2Bot]) -> None:
        """Asked first: it cannot be undone."""
        if not await answers.acknowledge(interaction, ephemeral=True):
            return
        privacy, user_id = interaction.client.services.privacy, interaction.user.id

        async def act() -> str:
            if await privacy.forget_member(user_id):
                return _("Forgotten. What was posted in Discord stays there until a moderator deletes it.")
            return _("Being forgotten: what is being drawn or posted has to end first, then the rest goes by itself.")

        question = _(
            "Forget your prompts, pictures, references, presets and preferences? Buttons under your old pictures "
            "will stop working, and what waits is cancelled. This cannot be undone. What was posted in Discord stays "
            "there: take away now, with More… and Delete, what should go too."
        )
        await dialogue.ask(interaction, question, _("Forget me"), act)


def _bundle(found: Mapping[str, Any], name: str, blobs: Blobs, most: int) -> tuple[discord.File, int]:
    data = json.dumps(found, indent=1, ensure_ascii=False, default=str).encode()

    def read(sha256: str) -> bytes | None:
        with contextlib.suppress(BlobMissing):
            return blobs.get(sha256)
        return None

    newest_first = list(dict.fromkeys(reversed(list(named(found)))))
    return bundle(data, name, newest_first, read, most)


def _text(client: Flux2Bot, kept: str) -> str:
    keep = client.services.privacy.retention
    jobs = _("until you delete them")
    if keep.jobs_days:
        jobs = _("for {days} days").format(days=keep.jobs_days)
    lines = [
        _("**Of you I keep now:** {kept}.").format(kept=kept),
        _("**Prompts and options** stand in the bot's own database, {jobs}; they make Again and Edit work.").format(
            jobs=jobs
        ),
        _(
            "**Pictures and references** lie in its storage for {days} days, without GPS or other camera "
            "data. What was posted stays in Discord until it is deleted there; what was drawn in private is shown "
            "again to nobody but you."
        ).format(days=keep.pictures_days),
        _(
            "**Usage figures** are kept for two days, bans until 90 days after their end, quotas that admins gave you "
            "until they take them back, the admins' log for {days} days: these are not deleted on request, or limits "
            "and bans would end with it."
        ).format(days=keep.audit_days),
        _(
            "Nothing is used for training, and no prompt is written to logs. A prompt leaves this bot only where it is "
            "rewritten, or a picture described, by a hosted model. "
            "/privacy export gives you a copy, /privacy delete forgets you."
        ),
    ]
    if (url := client.settings.privacy_policy_url) is not None:
        lines.append(_("The whole policy: <{url}>").format(url=url))
    return "\n".join(lines)


async def setup(bot: Flux2Bot) -> None:
    """Register the group."""
    bot.tree.add_command(PrivacyGroup())
