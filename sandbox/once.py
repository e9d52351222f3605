"""One prompt through the whole stack, without a browser: `python -m sandbox once …`.

Sends a slash command as a member's client would, waits for the final answer, saves its files and prints one JSON
line. Exit status 0 done, 1 refused or failed, 2 wrong usage, 3 the stack did not start or time ran out.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from sandbox.member import ClientRefused, Member, Upload, Use
from sandbox.message import Message
from sandbox.redis_server import RedisUnavailable
from sandbox.stack import Stack, StackDidNotStart

PICTURE_COMMANDS = frozenset({"imagine", "edit", "studio", "upscale", "enhance", "describe"})
"""Commands whose success is posted later, a picture or words; their ephemeral answers are refusals."""
_ONE_IMAGE = frozenset({"edit", "upscale", "describe"})
_FORMS = frozenset({"studio"})
"""Commands that ask in a form instead of options."""
_JOB_ID = re.compile(r"^flux2:v\d+:\w+:([0-9a-f]{16})$")
_POLL_S = 0.05

Stage = Literal["client", "bot", "job"]


class Refused(Exception):
    """The member got a sentence instead of a result."""

    def __init__(self, error: str, code: str | int, stage: Stage, exit_status: int = 1) -> None:
        super().__init__(error)
        self.error, self.code, self.stage, self.exit_status = error, code, stage, exit_status


@dataclass(frozen=True)
class Errand:
    """What the command line asks for."""

    command: str
    out: Path
    prompt: str | None = None
    images: tuple[Path, ...] = ()
    options: dict[str, str] = field(default_factory=dict)
    then: tuple[str, ...] = ()
    timeout_s: float = 240.0
    member: str = "luna"
    model: str = "sample"
    redis_url: str | None = None
    settings: dict[str, str] = field(default_factory=dict)
    """More settings for the stack; nothing is taken from the environment."""

    def slash_options(self) -> dict[str, Any]:
        """The options as the member's client sends them; values are typed by the registered command."""
        values: dict[str, Any] = {name: _value(text) for name, text in self.options.items()}
        if self.prompt is not None:
            values["prompt"] = self.prompt
        for index, path in enumerate(self.images, start=1):
            name = "image" if index == 1 and self.command in _ONE_IMAGE else f"image{index}"
            values[name] = Upload(path.name, path.read_bytes())
        return values

    def form_values(self) -> dict[str, Any]:
        """The same for a command that opens a form, by the custom ids of its fields; images go into one upload."""
        values: dict[str, Any] = dict(self.options)
        if self.prompt is not None:
            values["prompt"] = self.prompt
        if self.images:
            values["images"] = [Upload(path.name, path.read_bytes()) for path in self.images]
        return values


def _value(text: str) -> str | Upload:
    """An option as it is typed; `@FILE` attaches a file that is there."""
    path = Path(text.removeprefix("@"))
    return Upload(path.name, path.read_bytes()) if text.startswith("@") and path.is_file() else text


def run(errand: Errand) -> int:
    """Do the errand and return the exit status; the JSON line goes to stdout, everything else to stderr."""
    try:
        line = asyncio.run(_run(errand))
        status = 0
    except Refused as refusal:
        line = {"ok": False, "error": refusal.error, "code": refusal.code, "stage": refusal.stage}
        status = refusal.exit_status
    except (RedisUnavailable, StackDidNotStart) as error:
        line = {"ok": False, "error": str(error), "code": "not_started", "stage": "bot"}
        status = 3
    sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
    return status


async def _run(errand: Errand) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="flux2-sandbox-") as folder:
        stack = Stack(
            Path(folder), model=errand.model, redis_url=errand.redis_url, logs_to_stderr=True, settings=errand.settings
        )
        progress = _Progress()
        try:
            async with asyncio.timeout(errand.timeout_s), stack:
                return await converse(errand, stack, progress)
        except TimeoutError:
            error = f"Nothing came within {errand.timeout_s:g} s while {progress.doing}; see the log above."
            raise Refused(error, "timeout", progress.stage, exit_status=3) from None


@dataclass
class _Progress:
    """Where the errand stands, for the sentence when time runs out."""

    doing: str = "starting the stack"
    stage: Stage = "bot"


