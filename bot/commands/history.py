"""/history: what a member drew here, by words, model, date and favourites; one posted again by its id."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.app_commands import Choice

from bot import access, answers, contexts, lineage
from bot.commands.imagine import models_like
from bot.interactions import pages, recipe_file
from bot.interactions.base import job_of
from bot.interactions.show import post_again, terms_of_showing
from bot.language import N_, _, ngettext
from bot.ledger.history import Search
from bot.refusal import Refusal
from flux2 import recipe

if TYPE_CHECKING:
    from bot.client import Flux2Bot

_EXPORTED = 500
"""Recipes in one file."""
_ID = re.compile(r"[0-9a-f]{16}")


@app_commands.command(description=N_("Pictures of yours drawn here: search them, or post one again by its id."))
@app_commands.describe(
    words=N_("Words of the prompt, all of which must be there."),
    model=N_("Which model drew."),
    since=N_("The first day, such as 2026-11-01, in UTC."),
    until=N_("The last day."),
    favourites=N_("Only your favourites, other people's pictures among them."),
    page=N_("Which page to begin with."),
    export=N_("Your recipes of all that is found, as a file."),
    id=N_("The id that stands behind a picture in the list: posts it again, here, with what it came from."),
)
async def history(
    interaction: discord.Interaction[Flux2Bot],
    words: app_commands.Range[str, 1, 200] | None = None,
    model: app_commands.Range[str, 1, 100] | None = None,
    since: app_commands.Range[str, 1, 10] | None = None,
    until: app_commands.Range[str, 1, 10] | None = None,
    favourites: bool = False,
    page: app_commands.Range[int, 1, 10_000] = 1,
    export: bool = False,
    id: app_commands.Range[str, 1, 20] | None = None,
) -> None:
    """List one page to the asker alone, or post one picture."""
    if id is not None:
        await _post(interaction, id.strip().lower())
        return
    wanted = Search(
        user_id=interaction.user.id,
        guild_id=contexts.server_of(interaction),
        words=tuple((words or "").split()),
        model=model,
        since=None if since is None else _day(since),
        until=None if until is None else _day(until) + timedelta(days=1),
        favourites=favourites,
    )
    if not await answers.acknowledge(interaction, ephemeral=True):
        return
    await (_export(interaction, wanted) if export else pages.answer(interaction, wanted, page))


async def _export(interaction: discord.Interaction[Flux2Bot], wanted: Search) -> None:
    found, total = await interaction.client.services.ledger.search(wanted, 1, _EXPORTED)
    made = [recipe_file.of(job) for job in found if job.user_id == interaction.user.id]
    recipes = [one for one in made if one is not None]
    if not recipes:
        raise Refusal(pages.nothing(wanted))
    text = await asyncio.to_thread(recipe.write, recipes)
    said = ngettext("Your recipe of {count} picture.", "Your recipes of {count} pictures.", len(recipes))
    told = [said.format(count=len(recipes))]
    if total > _EXPORTED:
        told.append(_("There are more: name the days with since and until."))
    file = recipe_file.as_file(text, f"flux2-{interaction.user.id}-recipes.json")
    await interaction.edit_original_response(content=" ".join(told), attachments=[file])


async def _post(interaction: discord.Interaction[Flux2Bot], job_id: str) -> None:
    if not _ID.fullmatch(job_id):
        raise Refusal(_("An id has 16 signs, 0 to 9 and a to f; /history lists those of your pictures."))
    job = await job_of(interaction, job_id)
    if not access.may_look_at(job, interaction):
        raise Refusal(_("That is another member's picture; only they or an admin can post it again."))
    if not job.pictures:
        raise Refusal(_("No picture came of that one; press Again under its notice, or write the prompt anew."))
    terms = await terms_of_showing(interaction, job)
    if not await answers.acknowledge(interaction, ephemeral=terms is None):
        return
    line = await interaction.client.services.ledger.lineage(job.id, lineage.NEAREST)
    said = " · ".join(filter(None, (_("Drawn earlier"), lineage.breadcrumb(line))))
    await post_again(interaction, job, said, terms)


def _day(text: str) -> datetime:
    try:
        return datetime.strptime(text.strip(), "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as wrong:
        raise Refusal(_("A day is written as 2026-11-01: year, month, day.")) from wrong


@history.autocomplete("model")
async def _models(interaction: discord.Interaction[Flux2Bot], typed: str) -> list[Choice[str]]:
    """Models the workers serve."""
    return await models_like(interaction, typed)


async def setup(bot: Flux2Bot) -> None:
    """Register the command."""
    bot.tree.add_command(history)
