"""/imagine: a prompt, up to four reference images and every option; the picture arrives in a thread.

The one translator between Discord's options and flux2's words.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import discord
from discord import app_commands
from discord.app_commands import Choice

from bot import answers, contexts, prompt_file
from bot.admission import Entry
from bot.answer_front import front_of
from bot.applicants import applicant_in
from bot.gathering import Pointed
from bot.interactions.go_ahead import Answer, go_ahead
from bot.language import N_, _
from bot.ledger.job import Reach
from bot.options import Options
from bot.presenter import shorten
from bot.refusal import Refusal
from bot.remote import Attached
from flux2.models import MEGAPIXEL
from flux2.prompting import styles
from flux2.request import MAX_PROMPT, MAX_SEED, GenerationRequest, ReferenceImage
from flux2.sizing import ASPECTS, MATCH, MEGAPIXELS

if TYPE_CHECKING:
    from bot.client import Flux2Bot

MAX_LINK = 400
"""Characters: several links to messages, or one to a file with its signature."""
_MAX_CHOICES = 25
_MAX_CHOICE_NAME = 100


@app_commands.command(description=N_("Draw a picture from words, and from your own images if you attach some."))
@app_commands.describe(
    prompt=N_("What the picture should show; a JSON prompt works too."),
    image1=N_("A picture to start from or to refer to, “image 1” in the prompt; or a .json file with the prompt."),
    image2=N_("A second reference image."),
    image3=N_("A third reference image."),
    image4=N_("A fourth reference image."),
    style=N_("Words around the prompt: a way to photograph, or a recipe such as a sticker."),
    aspect=N_("Shape of the picture; match takes the shape of image1."),
    size=N_("Megapixels (0.5, 1, 2 or 4) or width x height, such as 1024x768."),
    model=N_("Which model draws."),
    steps=N_("Denoising steps: more is slower, and often finer."),
    guidance=N_("How closely the prompt is followed."),
    seed=N_("The same seed and options give the same picture."),
    count=N_("How many pictures; each takes the next seed."),
    format=N_("File format of the pictures."),
    quality=N_("Quality of webp and jpeg files, 0 to 100."),
    upsample=N_("Write the prompt better first: by a hosted model, by the model that draws, or auto where it helps."),
    link=N_("A link to a message whose pictures follow the attached ones as references."),
    avatar=N_("A member whose avatar follows as a reference."),
    tray=N_("Let the pictures of your reference tray follow as references."),
    private=N_("Only you see it; not possible while the wait is over 12 minutes."),
)
@app_commands.choices(
    aspect=[Choice(name=name, value=name) for name in (*ASPECTS, MATCH)],
    format=[Choice(name=name, value=name) for name in ("webp", "png", "jpeg")],
)
async def imagine(
    interaction: discord.Interaction[Flux2Bot],
    prompt: app_commands.Range[str, 1, MAX_PROMPT],
    image1: discord.Attachment | None = None,
    image2: discord.Attachment | None = None,
    image3: discord.Attachment | None = None,
    image4: discord.Attachment | None = None,
    style: app_commands.Range[str, 1, 60] | None = None,
    aspect: str | None = None,
    size: app_commands.Range[str, 1, 20] | None = None,
    model: app_commands.Range[str, 1, 100] | None = None,
    steps: app_commands.Range[int, 1, 100] | None = None,
    guidance: app_commands.Range[float, 0, 20] | None = None,
    seed: app_commands.Range[int, 0, MAX_SEED] | None = None,
    count: app_commands.Range[int, 1, 10] | None = None,
    format: str | None = None,
    quality: app_commands.Range[int, 0, 100] | None = None,
    upsample: Literal["none", "local", "openrouter", "auto"] | None = None,
    link: app_commands.Range[str, 1, MAX_LINK] | None = None,
    avatar: discord.User | discord.Member | None = None,
    tray: bool = False,
    private: bool | None = None,
) -> None:
    """Gather the options; `draw` does the rest."""
    options = Options(
        prompt=prompt,
        style=styles.find(interaction.client.services.styles, style) if style else None,
        aspect=aspect,
        size=size,
        model=model,
        steps=steps,
        guidance=guidance,
        seed=seed,
        count=count,
        output_format=format,
        output_quality=quality,
        upsample=upsample,
    )
    attachments = [image for image in (image1, image2, image3, image4) if image is not None]
    await draw(interaction, options, Pointed(attachments, link, avatar, tray), private=private)


async def draw(
    interaction: discord.Interaction[Flux2Bot],
    options: Options,
    pointed: Pointed,
    *,
    pictures: tuple[ReferenceImage, ...] = (),
    source: str = "imagine",
    parent_id: str | None = None,
    private: bool | None = None,
) -> None:
    """Check, acknowledge, gather the references, settle, admit; `pictures` come after all others as references.

    A .json file among the attachments is the prompt, or a recipe; `private` keeps all of it to the member, None: as he
    prefers. Raises Refusal and InvalidRequest.
    """
    services = interaction.client.services
    written, attachments = prompt_file.split(pointed.attachments)
    pointed = replace(pointed, attachments=attachments)
    private = await services.shelf.draws_in_private(interaction.user.id) if private is None else private
    check_payload(interaction, options, pointed, has_more=bool(pictures), private=private)
    reach = contexts.reach_of(interaction, private=private)
    if not await answers.acknowledge(interaction, ephemeral=reach is Reach.PRIVATE):
        return
    if written:
        options = await prompt_file.read(written, options, services.attachments)
    await services.offer.choose(options.model)
    gathered = await services.gathering.gather(interaction.user, options.prompt, pointed)
    settled = await services.casting.settle(
        applicant_in(interaction),
        replace(options, prompt=gathered.prompt, mask_image=gathered.mask),
        (*gathered.pictures, *pictures),
    )
    request = settled.request
    if not await go_ahead(interaction.client, applicant_in(interaction), request, Answer(interaction)):
        return
    await services.attachments.require_marked(request)
    notes = (*settled.notes, *_reduced(request, pointed))
    usual = (await services.gate.terms(applicant_in(interaction))).usual
    preferred = (await services.shelf.preferences(interaction.user.id)).upsample or usual.default_upsample
    asked = options.upsample
    if asked != "none" and request.prompt in await services.ledger.written_for(interaction.user.id):
        # Better words were found for it before: they are drawn as they are.
        asked = "none"
    request, offered = await services.routes.settle(asked, request, services.offer, preferred=preferred)
    entry = Entry(
        idempotency_key=f"i{interaction.id}",
        source=source,
        parent_id=parent_id,
        applicant=applicant_in(interaction),
        request=request,
        asked=settled.asked,
        notes=(*gathered.notes, *notes, *offered),
        file_size_limit=interaction.filesize_limit,
    )
    admitted = await services.admission.admit(entry, front_of(interaction, reach))
    warning = services.routes.warning(request, services.offer)
    if warning and admitted is not None:
        await interaction.followup.send(warning, ephemeral=True)


def _reduced(request: GenerationRequest, pointed: Pointed) -> tuple[str, ...]:
    """What to say where only a part of a picture changes, and even the rest is not kept as large as it was."""
    if not request.is_masked or not pointed.attachments:
        return ()
    given, kept = pointed.attachments[0], request.reference_images[0]
    if (given.width or 0) <= kept.width:
        return ()
    size = f"{kept.width}×{kept.height}"
    return (_("The picture was reduced to {size} first; larger ones are not kept.").format(size=size),)


def check_payload(
    interaction: discord.Interaction[Flux2Bot],
    options: Options,
    pointed: Pointed,
    *,
    has_more: bool = False,
    private: bool = False,
) -> None:
    """Refuse, without any I/O, what the payload alone and the last look at the workers show to be impossible."""
    services = interaction.client.services
    contexts.require_posting(interaction, private=private)
    options.require_prompt()
    services.attachments.check([*pointed.attachments, *([pointed.mask] if pointed.mask else [])])
    seen = services.offer.seen
    if has_more or not pointed.is_all(options.prompt):
        return
    # A model that was not there at the last look may be there now: that is asked after the answer.
    if seen and (options.model is None or options.model in seen):
        default = services.gate.default_model(applicant_in(interaction))
        shapes = tuple(_shape(image) for image in pointed.attachments)
        mask = _shape(pointed.mask) if pointed.mask and pointed.mask.width else None
        options.rehearse(services.offer.pick(options.model, default), shapes, mask)


def _shape(stated: Attached) -> tuple[int, int]:
    return stated.width or 1, stated.height or 1


@imagine.autocomplete("style")
async def _styles(interaction: discord.Interaction[Flux2Bot], typed: str) -> list[Choice[str]]:
    """Styles by name or title, with what each is for."""
    return styles_like(interaction, typed)


def styles_like(interaction: discord.Interaction[Flux2Bot], typed: str) -> list[Choice[str]]:
    """Styles whose name or title holds what is being typed, with what each is for."""
    found = styles.matching(interaction.client.services.styles, typed)
    return [Choice(name=_titled(style), value=style.name) for style in found][:_MAX_CHOICES]


def _titled(style: styles.Style) -> str:
    return shorten(f"{style.title} · {style.advice or style.after}", _MAX_CHOICE_NAME)


@imagine.autocomplete("model")
async def _models(interaction: discord.Interaction[Flux2Bot], typed: str) -> list[Choice[str]]:
    """Models the workers serve."""
    return await models_like(interaction, typed)


async def models_like(interaction: discord.Interaction[Flux2Bot], typed: str) -> list[Choice[str]]:
    """Models the workers serve whose names hold what is being typed."""
    names = sorted(await interaction.client.services.offer.look())
    return [Choice(name=name, value=name) for name in names if typed.lower() in name.lower()][:_MAX_CHOICES]


@imagine.autocomplete("size")
async def _sizes(interaction: discord.Interaction[Flux2Bot], typed: str) -> list[Choice[str]]:
    """Megapixels that the chosen model draws, or the width and height that is being typed."""
    return await sizes_like(interaction, typed)


async def sizes_like(interaction: discord.Interaction[Flux2Bot], typed: str) -> list[Choice[str]]:
    """Megapixels that the model chosen so far draws, or the width and height that is being typed."""
    typed = typed.strip()
    sizes = [
        Choice(name=_("1 megapixel") if size == "1" else _("{size} megapixels").format(size=size), value=size)
        for size in await _drawable(interaction)
        if size.startswith(typed)
    ]
    return sizes or ([Choice(name=typed[:100], value=typed[:100])] if typed else [])


async def _drawable(interaction: discord.Interaction[Flux2Bot]) -> list[str]:
    """Megapixel sizes of the model chosen so far, of every model where that is not known yet."""
    offer = interaction.client.services.offer
    if not offer.seen:
        await offer.look()
    try:
        most = offer.pick(getattr(interaction.namespace, "model", None)).max_pixels
    except Refusal:
        return list(MEGAPIXELS)
    return [size for size in MEGAPIXELS if float(size) * MEGAPIXEL <= most]


async def setup(bot: Flux2Bot) -> None:
    """Register the command."""
    bot.tree.add_command(imagine)
