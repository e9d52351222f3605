"""A JSON prompt that comes as a file: found among the attachments, read, and joined with the words that were typed."""

from __future__ import annotations

from collections.abc import Sequence

from bot.attachments import AttachmentReader
from bot.language import _
from bot.refusal import Refusal
from bot.remote import Attached
from flux2.prompting import scene

MAX_BYTES = 64 * 1024
"""Ten times the longest prompt, since a file may be indented."""
_NO_WORDS = frozenset({"", ".", "-", "…", "json", "{}"})
"""What is typed where the prompt must not be empty and the file says it all."""


def split(attachments: Sequence[Attached]) -> tuple[Attached | None, list[Attached]]:
    """Return the attached JSON prompt, if any, and the other files. Raises Refusal for two, or a large one.

    Needs the payload alone.
    """
    prompts = [one for one in attachments if _is_json(one)]
    if len(prompts) > 1:
        raise Refusal(_("There are two JSON files; attach the one that is to be drawn."))
    if prompts and prompts[0].size > MAX_BYTES:
        raise Refusal(
            _("The JSON file is larger than {most} KiB; a prompt is a few lines.").format(most=MAX_BYTES // 1024)
        )
    return (prompts[0] if prompts else None), [one for one in attachments if one not in prompts]


async def read(attachment: Attached, words: str, reader: AttachmentReader) -> str:
    """Return the prompt in the file, with `words` put before its scene. Raises Refusal and InvalidRequest."""
    data = await reader.fetch(attachment, max_bytes=MAX_BYTES)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refusal(_("The JSON file is not UTF-8 text; save it as UTF-8 and attach it again.")) from error
    described, _notes = scene.parse(text)
    if words.strip().lower() in _NO_WORDS:
        return described.text()
    whole = "; ".join(filter(None, (words.strip(), described.scene)))
    return described.model_copy(update={"scene": whole}).text()


def _is_json(attachment: Attached) -> bool:
    kind = (attachment.content_type or "").partition(";")[0]
    return kind == "application/json" or attachment.filename.lower().endswith(".json")
