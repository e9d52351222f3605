"""`python -m bot admin …`: /admin at the operator's terminal, through the same functions, for one server or for all.

Works beside a running bot, which looks at the ledger and at Redis by itself.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from redis.exceptions import RedisError

from bot import complaints
from bot.administration import members, overview, queueing, ruling, safety, trail, workers
from bot.administration.desk import Desk, Listing, Suggestion
from bot.dispatcher import Dispatcher
from bot.fleet import Fleet, connect
from bot.ledger.audit import EVERYWHERE, Actor
from bot.ledger.job import LedgerUnusable
from bot.ledger.ledger import Ledger
from bot.ledger.rules import Scope
from bot.queue import WorkQueue
from bot.refusal import Refusal
from config.settings import STYLES, BotSettings
from flux2.errors import InvalidRequest
from flux2.prompting import styles

Work = Callable[[Desk, argparse.Namespace], Awaitable["str | Listing | Suggestion"]]
_FAILED, _UNAVAILABLE = 1, 69
_TIME = re.compile(r"<t:(\d+):\w>")
_MENTION = re.compile(r"<(@&|@|#)(\d+)>")
_MENTIONED = {"@": "member", "@&": "role", "#": "channel"}
_BOUNDS = (("megapixels", float), ("steps", int), ("count", int), ("references", int))
_QUOTAS = (
    "pictures_per_day",
    "gpu_seconds_per_day",
    "running",
    "waiting",
    "cooldown_s",
    "days_on_server",
)


_HINTS = {
    "pictures_per_day": "0 forbids drawing",
    "gpu_seconds_per_day": "drawing time a day",
    "running": "pictures drawn at a time",
    "waiting": "open pictures at a time",
    "cooldown_s": "seconds between two pictures",
    "days_on_server": "days a member must have been there",
    "megapixels": "the largest picture",
    "models": "names with commas between; all for no limit",
    "priority": "whose turn comes more often: high, normal or low",
    "access": "allow or deny; one allowed channel closes all that are not",
    "threads": "where results go: here, auto or always",
    "lasts": "30m, 12h, 7d or 2w; without end if left out",
    "denied_words": "phrases with commas between; +word and -word add and remove; none for no phrase",
    "forget": "the name of one that is taken back",
    "action": "how it begins, such as ban or quota",
}


def _priority(word: str) -> int:
    if word not in queueing.PRIORITIES:
        raise argparse.ArgumentTypeError(f"say {', '.join(queueing.PRIORITIES)}")
    return queueing.PRIORITIES[word]


def _is_on(word: str) -> bool:
    if word not in ("on", "off"):
        raise argparse.ArgumentTypeError("say on or off")
    return word == "on"


_METAVARS: dict[Callable[[str], Any], str] = {
    int: "NUMBER", float: "NUMBER", str: "TEXT", _is_on: "on|off", _priority: "high|normal|low",
}  # fmt: skip


def add_parser(commands: Any) -> None:
    """Add `admin` and its subcommands to the bot's command line."""
    admin = commands.add_parser("admin", help="what /admin does, for one server or for all")
    admin.add_argument("--guild", type=int, default=EVERYWHERE, help="the server's id; every server if left out")
    verbs = admin.add_subparsers(dest="verb", metavar="COMMAND", required=True)
    _queue(verbs)
    _members(verbs)
    _rules(verbs)
    _log(verbs)


