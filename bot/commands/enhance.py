"""/enhance: better words for a prompt, shown as what they change; drawn only when the member says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import discord
from discord import app_commands

from bot import answers, contexts
from bot.admission import Entry
from bot.answer_front import front_of
from bot.applicants import applicant_in
from bot.language import N_, _
from bot.ledger.job import Reach
from bot.options import Options
from bot.refusal import Refusal
from flux2.request import MAX_PROMPT
from flux2.upsampling.request import RewriteRequest

if TYPE_CHECKING:
    from bot.client import Flux2Bot


@app_commands.command(description=N_("Write a prompt better, and show what that changes before anything is drawn."))
@app_commands.describe(
    prompt=N_("What the picture should show; quoted text, color codes, names and “image 1” stay as they are."),
    image=N_("A picture the prompt speaks of."),
    form=N_("Plain words, or a JSON prompt that names scene, subjects, light and camera."),
    upsample=N_("Who rewrites: a hosted model (openrouter), the model that draws (local), or whichever there is."),
    model=N_("Which model is to draw it."),
    private=N_("Only you see it; not possible while the wait is over 12 minutes."),
)
async def enhance(
    interaction: discord.Interaction[Flux2Bot],
    prompt: app_commands.Range[str, 1, MAX_PROMPT],
    image: discord.Attachment | None = None,
    form: Literal["words", "json"] = "words",
    upsample: Literal["auto", "local", "openrouter"] = "auto",
    model: app_commands.Range[str, 1, 100] | None = None,
    private: bool | None = None,
) -> None:
    """Check, acknowledge, find who rewrites, admit. Raises Refusal and InvalidRequest."""
    services = interaction.client.services
    attachments = [image] if image else []
    if private is None:
        private = await services.shelf.draws_in_private(interaction.user.id)
    contexts.require_posting(interaction, private=private)
    reach = contexts.reach_of(interaction, private=private)
    Options(prompt=prompt).require_prompt()
    services.attachments.check(attachments)
    if not await answers.acknowledge(interaction, ephemeral=reach is Reach.PRIVATE):
        return
    drawn_by = await services.offer.choose(model, services.gate.default_model(applicant_in(interaction)))
    # What could not be drawn as it is need not be written better.
    Options(prompt=prompt).rehearse(drawn_by, ())
    if prompt.strip() in await services.ledger.written_for(interaction.user.id):
        raise Refusal(_("This prompt was written better already; draw it with Use or /imagine, or change it first."))
    route = await services.routes.for_words(upsample, drawn_by)
    references = await services.attachments.read(attachments)
    entry = Entry(
        idempotency_key=f"i{interaction.id}",
        source="enhance",
        applicant=applicant_in(interaction),
        request=RewriteRequest(
            model=drawn_by.name,
            route=route,
            prompt=prompt.strip(),
            structured=form == "json",
            reference_images=references.pictures,
        ),
        notes=references.notes,
        file_size_limit=interaction.filesize_limit,
    )
    await services.admission.admit(entry, front_of(interaction, reach, opens_threads=False))


async def setup(bot: Flux2Bot) -> None:
    """Register the command."""
    bot.tree.add_command(enhance)
