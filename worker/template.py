"""Texts of a skeleton: worded by the bot with `{placeholders}`, filled by delivery, which knows no wording of its own.

Text written by members has its braces doubled by `literal` before it enters a template.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{(seed|seconds|size|notes|reason|count|words|diff|block|prompt)\}")


def literal(text: str) -> str:
    """Double the braces of `text`, so that `fill` gives it back as it was."""
    return text.replace("{", "{{").replace("}", "}}")


def fill(template: str, values: Mapping[str, str]) -> str:
    """Fill a skeleton's placeholders in one pass; values are never read for placeholders again."""

    def replace(match: re.Match[str]) -> str:
        return match[0][0] if match[1] is None else values.get(match[1], "")

    return _PLACEHOLDER.sub(replace, template)