def _verb(verbs: Any, name: str, words: str, work: Work, *arguments: str, **options: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = verbs.add_parser(name, help=words, description=words)
    for argument in arguments:
        parser.add_argument(argument, type=int if argument in ("user", "id") else str)
    for option, kind in options.items():
        named = "--" + option.removesuffix("_s").replace("_", "-")
        parser.add_argument(
            named, dest=option, type=kind, default=None, metavar=_METAVARS.get(kind), help=_HINTS.get(option)
        )
    parser.set_defaults(work=work)
    return parser


def _group(verbs: Any, name: str, words: str) -> Any:
    parser = verbs.add_parser(name, help=words, description=words)
    return parser.add_subparsers(dest="part", metavar="COMMAND", required=True)


def _queue(verbs: Any) -> None:
    _verb(verbs, "status", "workers, models, what waits and what failed", lambda d, a: overview.status(d))
    _verb(verbs, "pause", "start no more pictures", lambda d, a: queueing.pause(d, a.reason or ""), reason=str)
    _verb(verbs, "drain", "accept no new pictures", lambda d, a: queueing.drain(d, a.reason or ""), reason=str)
    _verb(verbs, "resume", "end a pause and a drain", lambda d, a: queueing.resume(d))
    _verb(verbs, "cancel", "cancel one picture, or all of a member", _cancel, job=str, user=int)
    queue = _group(verbs, "queue", "who waits")
    _verb(queue, "list", "every open picture", lambda d, a: queueing.waiting(d))
    _verb(queue, "move", "high, normal or low", lambda d, a: queueing.move(d, a.job, a.priority), "job", "priority")
    _verb(queue, "cancel", "cancel one picture, or all of a member", _cancel, job=str, user=int)
    workers_ = _group(verbs, "workers", "GPUs and deliveries")
    _verb(workers_, "list", "how they are", lambda d, a: workers.listing(d))
    _verb(workers_, "drain", "take no other picture", lambda d, a: workers.drain(d, a.worker), "worker")
    _verb(workers_, "resume", "take pictures again", lambda d, a: workers.resume(d, a.worker), "worker")
    _verb(workers_, "restart", "load the model afresh", lambda d, a: workers.restart(d, a.worker), "worker")


def _members(verbs: Any) -> None:
    _verb(
        verbs,
        "ban",
        "keep a member from drawing",
        lambda d, a: members.ban(d, a.user, a.reason or "", a.lasts),
        "user",
        reason=str,
        lasts=str,
    )
    _verb(verbs, "unban", "let a member draw again", lambda d, a: members.unban(d, a.user), "user")
    _verb(verbs, "bans", "who is banned", lambda d, a: members.bans(d))
    quota = _group(verbs, "quota", "what members used, and quotas of their own; needs --guild")
    _verb(quota, "show", "what was used today", lambda d, a: members.quota_show(d, a.user), user=int)
    _verb(
        quota,
        "set",
        "a quota of a member's own",
        lambda d, a: members.quota_set(d, a.user, a.pictures, a.gpu_seconds),
        "user",
        pictures=int,
        gpu_seconds=int,
    )
    _verb(quota, "reset", "forget what was used today", lambda d, a: members.quota_reset(d, a.user), "user")


def _rules(verbs: Any) -> None:
    for name, scope, more in (
        ("roles", Scope.ROLE, dict.fromkeys(_QUOTAS, int) | {"models": str, "priority": _priority}),
        ("channels", Scope.CHANNEL, {"access": str, "threads": str}),
    ):
        group = _group(verbs, name, f"rules by {scope}")
        _verb(group, "list", "show them", lambda d, a, scope=scope: ruling.show(d, scope))  # type: ignore[misc]
        _verb(group, "set", "set what is given", _set(f"{name} set", scope), "id", forget=str, **dict(_BOUNDS), **more)
        _verb(group, "clear", "remove them", _clear(f"{name} clear", scope), "id")
        if scope is Scope.CHANNEL:
            taken = dict.fromkeys(("channel", "model", "style", "aspect", "size", "format", "upsample"), str)
            words = "what commands take where they leave it out, on --channel or everywhere; reset: forget the former"
            _verb(group, "defaults", words, _usual, **{**taken, "channel": int, "reset": _is_on})
    limits = _group(verbs, "limits", "the most one picture may ask for")
    _verb(limits, "show", "show them", lambda d, a: ruling.show(d, Scope.GUILD))
    _verb(limits, "set", "set what is given", _set("limits set", Scope.GUILD), **dict(_BOUNDS), threads=str, forget=str)
    _verb(limits, "clear", "remove them", lambda d, a: ruling.clear_limits(d))
    screens = _group(verbs, "safety", "what may be drawn beside the operator's screens")
    _verb(screens, "show", "show it", lambda d, a: safety.show(d))
    _verb(screens, "set", "set what is given", _set_safety, channel=int, denied_words=str, forget=str, **_SAFETY)
    _verb(screens, "clear", "forget it", lambda d, a: safety.clear(d, a.channel), channel=int)
    model = _group(verbs, "model", "which models are drawn with")
    _verb(model, "list", "what holds for each", lambda d, a: ruling.models(d))
    _verb(
        model, "enable", "let members draw with it", lambda d, a: ruling.enable_model(d, a.model, enabled=True), "model"
    )
    _verb(
        model,
        "disable",
        "let nobody draw with it",
        lambda d, a: ruling.enable_model(d, a.model, enabled=False),
        "model",
    )
    _verb(model, "default", "for those who name none", lambda d, a: ruling.default_model(d, a.model), "model")


_SAFETY: dict[str, Any] = {
    "image_threshold": float,
    "spoiler_threshold": float,
    "question": _is_on,
    "spoiler": _is_on,
    "age_restricted_only": _is_on,
    "reports_channel": int,
}


def _field(name: str | None) -> str | None:
    field = None if name is None else name.replace("-", "_")
    return "cooldown_s" if field == "cooldown" else field


async def _set_safety(desk: Desk, arguments: argparse.Namespace) -> str:
    given = {name: getattr(arguments, name) for name in _SAFETY}
    given["denied_words"] = safety.words(arguments.denied_words)
    return await safety.change(desk, arguments.channel, given | ruling.forgotten(_field(arguments.forget)))


def _log(verbs: Any) -> None:
    audit = _group(verbs, "audit", "who did what")
    _verb(
        audit,
        "search",
        "the newest first: by --user, about a member",
        lambda d, a: trail.search(d, a.user, a.about, a.action),
        user=int,
        about=int,
        action=str,
    )
    _verb(audit, "export", "the whole log as JSON lines", _export, "file")


async def _usual(desk: Desk, arguments: argparse.Namespace) -> str:
    given = {name: getattr(arguments, name) for name in ("model", "style", "aspect", "size", "format", "upsample")}
    return await ruling.usual(
        desk, arguments.channel, given, styles.read(arguments.styles_file), reset=bool(arguments.reset)
    )


def _set(action: str, scope: Scope) -> Work:
    def work(desk: Desk, arguments: argparse.Namespace) -> Awaitable[str]:
        known = {*_QUOTAS, *(name for name, _ in _BOUNDS), "priority", "access", "threads"}
        given = {name: value for name, value in vars(arguments).items() if name in known}
        given["models"] = ruling.model_names(getattr(arguments, "models", None))
        given |= ruling.forgotten(_field(arguments.forget))
        return ruling.change(desk, action, (scope, getattr(arguments, "id", 0)), given)

    return work


def _clear(action: str, scope: Scope) -> Work:
    return lambda desk, arguments: ruling.clear(desk, action, (scope, arguments.id))


async def _cancel(desk: Desk, arguments: argparse.Namespace) -> str:
    if (arguments.job is None) == (arguments.user is None):
        raise Refusal("Give either --job or --user.")
    if arguments.job is not None:
        return await queueing.cancel_one(desk, arguments.job)
    return await queueing.cancel_all(desk, arguments.user)


async def _export(desk: Desk, arguments: argparse.Namespace) -> str:
    data = await trail.export(desk)
    Path(arguments.file).write_bytes(data)  # noqa: ASYNC240 - nothing else runs on this loop
    rows = len(data.splitlines())
    return f"Wrote {rows} rows to {arguments.file}."


async def run(settings: BotSettings, arguments: argparse.Namespace) -> int:
    """Do what the command line asks for; return the exit status."""
    arguments.styles_file = settings.styles_file or STYLES
    async with AsyncExitStack() as stack:
        try:
            desk = await _desk(settings, arguments.guild, stack)
            answer = await arguments.work(desk, arguments)
        except (Refusal, InvalidRequest, LedgerUnusable, OSError, ValueError) as error:
            return _say(str(error), _FAILED)
        except RedisError as error:
            return _say(complaints.redis_away(error), _UNAVAILABLE)
    lines = _lines(answer)
    sys.stdout.write("\n".join(map(_unmarked, lines)) + "\n")
    return 0


async def _desk(settings: BotSettings, guild_id: int, stack: AsyncExitStack) -> Desk:
    redis_url = settings.redis_url.get_secret_value()
    redis, queue = connect(redis_url), WorkQueue.connect(redis_url)
    stack.push_async_callback(redis.aclose)
    stack.push_async_callback(queue.close)
    ledger = await Ledger.open(settings.database_url.get_secret_value())
    stack.push_async_callback(ledger.close)
    fleet = Fleet(redis)

    async def nobody_listens() -> None:
        return None

    dispatcher = Dispatcher(
        ledger, fleet, queue, max_running_per_member=settings.max_running_per_member, queue_moved=nobody_listens
    )
    return Desk(Actor(0, guild_id), ledger, fleet, dispatcher)


def _lines(answer: str | Listing | Suggestion) -> list[str]:
    if isinstance(answer, Listing):
        lines = [answer.title, *answer.lines] if answer.title else list(answer.lines)
        return lines if answer.lines else [answer.empty]
    return [answer.said if isinstance(answer, Suggestion) else answer]


def _unmarked(line: str) -> str:
    """Discord's mark-up as a terminal reads it: times in UTC, members, roles and channels by id."""
    line = _TIME.sub(lambda found: datetime.fromtimestamp(int(found[1]), UTC).strftime("%Y-%m-%d %H:%M UTC"), line)
    line = _MENTION.sub(lambda found: f"{_MENTIONED[found[1]]} {found[2]}", line)
    return line.replace("**", "").replace("\\", "")


def _say(sentence: str, status: int) -> int:
    sys.stderr.write(sentence + "\n")
    return status