async def converse(errand: Errand, stack: Stack, progress: _Progress | None = None) -> dict[str, Any]:
    """Send the command on a running stack, follow it to its end, and return the JSON line. Raises Refused."""
    progress = progress or _Progress()
    member = stack.server.member(errand.member)
    sent = time.monotonic()
    progress.doing = f"waiting for the answer to /{errand.command}"
    try:
        use = await _send(errand, member)
    except ClientRefused as refusal:
        raise Refused(str(refusal), refusal.code, "client") from None
    answer = await use.answer(timeout=errand.timeout_s)
    if errand.command.split()[0] not in PICTURE_COMMANDS:
        return _spoken(answer, use, time.monotonic() - sent)
    if answer.ephemeral and not job_ids(answer):
        raise Refused(answer.content, "refused", "bot")
    progress.doing, progress.stage = "waiting for the picture", "job"
    job_id = await _job_id_of(answer, stack, use)
    message = await _delivered(stack, job_id)
    for text in errand.then:
        sent = time.monotonic()
        job_id, message = await _reply(stack, member, message, text, progress, errand.timeout_s)
    return await _line(errand, stack, job_id, message, time.monotonic() - sent)


async def _send(errand: Errand, member: Member) -> Use:
    if errand.command not in _FORMS:
        return await member.slash(errand.command, errand.slash_options())
    use = await member.slash(errand.command)
    return await member.submit(use.modal, errand.form_values()) if use.opened_modal else use


async def _job_id_of(status: Message, stack: Stack, use: Use) -> str:
    """Find the job in the buttons of its status message; a refusal may still replace that message."""
    while True:
        if found := job_ids(status):
            return found[0]
        if refusal := use.ephemeral_follow_up():
            raise Refused(refusal.content, "refused", "bot")
        await asyncio.sleep(_POLL_S)
        status = stack.server.world.message(status.id) or status


def job_ids(message: Message) -> list[str]:
    """Job ids named by the custom ids of a message's buttons."""
    matches = (_JOB_ID.match(str(custom_id)) for custom_id in message.custom_ids())
    return [match[1] for match in matches if match]


async def _delivered(stack: Stack, job_id: str) -> Message:
    """Wait until the job's message is posted. Raises Refused if it tells a failure."""
    while True:
        message_id = await stack.delivered_message_id(job_id)
        if message_id is not None:
            break
        await asyncio.sleep(_POLL_S)
    message = stack.server.world.message(message_id)
    if message is None:
        raise Refused("The result was posted and deleted again.", "deleted", "job")
    result = await stack.result(job_id)
    if result is not None and result.failure is not None:
        raise Refused(message.content, result.failure.value, "job")
    return message


async def _reply(
    stack: Stack, member: Member, message: Message, text: str, progress: _Progress, timeout_s: float
) -> tuple[str, Message]:
    """Reply with ping to a result and wait for the next one."""
    progress.doing, progress.stage = f"waiting for the answer to “{text}”", "bot"
    reply = await member.reply(message, text, ping=True)
    world = stack.server.world
    answer = await world.wait_for(
        lambda candidate: candidate.is_by_bot and candidate.reference_id == reply.id, timeout=timeout_s
    )
    ids = job_ids(answer)
    if not ids:
        raise Refused(answer.content, "refused", "bot")
    progress.stage = "job"
    return ids[0], await _delivered(stack, ids[0])


def _spoken(answer: Message, use: Use, seconds: float) -> dict[str, Any]:
    return {
        "ok": True,
        "files": [],
        "content": answer.content,
        "seconds": round(seconds, 3),
        "request": None,
        "job_id": None,
        "channel_id": str(answer.channel_id),
        "message_id": str(answer.id),
        "thread": False,
    }


async def _line(errand: Errand, stack: Stack, job_id: str, message: Message, seconds: float) -> dict[str, Any]:
    job, result = await stack.job(job_id), await stack.result(job_id)
    if job is None or result is None:
        raise Refused(f"Job {job_id} is posted but no longer in the queue.", "missing", "job")
    errand.out.mkdir(parents=True, exist_ok=True)
    files = []
    for attachment in message.attachments:
        path = (errand.out / Path(attachment.filename).name).resolve()
        path.write_bytes(await stack.server.read(attachment))
        files.append(str(path))
    request = job.request.model_dump(mode="json")
    request["seeds"] = list(job.request.seeds)
    return {
        "ok": True,
        "files": files,
        "content": message.content,
        "seconds": round(seconds, 3),
        "request": request,
        "job_id": job_id,
        "channel_id": str(message.channel_id),
        "message_id": str(message.id),
        "thread": stack.server.world.is_thread(message.channel_id),
    }
