"""Show recipe: how a picture was made, from the ledger, else from the picture's own file. For the asker alone.

The one way to get a JSON prompt back, indented. A file is anybody's: what it says is shown as its words, never as ours.
"""

from __future__ import annotations

import asyncio
import io
from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands

from bot import answers
from bot.interactions.more import command_line, how, recipe
from bot.language import N_, _
from bot.origin import job_told_by
from bot.presenter import MAX_CONTENT
from bot.refusal import Refusal
from bot.remote import pictures_in
from bot.services import Services
from flux2 import provenance
from flux2.prompting import scene
from flux2.provenance import Provenance

if TYPE_CHECKING:
    from bot.client import Flux2Bot

_FILES_READ = 3
"""Of a message with many pictures; those of one message have one recipe."""
_KINDS = ("image/png", "image/webp", "image/jpeg")
_COMMANDS = {"render": "/imagine", "upscale": "/upscale"}


@app_commands.context_menu(name=N_("Show recipe"))
async def show_recipe(interaction: discord.Interaction[Flux2Bot], message: discord.Message) -> None:
    """Answer with the recipe of the pictures in `message`, anybody's."""
    if not await answers.acknowledge(interaction, ephemeral=True):
        return
    services = interaction.client.services
    job = await job_told_by(message, interaction.client)
    if job is not None:
        text, prompt = how(job.request) + _block(recipe(job.request)), job.request.prompt
    else:
        made = await _from_files(message, services)
        text = _("Read from the file itself, which anybody can change:") + _block(_line(made))
        prompt = made.prompt
    await interaction.edit_original_response(**_with_json(text, prompt))


async def _from_files(message: discord.Message, services: Services) -> Provenance:
    """What the message's pictures say of themselves. Raises Refusal where none does."""
    pictures = [one for one in pictures_in(message) if (one.content_type or "").startswith(_KINDS)]
    for attachment in pictures[:_FILES_READ]:
        services.attachments.check((attachment,))
        data = await services.attachments.fetch(attachment, max_bytes=attachment.size)
        made = await asyncio.to_thread(provenance.read, data)
        if made is not None:
            return made
    raise Refusal(
        _(
            "There is no recipe in my records for this message, nor in its files; "
            "Discord drops it from JPEG and WebP files, and other programs may drop it too."
        )
    )


def _block(text: str, kind: str = "") -> str:
    return f"\n```{kind}\n{text}\n```"


def _line(made: Provenance) -> str:
    options = {
        "prompt": " ".join(made.prompt.split()) or None,
        "size": f"{made.width}x{made.height}",
        "model": made.model,
        "steps": made.num_inference_steps,
        "guidance": made.guidance_scale,
        "seed": made.seed,
    }
    return command_line(_COMMANDS.get(made.kind, "/imagine"), options)


def _with_json(text: str, prompt: str) -> dict[str, Any]:
    """The answer, with a JSON prompt indented: below the text where it fits, and as a file to attach again."""
    described = scene.read(prompt)
    if described is None:
        return {"content": text}
    pretty = described.pretty()
    block = "\n" + _("The JSON prompt:") + _block(pretty.replace("```", "ˋˋˋ"), "json")
    shown = text + block if len(text) + len(block) <= MAX_CONTENT else text
    return {"content": shown, "attachments": [discord.File(io.BytesIO(pretty.encode()), "prompt.json")]}


async def setup(bot: Flux2Bot) -> None:
    """Register the entry."""
    bot.tree.add_command(show_recipe)
