"""A message ready to be posted: the bot's skeleton with the render's figures filled in, as plain values.

Owns Discord's limits on texts and how seeds, sizes and seconds are written. Declines to know where the message goes
and how it is sent, and has no wording of its own but one sentence for a notice whose text a filter blocked.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from flux2.prompting import diff, scene
from flux2.prompting.wording import plain_words
from flux2.request import GenerationRequest
from worker.contract import SPOILER, FailureCode, Picture, RenderJob, RenderResult
from worker.ladder import Fitted
from worker.template import fill

CONTENT_LIMIT = 2000
ALT_TEXT_LIMIT = 1024
BLOCK_LIMIT = 1600
DIFF_LIMIT = 1000
"""Characters of a diff that are shown, likewise."""
WORDS_LIMIT = 900
"""Characters of a result's words that are shown, before escaping, which at worst doubles them."""
_FORMATTING = re.compile(r"([\\*_~`|<>\[\]#-])")
_BLOCKED = "Your picture could not be made."


@dataclass(frozen=True)
class File:
    """One attachment; `description` is its alt text."""

    name: str
    data: bytes
    description: str


@dataclass(frozen=True)
class Post:
    """One message. `components` are raw component dicts; `mentions` the only users it may ping."""

    content: str
    plain: str
    """Content without any text of a member's, for channels whose filter blocks the full one."""
    nonce: str
    file_stem: str
    mentions: tuple[int, ...] = ()
    components: tuple[dict[str, Any], ...] = ()
    files: tuple[File, ...] = ()
    reply_to: int | None = None

    @property
    def size_bytes(self) -> int:
        """Bytes of all files."""
        return sum(len(file.data) for file in self.files)

    @property
    def custom_ids(self) -> frozenset[str]:
        """The custom_ids of its components; they carry the job id."""
        return frozenset(custom_ids(self.components))

    def late(self, sentence: str) -> Post:
        """The same message with `sentence` below it."""
        return replace(self, content=_cut(f"{self.content}\n{sentence}", CONTENT_LIMIT)) if sentence else self

    def in_channel(self, reply_to: int | None) -> Post:
        """The same message as an answer to `reply_to`, or to nothing."""
        return replace(self, reply_to=reply_to)


def custom_ids(components: Sequence[dict[str, Any]]) -> list[str]:
    """Return every custom_id in a tree of raw components."""
    found = [str(component["custom_id"]) for component in components if "custom_id" in component]
    for component in components:
        found += custom_ids(component.get("components", ()))
    return found


def picture_post(job: RenderJob, result: RenderResult, fitted: Sequence[Fitted]) -> Post:
    """Fill the skeleton for a result with pictures; `fitted` are their files, in order."""
    skeleton = job.skeleton
    notes = [*job.notes, *result.notes, *(one.note for one in fitted if one.note)]
    values = {**_values(result, result.pictures, notes), **_words(job, result)}
    content = fill(skeleton.content, values)
    return Post(
        content=_cut(content, CONTENT_LIMIT),
        plain=_mentions(skeleton.mentions),
        nonce=skeleton.nonce,
        file_stem=skeleton.file_stem,
        mentions=skeleton.mentions,
        components=skeleton.components,
        files=tuple(
            File(
                name=f"{_stem(skeleton.file_stem, picture)}-{number}.{one.extension}",
                data=one.data,
                description=_alt_text(job, result, number, notes),
            )
            for number, (picture, one) in enumerate(zip(result.pictures, fitted, strict=True), start=1)
        ),
    )


def failure_post(job: RenderJob, result: RenderResult) -> Post:
    """Fill the notice of a result without pictures. It has its own nonce and buttons, and no files."""
    skeleton = job.skeleton
    code = result.failure or FailureCode.INTERNAL
    notice = skeleton.failures.get(code) or skeleton.failures.get(FailureCode.INTERNAL) or ""
    plain = f"{_mentions(skeleton.mentions)} {_BLOCKED}".strip()
    content = fill(notice, _values(result, (), [*job.notes, *result.notes]))
    return Post(
        content=_cut(content, CONTENT_LIMIT) or plain,
        plain=plain,
        nonce=skeleton.failure_nonce,
        file_stem=skeleton.file_stem,
        mentions=skeleton.mentions,
        components=skeleton.failure_components,
    )


def _stem(stem: str, picture: Picture) -> str:
    return stem if stem.startswith(SPOILER) or not picture.spoiler else f"{SPOILER}{stem}"


def _values(result: RenderResult, pictures: Sequence[Picture], notes: Sequence[str]) -> dict[str, str]:
    return {
        "seed": _seeds([picture.seed for picture in pictures]),
        "seconds": f"{result.seconds:.1f}",
        "size": f"{pictures[0].width}×{pictures[0].height}" if pictures else "",
        "notes": " ".join(dict.fromkeys(notes)),
        "reason": result.reason or "",
        "count": str(len(pictures)),
        "words": plain(result.words or ""),
    }


def _words(job: RenderJob, result: RenderResult) -> dict[str, str]:
    """What was drawn, and what a rewrite changed, for a message: nothing in it formats."""
    return {
        "prompt": plain(result.prompt or job.request.prompt),
        "block": _block(result.words or ""),
        "diff": diff.told(job.request.prompt, result.words, _unformatted, DIFF_LIMIT) if result.words else "",
    }


def _alt_text(job: RenderJob, result: RenderResult, number: int, notes: Sequence[str]) -> str:
    """The same of picture `number` for a screen reader, unescaped: a structured prompt by its summary."""
    drawn = result.prompt or job.request.prompt
    if isinstance(job.request, GenerationRequest) and number <= len(job.request.variants):
        drawn = job.request.variants[number - 1].prompt  # the sheet of a list's pictures comes after them
    values = _values(result, [result.pictures[number - 1]], notes)
    values |= {"prompt": " ".join(plain_words(drawn).split()), "words": " ".join((result.words or "").split())}
    return _cut(fill(job.skeleton.alt_text, values), ALT_TEXT_LIMIT)


def _block(text: str) -> str:
    """A structured prompt, indented, in a block of code; nothing in it can end the block."""
    described = scene.read(text)
    shown = text if described is None else described.pretty()
    held = _cut(shown.replace("```", "`\u200b`\u200b`"), BLOCK_LIMIT)
    return f"```json\n{held}\n```"


def plain(text: str) -> str:
    """Return a model's `text` on one line of at most WORDS_LIMIT characters, with nothing that formats or unfurls."""
    return _unformatted(_cut(" ".join(text.split()), WORDS_LIMIT))


def _unformatted(text: str) -> str:
    return _FORMATTING.sub(r"\\\1", text).replace("://", ":\u200b//").replace("@", "@\u200b")


def _seeds(seeds: Sequence[int]) -> str:
    # Image i is drawn with seed + i, so the first and the last say them all; variants of a prompt share one.
    return "–".join(dict.fromkeys(str(seed) for seed in (*seeds[:1], *seeds[-1:])))


def _mentions(users: Sequence[int]) -> str:
    return " ".join(f"<@{user}>" for user in users)


def _cut(text: str, limit: int) -> str:
    text = text.strip()
    return text if len(text) <= limit else text[: limit - 1] + "…"
