"""Discord's REST as delivery needs it: post a message once, find it again, open a DM. No gateway, no wording.

The only module of the package that imports discord. Owns the client, its thread and loop, and what Discord's errors
mean; declines to know jobs, Redis and where to try next. Callers are synchronous.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import io
import json
import logging
import threading
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from typing import Any, TypeVar

import aiohttp
import discord
from discord.http import Route

from worker.contract import SPOILER, Answer
from worker.post import Post

_log = logging.getLogger(__name__)
_T = TypeVar("_T")
_Request = Callable[[discord.Client], Awaitable[_T]]

PATIENCE_S = 10.0
"""Waiting longer than this on somebody else gives the lane back."""
_SLOWEST_UPLINK = 250_000
"""Bytes per second: 25 MiB in under two minutes, so that sending never outlives the nonce's window."""
_PAUSES_S = (1.0, 2.0, 4.0, 8.0)
_BLOCKED_S = 300.0
"""Cloudflare blocks an address for minutes after too many refused requests; going on prolongs it."""
_RATE_LIMITED_S = 60.0
_PAGE = 100
"""Messages; the most Discord gives at once."""
_PAGES = 5
"""More would outlast our patience where reading is rate limited, and the message would never be posted."""
_CLOCK_SLACK = datetime.timedelta(seconds=60)

_INTENTS = discord.Intents(guilds=True)
"""Never sent, as there is no gateway; with none at all the library warns about a cache that is not used either."""
discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False  # nothing here will ever speak

_TOO_LARGE = 40005
_UNKNOWN_MESSAGE = 10008
_TOKEN_EXPIRED = 50027
"""Of an interaction's own token; the bot's is as good as before."""
_EPHEMERAL = 1 << 6
_USER_AGENT = f"DiscordBot (https://github.com/Rapptz/discord.py, {discord.__version__})"
_NO_HISTORY = 160002
_FILTERED = {200000, 240000}
_BAD_FORM = 50035
_EDGE_BLOCKS = {0, 40333}


class Refused(Exception):
    """This channel will not take this message, now or later."""

    def __init__(self, code: int, text: str = "") -> None:
        super().__init__(f"Discord refused with code {code}: {text}")
        self.code = code


class TooLarge(Exception):
    """The files are larger than the channel takes, whatever was promised at accept."""


class Deleted(Exception):
    """The message was posted before, and somebody has deleted it since."""


class NotNow(Exception):
    """Rate limit, outage or timeout: whether the message was posted may be unknown. Try again after `seconds`."""

    def __init__(self, why: str, seconds: float | None = None) -> None:
        super().__init__(why)
        self.seconds = seconds
        """None: nobody knows; the caller backs off."""


class TokenRefused(Exception):
    """Discord does not accept the bot token. Going on would only add to the refused requests."""


