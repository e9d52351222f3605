"""Sizes and counts Discord allows, and the check of embeds against them. Components and commands check themselves."""

from __future__ import annotations

from sandbox.wire import Form, Json

UPLOAD_BYTES = {0: 10 << 20, 1: 10 << 20, 2: 50 << 20, 3: 100 << 20}
"""Bytes per file by the guild's boost tier."""
REQUEST_BYTES = 25 << 20
"""Bytes of a whole request, unless one file may be larger."""
FILES = 10
ALT_TEXT = 1024
CONTENT = 2000
V2_TEXT = 4000
EMBEDS = 10
EMBED_TEXT = 6000
NONCE = 25
MENTION_IDS = 100
THREAD_NAME = 100
AUTO_ARCHIVE_MIN = (60, 1440, 4320, 10080)
ACTIVE_THREADS = 1000
OLD_MESSAGE_S = 3600.0
OLD_EDITS = 5
"""Edits of one message older than an hour per hour; Discord does not publish its figure, this one is a guess."""

_EMBED_TEXTS = {"title": 256, "description": 4096}


def check_embeds(form: Form, path: str, embeds: object) -> None:
    """Note what is wrong with the embeds of a message."""
    if embeds is None:
        return
    if not isinstance(embeds, list):
        form.refuse(path, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
        return
    form.length(path, len(embeds), EMBEDS)
    total = 0
    for index, embed in enumerate(embeds):
        if isinstance(embed, dict):
            total += _check_embed(form, f"{path}.{index}", embed)
        else:
            form.refuse(f"{path}.{index}", "MODEL_TYPE_CONVERT", "Only dictionaries may be used in a ModelType")
    if total > EMBED_TEXT:
        message = f"Embed size exceeds maximum size of {EMBED_TEXT}"
        form.refuse(path, "MAX_EMBED_SIZE_EXCEEDED", message)


def _check_embed(form: Form, path: str, embed: Json) -> int:
    """Note what is wrong with one embed and return its number of characters."""
    total = 0
    for key, maximum in _EMBED_TEXTS.items():
        total += _count(form, f"{path}.{key}", embed.get(key), maximum)
    for outer, inner, maximum in (("footer", "text", 2048), ("author", "name", 256)):
        part = embed.get(outer)
        if isinstance(part, dict):
            total += _count(form, f"{path}.{outer}.{inner}", part.get(inner), maximum)
    fields = embed.get("fields") or []
    form.length(f"{path}.fields", len(fields), 25)
    for index, item in enumerate(fields):
        total += _count(form, f"{path}.fields.{index}.name", item.get("name"), 256, 1)
        total += _count(form, f"{path}.fields.{index}.value", item.get("value"), 1024, 1)
    for key in ("image", "thumbnail"):
        part = embed.get(key)
        url = part.get("url") if isinstance(part, dict) else None
        if url is not None and not str(url).startswith(("http://", "https://", "attachment://")):
            form.refuse(f"{path}.{key}.url", "URL_TYPE_INVALID_URL", "Not a well formed URL.")
    return total


def _count(form: Form, path: str, value: object, maximum: int, minimum: int = 0) -> int:
    form.text(path, value, maximum, minimum)
    return len(value) if isinstance(value, str) else 0
