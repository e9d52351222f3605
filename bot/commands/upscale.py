"""/upscale: a picture enlarged up to four times, with detail that fits it; the result arrives in a thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.app_commands import Choice

from bot import answers, contexts
from bot.admission import Entry
from bot.answer_front import front_of
from bot.applicants import applicant_in
from bot.command_sync import filled
from bot.enlarging import Enlargement, recipe_of, which_of
from bot.language import N_
from bot.ledger.job import Job, Reach
from bot.pictures import picture_of
from bot.remote import Attached
from flux2.request import MAX_PROMPT, MAX_SEED
from flux2.upscaling.request import (
    DEFAULT_CREATIVITY,
    DEFAULT_FACTOR,
    DEFAULT_STEPS,
    MAX_FACTOR,
    MAX_GUIDANCE,
    MAX_PIXELS,
    MAX_STEPS,
    MIN_FACTOR,
    MIN_GUIDANCE,
    MIN_STEPS,
)

if TYPE_CHECKING:
    from bot.client import Flux2Bot


@app_commands.command(description=N_("Make a picture larger and sharper; it stays the same picture."))
@app_commands.describe(
    image=N_("The picture to enlarge."),
    factor=filled(
        N_("How many times longer the sides become, {least:g} to {most:g}; default {default:g}."),
        least=MIN_FACTOR,
        most=MAX_FACTOR,
        default=DEFAULT_FACTOR,
    ),
    creativity=filled(N_("0 keeps every detail, 1 draws freely; default {default:g}."), default=DEFAULT_CREATIVITY),
    guidance=N_("How closely the caption is followed, where the model takes it."),
    steps=filled(N_("Denoising steps; default {default:g}."), default=DEFAULT_STEPS),
    seed=N_("The same seed and options give the same picture."),
    prompt=N_("What the picture shows; left out, it is captioned."),
    size=N_("Instead of a factor: megapixels (1, 2, 4, 8 or 16) or width x height."),
    method=N_("flux adds detail with the model; classic only enlarges."),
    private=N_("Only you see it; not possible while the wait is over 12 minutes."),
)
@app_commands.choices(method=[Choice(name=name, value=name) for name in ("flux", "classic")])
async def upscale(
    interaction: discord.Interaction[Flux2Bot],
    image: discord.Attachment,
    factor: app_commands.Range[float, MIN_FACTOR, MAX_FACTOR] | None = None,
    creativity: app_commands.Range[float, 0, 1] | None = None,
    guidance: app_commands.Range[float, MIN_GUIDANCE, MAX_GUIDANCE] | None = None,
    steps: app_commands.Range[int, MIN_STEPS, MAX_STEPS] | None = None,
    seed: app_commands.Range[int, 0, MAX_SEED] | None = None,
    prompt: app_commands.Range[str, 1, MAX_PROMPT] | None = None,
    size: app_commands.Range[str, 1, 20] | None = None,
    method: str | None = None,
    private: bool | None = None,
) -> None:
    """Gather the options; `enlarge` does the rest."""
    wish = Enlargement(
        factor=factor,
        size=size,
        creativity=creativity,
        guidance=guidance,
        steps=steps,
        seed=seed,
        prompt=prompt,
        method=method,
    )
    await enlarge(interaction, wish, image, private=private)


async def enlarge(
    interaction: discord.Interaction[Flux2Bot],
    wish: Enlargement,
    image: Attached,
    job: Job | None = None,
    shown: discord.Message | None = None,
    *,
    private: bool | None = None,
) -> None:
    """Check, acknowledge, read the picture, settle, admit; `job` drew the picture, where it is one of ours.

    Raises Refusal and InvalidRequest.
    """
    services = interaction.client.services
    if private is None:
        private = (job is not None and job.is_private) or await services.shelf.draws_in_private(interaction.user.id)
    contexts.require_posting(interaction, private=private)
    reach = contexts.reach_of(interaction, private=private)
    services.attachments.check([image])
    preferred = services.gate.default_model(applicant_in(interaction))
    if services.offer.seen and image.width and image.height:
        wish.rehearse(services.offer.pick(None, preferred), (image.width, image.height))
    if not await answers.acknowledge(interaction, ephemeral=reach is Reach.PRIVATE):
        return
    model = await services.offer.choose(None, preferred)
    if job is not None:
        picture, notes = await picture_of(job, shown, services, max_pixels=MAX_PIXELS), which_of(job)
    else:
        read = await services.attachments.read([image], max_pixels=MAX_PIXELS)
        picture, notes = read.pictures[0], read.notes
    wish = wish.within(await services.gate.terms(applicant_in(interaction)))
    request, said = wish.settle(model, picture, recipe_of(job))
    request = await services.routes.seen(request, model)
    entry = Entry(
        idempotency_key=f"i{interaction.id}",
        source="upscale",
        parent_id=None if job is None else job.id,
        applicant=applicant_in(interaction),
        request=request,
        notes=(*notes, *said),
        file_size_limit=interaction.filesize_limit,
    )
    await services.admission.admit(entry, front_of(interaction, reach))


async def setup(bot: Flux2Bot) -> None:
    """Register the command."""
    bot.tree.add_command(upscale)
