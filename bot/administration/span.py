"""Spans of time as admins type them: 30m, 12h, 7d, 2w."""

from __future__ import annotations

import re
from datetime import timedelta

from bot.language import _
from bot.refusal import Refusal

_SPAN = re.compile(r"(\d{1,5})\s*(m|h|d|w)", re.IGNORECASE)
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_LONGEST = timedelta(days=3650)


def parse(text: str) -> timedelta:
    """Return the span. Raises Refusal for anything else, for none and for more than ten years."""
    match = _SPAN.fullmatch(text.strip())
    span = timedelta(**{_UNITS[match[2].lower()]: int(match[1])}) if match else timedelta()
    if not timedelta() < span <= _LONGEST:
        raise Refusal(_("I do not understand that duration; write it as 30m, 12h, 7d or 2w, at most ten years."))
    return span
