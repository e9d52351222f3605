"""How answers leave: JSON with the exact content type, and errors in Discord's shapes. Owns the error codes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

Json = dict[str, Any]

CODES: Mapping[int, tuple[int, str]] = {
    0: (400, "400: Bad Request"),
    10003: (404, "Unknown Channel"),
    10004: (404, "Unknown Guild"),
    10007: (404, "Unknown Member"),
    10008: (404, "Unknown Message"),
    10011: (404, "Unknown Role"),
    10013: (404, "Unknown User"),
    10014: (404, "Unknown Emoji"),
    10015: (404, "Unknown Webhook"),
    10062: (404, "Unknown interaction"),
    10063: (404, "Unknown application command"),
    20012: (403, "You are not authorized to perform this action on this application"),
    30032: (400, "Maximum number of application commands reached"),
    30034: (429, "Max number of daily application command creates has been reached (200)"),
    30046: (429, "Maximum number of edits to messages older than 1 hour reached. Try again later"),
    40005: (413, "Request entity too large"),
    40060: (400, "Interaction has already been acknowledged."),
    40094: (400, "This interaction has hit the maximum number of follow up messages"),
    50001: (403, "Missing Access"),
    50003: (403, "Cannot execute action on a DM channel"),
    50005: (403, "Cannot edit a message authored by another user"),
    50006: (400, "Cannot send an empty message"),
    50007: (403, "Cannot send messages to this user"),
    50008: (400, "Cannot send messages in a non-text channel"),
    50013: (403, "Missing Permissions"),
    50021: (403, "Cannot execute action on a system message"),
    50024: (400, "Cannot execute action on this channel type"),
    50027: (401, "Invalid Webhook Token"),
    50034: (400, "You can only bulk delete messages that are under 14 days old."),
    50035: (400, "Invalid Form Body"),
    50083: (400, "Thread is archived"),
    50109: (400, "The request body contains invalid JSON."),
    50278: (403, "Cannot send messages to this user due to having no mutual guilds"),
    160002: (403, "You cannot reply to a message without permission to read message history"),
    160004: (400, "A thread has already been created for this message"),
    160005: (400, "Thread is locked"),
    160006: (400, "Maximum number of active threads reached"),
}
"""Code -> (HTTP status, Discord's words)."""


class ApiError(Exception):
    """A refusal that goes out as `{"code", "message"}`, with `errors` or `retry_after` where Discord adds them."""

    def __init__(self, code: int, *, status: int | None = None, message: str | None = None, **extra: Any) -> None:
        known_status, known_message = CODES.get(code, (400, "Bad Request"))
        self.code = code
        self.status = status or known_status
        self.message = message or known_message
        self.extra = extra
        super().__init__(f"{self.status} {code}: {self.message} {extra or ''}".strip())

    def response(self) -> web.Response:
        """The HTTP answer."""
        headers = {"Via": "1.1 google"} if self.status == 429 else {}
        waits = {"global": False} if "retry_after" in self.extra else {}
        return reply({"message": self.message, "code": self.code, **waits, **self.extra}, self.status, headers)


def unauthorized() -> ApiError:
    """The answer to a missing or wrong token."""
    return ApiError(0, status=401, message="401: Unauthorized")


def not_found() -> ApiError:
    """The answer to a route that does not exist."""
    return ApiError(0, status=404, message="404: Not Found")


class Form:
    """Collects what is wrong with a body, path by path, and refuses it as one 50035."""

    def __init__(self) -> None:
        self._errors: Json = {}

    def refuse(self, path: str, code: str, message: str) -> None:
        """Note one error at a dotted path such as `embeds.0.title`."""
        node = self._errors
        for part in path.split("."):
            node = node.setdefault(part, {})
        node.setdefault("_errors", []).append({"code": code, "message": message})

    def length(self, path: str, size: int, maximum: int, minimum: int = 0) -> None:
        """Note a text or list whose size is outside minimum..maximum."""
        if minimum <= size <= maximum:
            return
        if minimum:
            self.refuse(path, "BASE_TYPE_BAD_LENGTH", f"Must be between {minimum} and {maximum} in length.")
        else:
            self.refuse(path, "BASE_TYPE_MAX_LENGTH", f"Must be {maximum} or fewer in length.")

    def text(self, path: str, value: object, maximum: int, minimum: int = 0) -> bool:
        """Note a value that is no text of minimum..maximum characters; None is a missing value. True if it is fine."""
        if value is None:
            if minimum:
                self.refuse(path, "BASE_TYPE_REQUIRED", "This field is required")
            return not minimum
        if not isinstance(value, str):
            self.refuse(path, "STRING_TYPE_CONVERT", f'Could not interpret "{value}" as string.')
            return False
        self.length(path, len(value), maximum, minimum)
        return minimum <= len(value) <= maximum

    def number(self, path: str, value: object, minimum: float, maximum: float) -> None:
        """Note a number outside minimum..maximum; None is a value left out."""
        if value is None:
            return
        if not isinstance(value, int | float) or isinstance(value, bool):
            self.refuse(path, "NUMBER_TYPE_COERCE", f'Value "{value}" is not int.')
        elif value < minimum:
            self.refuse(path, "NUMBER_TYPE_MIN", f"int value should be greater than or equal to {minimum:g}.")
        elif value > maximum:
            self.refuse(path, "NUMBER_TYPE_MAX", f"int value should be less than or equal to {maximum:g}.")

    def check(self) -> None:
        """Raise ApiError 50035 if anything was noted."""
        if self._errors:
            raise ApiError(50035, errors=self._errors)

    @classmethod
    def single(cls, path: str, code: str, message: str) -> ApiError:
        """A 50035 for one error."""
        form = cls()
        form.refuse(path, code, message)
        return ApiError(50035, errors=form._errors)


def reply(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """JSON with `Content-Type: application/json` exactly: discord.py reads nothing else as JSON."""
    # body= and an explicit header: with text= aiohttp would add a charset.
    raw = json.dumps(body, ensure_ascii=False).encode()
    return web.Response(body=raw, status=status, headers={"Content-Type": "application/json", **(headers or {})})


def nothing() -> web.Response:
    """204."""
    return web.Response(status=204)


def snowflake_or_none(value: object) -> int | None:
    """An id given as text or number; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return int(value) if str(value).isdigit() else None
