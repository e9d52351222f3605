"""Reads what a client sent: JSON, or multipart with `payload_json` and `files[n]`. Refuses what is too large."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import cast

from aiohttp import BodyPartReader, web

from sandbox import limits
from sandbox.wire import ApiError, Json

_FILE_FIELD = re.compile(r"^(?:files\[(\d+)\]|file(\d*))$")


@dataclass(frozen=True)
class UploadedFile:
    """One file of a multipart body."""

    filename: str
    data: bytes


@dataclass(frozen=True)
class Body:
    """The JSON of a request and the files beside it, by their index."""

    json: Json
    uploads: dict[int, UploadedFile] = field(default_factory=dict)


async def read_json(request: web.Request) -> Json:
    """The body as an object; an empty one for no body. Raises ApiError 50109 or 50035."""
    raw = await request.read()
    return _parse(raw) if raw else {}


async def read_json_list(request: web.Request) -> list[Json]:
    """The body as a list of objects. Raises ApiError 50109 or 50035."""
    try:
        value = json.loads(await request.read())
    except ValueError:
        raise ApiError(50109) from None
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise ApiError(50035, errors={"_errors": [{"code": "LIST_TYPE_CONVERT", "message": "Must be a list."}]})
    return value


async def read_body(request: web.Request, upload_limit: int) -> Body:
    """JSON or multipart; `upload_limit` is bytes per file. Raises ApiError 40005, 50035 or 50109."""
    if not request.content_type.startswith("multipart/"):
        return Body(await read_json(request))
    payload: Json = {}
    uploads: dict[int, UploadedFile] = {}
    room = max(limits.REQUEST_BYTES, upload_limit)
    reader = await request.multipart()
    while (part := await reader.next()) is not None:
        part = cast(BodyPartReader, part)
        data = await _read_part(part, room)
        room -= len(data)
        name = part.name or ""
        if name == "payload_json":
            payload = _parse(data)
        elif match := _FILE_FIELD.match(name):
            if len(data) > upload_limit:
                raise ApiError(40005)
            uploads[int(match[1] or match[2] or 0)] = UploadedFile(part.filename or "unknown", data)
        else:
            payload[name] = data.decode("utf-8", "replace")
    return Body(payload, uploads)


async def _read_part(part: BodyPartReader, room: int) -> bytes:
    data = bytearray()
    while chunk := await part.read_chunk(1 << 16):
        data += chunk
        if len(data) > room:
            raise ApiError(40005)
    return bytes(data)


def _parse(raw: bytes | bytearray) -> Json:
    try:
        value = json.loads(raw)
    except ValueError:
        raise ApiError(50109) from None
    if not isinstance(value, dict):
        raise ApiError(50035, errors={"_errors": [{"code": "MODEL_TYPE_CONVERT", "message": "Must be an object."}]})
    return value
