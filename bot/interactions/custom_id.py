"""How a button names what it does and to which job: `flux2:v1:<verb>:<job id>`.

The version stands in every id so that a later format can still tell an old button from a foreign one.
"""

from __future__ import annotations

import re
from enum import StrEnum

_PREFIX = "flux2:v1"
JOB_ID = r"(?P<job_id>[0-9a-f]{16})"


class Verb(StrEnum):
    """What a button does."""

    AGAIN = "again"
    EDIT = "edit"
    CANCEL = "cancel"
    CONFIRM = "confirm"
    SHOW = "show"
    UPSCALE = "upscale"
    MORE = "more"
    REMIX = "remix"
    FAVOURITE = "favourite"
    SEND = "send"
    SPOILER = "spoiler"
    DELETE = "delete"
    BACK = "back"
    BRANCH = "branch"
    CHANGED = "changed"
    REPORT_DELETE = "report-delete"
    REPORT_BAN = "report-ban"
    REPORT_DISMISS = "report-dismiss"
    USE = "use"
    REWORD = "reword"
    ORIGINAL = "original"


_ANY = re.compile(rf"{_PREFIX}:(?P<verb>{'|'.join(Verb)}):{JOB_ID}")


def custom_id(verb: Verb, job_id: str) -> str:
    """The id of the button that does `verb` to the job."""
    return f"{_PREFIX}:{verb}:{job_id}"


def template(verb: Verb) -> str:
    """The pattern of every button of one verb; the group `job_id` names the job."""
    return rf"{_PREFIX}:{verb}:{JOB_ID}"


def parse(text: str) -> tuple[Verb, str] | None:
    """Return (verb, job id) of an id of this version, None for any other."""
    match = _ANY.fullmatch(text)
    return (Verb(match["verb"]), match["job_id"]) if match else None
