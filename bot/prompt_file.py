"""A JSON prompt or a recipe that comes as a file: found among the attachments, read, and joined with what was typed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from bot.attachments import AttachmentReader
from bot.language import _
from bot.options import Options
from bot.refusal import Refusal
from bot.remote import Attached
from flux2 import recipe
from flux2.prompting import scene, wildcards
from flux2.recipe import Recipe
from flux2.region import parse
from flux2.sizing import MATCH

MAX_BYTES = 64 * 1024
"""Ten times the longest prompt, since a file may be indented."""
_NO_WORDS = frozenset({"", ".", "-", "…", "json", "{}"})
"""What is typed where the prompt must not be empty and the file says it all."""


def split(attachments: Sequence[Attached]) -> tuple[Attached | None, list[Attached]]:
    """Return the attached JSON prompt, if any, and the other files. Raises Refusal for two, or a large one.

    Needs the payload alone.
    """
    prompts = [one for one in attachments if is_one(one)]
    if len(prompts) > 1:
        raise Refusal(_("There are two JSON files; attach the one that is to be drawn."))
    if prompts and prompts[0].size > MAX_BYTES:
        raise Refusal(
            _("The JSON file is larger than {most} KiB; a prompt is a few lines.").format(most=MAX_BYTES // 1024)
        )
    return (prompts[0] if prompts else None), [one for one in attachments if one not in prompts]


async def read(attachment: Attached, options: Options, reader: AttachmentReader) -> Options:
    """Return `options` with what the file says: a recipe fills what was left out, a prompt comes after the words typed.

    Raises Refusal and InvalidRequest.
    """
    text = await _text(attachment, reader)
    if (found := recipe.read(text)) is None:
        return options.reworded(_joined(options.prompt, text))
    return _drawn_again(found, options, options.prompt if _says(options.prompt) else found.prompt)


async def read_prompt(attachment: Attached, words: str, reader: AttachmentReader) -> str:
    """Return the prompt in the file, with `words` put before its scene. Raises Refusal, for a recipe too, and
    InvalidRequest.
    """
    text = await _text(attachment, reader)
    if recipe.read(text) is not None:
        raise Refusal(_("A recipe draws a picture of its own: attach it to /imagine."))
    return _joined(words, text)


async def _text(attachment: Attached, reader: AttachmentReader) -> str:
    data = await reader.fetch(attachment, max_bytes=MAX_BYTES)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refusal(_("The JSON file is not UTF-8 text; save it as UTF-8 and attach it again.")) from error


def _joined(words: str, text: str) -> str:
    described, _notes = scene.parse(text)
    if not _says(words):
        return described.text()
    whole = "; ".join(filter(None, (words.strip(), described.scene)))
    return described.model_copy(update={"scene": whole}).text()


def _says(words: str) -> bool:
    return words.strip().lower() not in _NO_WORDS


def _drawn_again(found: Recipe, options: Options, prompt: str) -> Options:
    if found.kind != "render":
        raise Refusal(_enlarged(found))
    if options.aspect == MATCH:
        # The shape of the first picture, which /edit takes where none is given: the recipe says more.
        options = replace(options, aspect=None)
    has_lists = len(wildcards.expand(prompt)) > 1
    filled: dict[str, Any] = {
        "size": None if options.aspect or found.is_masked else f"{found.width}x{found.height}",
        "model": found.model,
        "steps": found.num_inference_steps,
        "guidance": found.guidance_scale,
        "seed": found.seed,
        "count": None if has_lists else found.count,
        "output_format": found.output_format,
        "output_quality": None if found.output_format == "png" else found.output_quality,
        "upsample": found.upsample,
    }
    left_out = {name: value for name, value in filled.items() if getattr(options, name) is None}
    if found.region and not options.region:
        left_out["region"] = parse(",".join(found.region))
    if found.draws_anew:
        left_out["strength"] = found.strength
    needs_mask = found.needs_mask and not options.region
    left_out |= {"least_pictures": found.pictures, "needs_mask": needs_mask, "says_all": True}
    return replace(options, prompt=prompt, **left_out)


def _enlarged(found: Recipe) -> str:
    """How a recipe that cannot be attached is used."""
    values = {"size": f"{found.width}x{found.height}", "creativity": found.creativity, "seed": found.seed}
    told = " ".join(f"{name}:{value}" for name, value in values.items() if value is not None)
    return _("That recipe enlarges a picture: attach the picture to /upscale, with `{values}`.").format(values=told)


def is_one(attachment: Attached) -> bool:
    """Whether an attachment is such a file, as far as the payload shows."""
    kind = (attachment.content_type or "").partition(";")[0]
    return kind == "application/json" or attachment.filename.lower().endswith(".json")
