"""Recipe file: how a picture was made, and those it came from, as a file that draws it again."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import TYPE_CHECKING

import discord

from bot import answers
from bot.interactions.base import JobButton, job_of
from bot.interactions.custom_id import Verb, template
from bot.language import N_, _, ngettext
from bot.ledger.job import Generation, Job
from bot.prompt_file import MAX_BYTES
from bot.refusal import Refusal
from bot.sight import may_see
from flux2 import recipe
from flux2.recipe import Recipe
from flux2.upsampling.request import WordsRequest

if TYPE_CHECKING:
    from bot.client import Flux2Bot

_GENERATIONS = 20


class RecipeFileButton(JobButton, template=template(Verb.RECIPES)):
    """Stands behind More…"""

    verb = Verb.RECIPES
    text = N_("Recipe file")

    async def act(self, interaction: discord.Interaction[Flux2Bot]) -> None:
        """Send the file, with as much of the line as the member may see."""
        job = await job_of(interaction, self.job_id)
        if not await answers.acknowledge(interaction):
            return
        line = await interaction.client.services.ledger.lineage(job.id, _GENERATIONS)
        seen = await _seen(interaction, line)
        found = [one for one in (of(step.job, version=step.number) for step in seen) if one is not None]
        if not found:
            raise Refusal(_("There is no recipe of that: nothing was drawn."))
        while len((text := recipe.write(found)).encode()) > MAX_BYTES:  # /imagine would not take it
            found.pop()
        await interaction.followup.send(
            told(found[0]),
            file=as_file(text, f"flux2-{job.id}-recipe.json"),
            ephemeral=True,
        )


async def _seen(interaction: discord.Interaction[Flux2Bot], line: Iterable[Generation]) -> list[Generation]:
    """The line as far back as the member sees it; the picture that was pressed is seen."""
    seen: list[Generation] = []
    for step in line:
        if seen and not await may_see(interaction, step.job):
            break
        seen.append(step)
    return seen


def told(made: Recipe) -> str:
    """How the file is used, by its first recipe."""
    if made.kind != "render":
        return _("To enlarge the picture again use /upscale with what the file says.")
    if made.needs_mask:
        return _(
            "To change the picture again give /edit the picture as it was before, “.” as the prompt, "
            "this file as image2 and the mask."
        )
    how = _(
        "To draw the picture again attach this file to /imagine, with “.” as the prompt; "
        "options that you give go before those of the file."
    )
    if not made.pictures:
        return how
    beside = ngettext(
        "It takes the picture that this one was drawn from, attached too.",
        "It takes the {count} pictures that this one was drawn from, attached too, in their order.",
        made.pictures,
    ).format(count=made.pictures)
    if made.draws_anew and made.pictures > 1:
        beside += " " + _("The one that was drawn over comes first.")
    return f"{how} {beside}"


def of(job: Job, *, version: int | None = None) -> Recipe | None:
    """The recipe of a job that ends in pictures."""
    request = job.request
    if isinstance(request, WordsRequest):
        return None
    return recipe.recipe_of(request, request.seed, version=version, id=job.id, drawn_at=job.created_at)


def as_file(text: str, name: str) -> discord.File:
    """A text to send."""
    return discord.File(io.BytesIO(text.encode()), name)
