"""More…: what does not fit under a picture, for the member who pressed it alone, with the recipe to copy.

Another thing to do with a picture is one file with a button, and its place in `panel`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import discord
from discord import ui

from bot import access
from bot.interactions.base import JobButton, job_of
from bot.interactions.changed import ChangedButton
from bot.interactions.custom_id import Verb, template
from bot.interactions.delete import DeleteButton
from bot.interactions.favourite import FavouriteButton
from bot.interactions.recipe_file import RecipeFileButton
from bot.interactions.remix import RemixButton
from bot.interactions.report import ReportButton
from bot.interactions.send import SendButton
from bot.interactions.spoiler import SpoilerButton
from bot.language import N_, _, ngettext
from bot.ledger.job import Job, Reach
from bot.presenter import shorten
from flux2.region import told
from flux2.request import GenerationRequest
from flux2.upsampling.request import DescribeRequest, RewriteRequest
from flux2.upscaling.request import UpscaleRequest
from worker.contract import Request

if TYPE_CHECKING:
    from bot.client import Flux2Bot

_RECIPE = 1750
"""Characters; what stands around it fits into a message beside them."""


class MoreButton(JobButton, template=template(Verb.MORE)):
    """The last button under every picture."""

    verb = Verb.MORE
    text = N_("More…")

    async def act(self, interaction: discord.Interaction[Flux2Bot]) -> None:
        """Show the panel."""
        job = await job_of(interaction, self.job_id)
        is_favourite = await interaction.client.services.ledger.favourites.holds(interaction.user.id, job.id)
        shown = recipe(job.request)
        cut = "\n-# " + _("Cut to fit; Recipe file holds all of it.") if shown.endswith("…") else ""
        # Not deferred: a deferred press could only be followed up by a message that everybody sees.
        await interaction.response.send_message(
            f"{how(job.request)}\n```\n{shown}\n```{cut}",
            view=await panel(interaction, job, is_favourite=is_favourite),
            ephemeral=True,
        )


def how(request: Request) -> str:
    """What is to be done with the recipe."""
    count = len(request.reference_images)
    if isinstance(request, GenerationRequest) and request.init_image is not None:
        return _("Drawn over another picture, which Again and Remix keep. To draw it from nothing by hand, copy this:")
    if not count:
        return _("To draw it again by hand, copy this:")
    if isinstance(request, GenerationRequest) and request.mask_image is not None:
        return _("To draw it again by hand, copy this, and attach the picture and the mask it was drawn from:")
    return ngettext(
        "To draw it again by hand, copy this, and attach the picture it was drawn from:",
        "To draw it again by hand, copy this, and attach the {count} pictures it was drawn from, in their order:",
        count,
    ).format(count=count)


def recipe(request: Request) -> str:
    """The request as a member would type it, fit for a code block."""
    match request:
        case GenerationRequest():
            return command_line("/edit" if request.is_masked else "/imagine", _drawn(request))
        case UpscaleRequest():
            return command_line("/upscale", _enlarged(request))
        case RewriteRequest():
            return command_line("/enhance", {"prompt": " ".join(request.prompt.split())})
        case DescribeRequest():
            return command_line("/describe", {})


def command_line(command: str, options: Mapping[str, str | float | None]) -> str:
    """A command with its options as they are typed, those of None left out, fit for a code block."""
    words = [
        f"{name}:{value:g}" if isinstance(value, float) else f"{name}:{value}"
        for name, value in options.items()
        if value is not None
    ]
    # A code block has no escapes: what would end it is spelled with another sign.
    return shorten(f"{command} " + " ".join(words), _RECIPE).replace("```", "ˋˋˋ")


_Options = dict[str, str | float | None]


def _drawn(request: GenerationRequest) -> _Options:
    return {
        "prompt": " ".join(request.prompt.split()),
        "region": told(request.region) or None,
        "size": None if request.is_masked else f"{request.width}x{request.height}",
        "model": request.model,
        "steps": request.num_inference_steps,
        "guidance": request.guidance_scale,
        "seed": request.seed,
        "count": request.count if request.count > 1 else None,
        "format": request.output_format,
        "quality": None if request.output_format == "png" else request.output_quality,
    }


def _enlarged(request: UpscaleRequest) -> _Options:
    return {
        "size": f"{request.width}x{request.height}",
        "creativity": request.creativity,
        "guidance": request.guidance_scale,
        "steps": request.num_inference_steps,
        "seed": request.seed,
        "prompt": " ".join(request.prompt.split()) or None,
        "method": request.method,
    }


async def panel(interaction: discord.Interaction[Flux2Bot], job: Job, *, is_favourite: bool) -> ui.View:
    """What the member may do with the job's pictures."""
    # They show a picture again, with the button that opens this panel under it: loaded after this module.
    from bot.interactions.back import BackButton
    from bot.interactions.branch import BranchButton
    from bot.interactions.part import PartButton

    may_change = access.owns(job, interaction)
    view = ui.View(timeout=None)
    view.add_item(RemixButton(job.id))
    view.add_item(FavouriteButton(job.id, _("No longer a favourite") if is_favourite else None))
    view.add_item(SendButton(job.id))
    # What was an answer is nothing the bot can change later, nor post as a line of its own.
    is_message = job.reach is Reach.CHANNEL
    if may_change and is_message:
        view.add_item(SpoilerButton(job.id))
        view.add_item(DeleteButton(job.id))
    elif is_message and job.guild_id is not None:
        view.add_item(ReportButton(job.id))
    has_before = len(await interaction.client.services.ledger.lineage(job.id, 1)) > 1
    line: list[JobButton] = [BackButton(job.id), ChangedButton(job.id)] if has_before else []
    branch = [BranchButton(job.id)] if is_message else []
    # Not only where pictures are known: a quick press overtakes the news of them.
    for button in (*line, *branch, RecipeFileButton(job.id), PartButton(job.id)):
        button.row = 1
        view.add_item(button)
    return view
