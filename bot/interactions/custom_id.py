"""How a button names what it does and to which job, or to which of its pictures: `flux2:v1:<verb>:<job id>[:<number>]`.

The version stands in every id so that a later format can still tell an old button from a foreign one.
"""

from __future__ import annotations

import re
from enum import StrEnum

_PREFIX = "flux2:v1"
JOB_ID = r"(?P<job_id>[0-9a-f]{16})(?::(?P<number>[1-9]\d?))?"
"""Pictures are counted from 1; where no number stands it is the first, or all of them."""


class Verb(StrEnum):
    """What a button does."""

    AGAIN = "again"
    VARY = "vary"
    VARY_WHICH = "vary-which"
    SUBTLE = "subtle"
    STRONG = "strong"
    FINAL = "final"
    EDIT = "edit"
    PART = "part"
    PART_WHICH = "part-which"
    PART_CELLS = "part-cells"
    PART_FORM = "part-form"
    CANCEL = "cancel"
    CONFIRM = "confirm"
    SHOW = "show"
    UPSCALE = "upscale"
    UPSCALE_WHICH = "upscale-which"
    MORE = "more"
    REMIX = "remix"
    FAVOURITE = "favourite"
    SEND = "send"
    SPOILER = "spoiler"
    DELETE = "delete"
    BACK = "back"
    BRANCH = "branch"
    CHANGED = "changed"
    RECIPES = "recipes"
    REPORT = "report"
    REPORT_DELETE = "report-delete"
    REPORT_BAN = "report-ban"
    REPORT_DISMISS = "report-dismiss"
    USE = "use"
    REWORD = "reword"
    ORIGINAL = "original"


_ANY = re.compile(rf"{_PREFIX}:(?P<verb>{'|'.join(Verb)}):{JOB_ID}")


def custom_id(verb: Verb, job_id: str, number: int | None = None) -> str:
    """The id of the button that does `verb` to the job, or to picture `number` of it."""
    return f"{_PREFIX}:{verb}:{job_id}" + (f":{number}" if number else "")


def template(verb: Verb) -> str:
    """The pattern of every button of one verb; the groups `job_id` and `number` name the job and its picture."""
    return rf"{_PREFIX}:{verb}:{JOB_ID}"


def parse_picture(text: str) -> tuple[str, int] | None:
    """Return (job id, number of its picture) of an id of this version, None for any other."""
    match = _ANY.fullmatch(text)
    return (match["job_id"], int(match["number"] or 1)) if match else None


def parse(text: str) -> tuple[Verb, str] | None:
    """Return (verb, job id) of an id of this version, None for any other."""
    match = _ANY.fullmatch(text)
    return (Verb(match["verb"]), match["job_id"]) if match else None