class Discord:
    """One REST login with its own event loop in a thread, open for the life of a lane.

    The loop runs between jobs too, so that connections the server closed are noticed and not written to.
    """

    def __init__(self, token: str, api_url: str, *, patience_s: float = PATIENCE_S) -> None:
        self._token = token
        self._patience_s = patience_s
        self._client: discord.Client | None = None
        # Read by the library whenever it builds a request.
        Route.BASE = api_url
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="discord", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Close the session and end the thread."""
        self._wait(self._drop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def log_in(self) -> None:
        """Log in now rather than at the first message. Raises TokenRefused, NotNow."""
        self._wait(self._persist(_nothing, 0))

    def send(self, channel_id: int, post: Post) -> int:
        """Post the message, or find it posted by its nonce, and return its id.

        A reply that may not be one and a text that a filter blocks are sent in a plainer form at once.
        Raises Refused, TooLarge, Deleted, NotNow, TokenRefused.
        """
        return self._plainly(post, lambda form: self._persist(_sending(channel_id, form), form.size_bytes))

    def answer(self, answer: Answer, post: Post) -> tuple[int, int]:
        """Follow an interaction up, once, and return (channel id, message id). Raises Refused, TooLarge, NotNow.

        There is no nonce to tell a second one by, so it is not tried again, nor sent through the library, which would.
        """
        return self._plainly(post, lambda form: self._once(_answering(answer, form), form.size_bytes))

    def _plainly(self, post: Post, send: Callable[[Post], Coroutine[Any, Any, _T]]) -> _T:
        """Send `post`, in a plainer form where Discord refuses it as it is and takes another."""
        while True:
            try:
                return self._wait(send(post))
            except Refused as refused:
                plainer = _plainer(post, refused.code)
                if plainer == post:
                    raise
                _log.warning("%s; sending it in a plainer form", refused)
                post = plainer

    def find(self, channel_id: int, post: Post, age_s: float) -> int | None:
        """Look for `post`, first sent `age_s` seconds ago, in the channel's messages since then; return its id.

        Raises Refused, NotNow, TokenRefused.
        """
        since = discord.utils.utcnow() - datetime.timedelta(seconds=age_s) - _CLOCK_SLACK
        return self._wait(self._persist(_finding(channel_id, post, since), 0))

    def direct_channel(self, user_id: int) -> int:
        """Return the id of the DM channel with a member. Raises Refused, NotNow, TokenRefused."""

        async def opening(client: discord.Client) -> int:
            return int((await client.http.start_private_message(user_id))["id"])

        return self._wait(self._persist(opening, 0))

    def _wait(self, coroutine: Coroutine[Any, Any, _T]) -> _T:
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        try:
            return future.result()
        except BaseException:
            # Also when RQ's alarm strikes here: nothing may go on being sent behind the caller's back.
            future.cancel()
            raise

    async def _once(self, request: Awaitable[_T], size_bytes: int) -> _T:
        try:
            async with asyncio.timeout(self._patience_s + size_bytes / _SLOWEST_UPLINK):
                return await request
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise NotNow(f"Discord did not answer: {type(error).__name__}") from error
        except discord.HTTPException as error:
            raise _meaning(error) from error

    async def _persist(self, request: _Request[_T], size_bytes: int) -> _T:
        try:
            async with asyncio.timeout(self._patience_s + size_bytes / _SLOWEST_UPLINK):
                return await self._try_repeatedly(request)
        except TimeoutError as error:
            # The cut request may have held the library's gate for global rate limits; a new client has a new gate.
            await self._drop()
            raise NotNow("Discord did not answer in time") from error
        except discord.RateLimited as limited:
            raise NotNow("the channel is rate limited", limited.retry_after) from limited
        except discord.LoginFailure as error:
            raise TokenRefused(str(error)) from error
        except discord.HTTPException as error:
            raise _meaning(error) from error

    async def _try_repeatedly(self, request: _Request[_T]) -> _T:
        for pause in _PAUSES_S:
            try:
                return await request(await self._logged_in())
            except (discord.DiscordServerError, aiohttp.ClientError, OSError) as error:
                # Unknown outcome; the nonce makes the next try harmless.
                _log.warning("Discord: %s; again in %g s", error or type(error).__name__, pause)
                await asyncio.sleep(pause)
        raise TimeoutError

    async def _logged_in(self) -> discord.Client:
        if self._client is None:
            client = discord.Client(
                intents=_INTENTS,
                max_ratelimit_timeout=30,
                allowed_mentions=discord.AllowedMentions.none(),
            )
            # The constructor takes no less than 30 s; a lane does not wait that long for one channel.
            client.http.max_ratelimit_timeout = self._patience_s
            try:
                await client.login(self._token)
            except BaseException:
                await client.close()
                raise
            self._client = client
        return self._client

    async def _drop(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(aiohttp.ClientError, OSError):
                await client.close()


async def _nothing(client: discord.Client) -> None:
    """Logging in was all."""


def _sending(channel_id: int, post: Post) -> _Request[int]:
    async def sending(client: discord.Client) -> int:
        route = Route("POST", "/channels/{channel_id}/messages", channel_id=channel_id)
        if not post.files:
            return int((await client.http.request(route, json=_payload(post)))["id"])
        files = [discord.File(io.BytesIO(file.data), file.name) for file in post.files]
        form: list[dict[str, Any]] = [{"name": "payload_json", "value": json.dumps(_payload(post))}]
        for index, file in enumerate(files):
            form.append({"name": f"files[{index}]", "value": file.fp, "filename": file.filename})
        return int((await client.http.request(route, files=files, form=form))["id"])

    return sending


async def _answering(answer: Answer, post: Post) -> tuple[int, int]:
    payload = _message(post) | ({"flags": _EPHEMERAL} if answer.is_private else {})
    form = aiohttp.FormData()
    form.add_field("payload_json", json.dumps(payload), content_type="application/json")
    for index, file in enumerate(post.files):
        form.add_field(f"files[{index}]", file.data, filename=file.name, content_type="application/octet-stream")
    url = f"{Route.BASE}/webhooks/{answer.application_id}/{answer.token}"
    async with (
        aiohttp.ClientSession(headers={"User-Agent": _USER_AGENT}) as session,
        session.post(url, params={"wait": "true"}, data=form) as response,
    ):
        # A page of Discord's edge is no JSON.
        told: Any = await (response.json() if response.content_type == "application/json" else response.text())
        if response.status >= 300:
            raise discord.HTTPException(response, told)
        return int(told["channel_id"]), int(told["id"])


def _payload(post: Post) -> dict[str, Any]:
    payload = _message(post) | {"nonce": post.nonce, "enforce_nonce": True}
    if post.reply_to is not None:
        payload["message_reference"] = {"message_id": str(post.reply_to), "fail_if_not_exists": False}
    return payload


def _message(post: Post) -> dict[str, Any]:
    message: dict[str, Any] = {
        "content": post.content,
        "components": list(post.components),
        "allowed_mentions": {"parse": [], "users": [str(user) for user in post.mentions], "replied_user": False},
    }
    if post.files:
        message["attachments"] = [
            {"id": index, "filename": file.name, **({"description": file.description} if file.description else {})}
            for index, file in enumerate(post.files)
        ]
    return message


def _plainer(post: Post, code: int) -> Post:
    """Return the form of `post` that may pass where `code` refused it; `post` itself where there is none."""
    if code == _NO_HISTORY:
        return replace(post, reply_to=None)
    if code in _FILTERED:
        return replace(post, content=post.plain)
    if code == _BAD_FORM:
        # Our own mistake, or a rule Discord has changed; the picture is what the member waits for.
        return replace(post, content=post.plain, components=(), reply_to=None)
    return post


def _finding(channel_id: int, post: Post, since: datetime.datetime) -> _Request[int | None]:
    async def finding(client: discord.Client) -> int | None:
        assert client.user is not None  # login fills it
        before: int | str | None = None
        for _ in range(_PAGES):
            page = await client.http.logs_from(channel_id, _PAGE, before=before)
            for message in page:
                mine = int(message["author"]["id"]) == client.user.id
                if mine and _is_same(dict(message), post, since):
                    return int(message["id"])
            if len(page) < _PAGE or discord.utils.snowflake_time(int(page[-1]["id"])) < since:
                break
            before = page[-1]["id"]
        return None

    return finding


def _is_same(message: dict[str, Any], post: Post, since: datetime.datetime) -> bool:
    if str(message.get("nonce", "")) == post.nonce:
        return True
    if post.files:
        # Any of them may be behind a click, by its score or by a button that was pressed meanwhile.
        stem = post.file_stem.removeprefix(SPOILER)
        names = (str(file["filename"]).removeprefix(SPOILER) for file in message["attachments"])
        return any(name.startswith(f"{stem}-") for name in names)
    # A notice has no file to know it by: its buttons carry the job id, and its words and age must agree.
    components = Post(content="", plain="", nonce="", file_stem="", components=tuple(message.get("components", ())))
    young = discord.utils.snowflake_time(int(message["id"])) >= since
    return young and message["content"] in {post.content, post.plain} and components.custom_ids == post.custom_ids


def _meaning(error: discord.HTTPException) -> Exception:
    """Translate the library's error: one class for each thing a caller can do about it."""
    if error.status == 401 and error.code != _TOKEN_EXPIRED:
        return TokenRefused(str(error))
    if error.status == 429:
        return NotNow(str(error), _retry_after(error))
    if error.status >= 500:
        return NotNow(str(error))
    if error.status == 403 and error.code in _EDGE_BLOCKS:
        _log.error("Discord's edge blocks this address: %s", error)
        return NotNow(str(error), _BLOCKED_S)
    if error.status == 413 or error.code == _TOO_LARGE:
        return TooLarge(str(error))
    if error.code == _UNKNOWN_MESSAGE:
        return Deleted(str(error))
    return Refused(error.code or error.status, error.text)


def _retry_after(error: discord.HTTPException) -> float:
    stated = error.response.headers.get("Retry-After", "")
    if "Via" not in error.response.headers:
        _log.error("Discord's edge limits this address: %s", error)
        return max(_BLOCKED_S, float(stated or 0))
    return float(stated or _RATE_LIMITED_S)
