"""The deliver task: one accepted result becomes one message, or a recorded reason why not.

Owns the order of things: recorded before? which channel next? how far down the ladder? Declines to know Discord's
wire (worker.delivery), wording (the skeleton) and when to try again (the bot's reconciler).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Protocol

from pydantic import ValidationError

from worker.blobs import BlobMissing, Blobs
from worker.contract import Answer, Destination, RenderJob, RenderResult
from worker.delivery import Deleted, NotNow, Refused, TokenRefused, TooLarge
from worker.fence import Fence
from worker.ladder import DoesNotFit, Fitted, fit_all
from worker.outbox import Outbox
from worker.post import Post, failure_post, picture_post

_log = logging.getLogger(__name__)

NONCE_WINDOW_S = 120.0
"""How long a nonce is trusted; Discord says “the past few minutes”."""
_RETRY_S = 60.0
"""After an error of our own, or a job of a newer bot."""
_GIVEN_UP_AFTER_S = 24 * 3600.0
"""Nobody looks for a picture that long; /jobs still has it."""
_SHORTEST_BACKOFF_S, _LONGEST_BACKOFF_S = 5.0, 300.0
_RUNGS = 6
"""Each halves the largest file: from 20 MiB to 320 KiB."""
_DOUBTS = 4
"""Answers that may have been posted though nobody knows: with the warning before them Discord's five of an app that is
no member. An answer has no nonce, so each further try could be a further message.
"""
_TOKEN_EXPIRED, _TOO_MANY_ANSWERS = 50027, 40094
_UNKNOWN_MESSAGE = 10008
_TOO_LARGE = 40005


class Undeliverable(Exception):
    """No channel and no DM takes the message; `code` is what Discord said of the channel it was meant for."""

    def __init__(self, code: int) -> None:
        super().__init__(f"undeliverable, code {code}")
        self.code = code


class Postbox(Protocol):
    """What a courier needs of Discord; `worker.delivery.Discord` is the one there is."""

    def send(self, channel_id: int, post: Post) -> int:
        """Post once and return the message id."""

    def answer(self, answer: Answer, post: Post) -> tuple[int, int]:
        """Follow an interaction up and return (channel id, message id). Tries once."""

    def find(self, channel_id: int, post: Post, age_s: float) -> int | None:
        """Return the id of `post` if it is in the channel already."""

    def direct_channel(self, user_id: int) -> int:
        """Return the DM channel of a member."""


class Courier:
    """Delivers the results of one Redis, one at a time."""

    def __init__(self, fence: Fence, outbox: Outbox, blobs: Blobs, postbox: Postbox) -> None:
        self._fence = fence
        self._outbox = outbox
        self._blobs = blobs
        self._postbox = postbox

    def deliver(self, job_id: str) -> None:
        """Post the job's accepted result unless that was done, and announce what became of it.

        Not-now is recorded, never waited for. Raises TokenRefused, and redis.RedisError where Redis is gone.
        """
        recorded = self._fence.delivery(job_id)
        if recorded is not None:
            # The announcement may be what got lost.
            self._fence.record_delivery(job_id, recorded.channel_id, recorded.message_id)
            return
        try:
            job, result = self._fence.job(job_id), self._fence.result(job_id)
        except ValidationError:
            _log.exception("job %s was written by a newer version; update this worker", job_id)
            self.defer(job_id)
            return
        if job is None or result is None:
            _log.warning("job %s has nothing to deliver", job_id)
            return
        self._deliver(job, result)

    def defer(self, job_id: str) -> None:
        """Leave the job for a later try after an error of our own. Raises redis.RedisError where Redis is gone."""
        self._fence.defer_delivery(job_id, _RETRY_S)

    def _deliver(self, job: RenderJob, result: RenderResult) -> None:
        try:
            channel_id, message_id = self._post_fitting(job, result)
        except NotNow as later:
            self._put_off(job.job_id, later)
        except (Undeliverable, Deleted) as final:
            # Deleted: it was there, and whoever removed it does not want it posted again; /jobs still has it.
            code = final.code if isinstance(final, Undeliverable) else _UNKNOWN_MESSAGE
            _log.warning("job %s: %s", job.job_id, final)
            self._fence.record_undeliverable(job.job_id, code)
        except BlobMissing as missing:
            self._miss(job, result, missing)
        else:
            self._fence.record_delivery(job.job_id, channel_id, message_id)

    def _put_off(self, job_id: str, later: NotNow) -> None:
        if self._outbox.age(job_id) > _GIVEN_UP_AFTER_S:
            _log.error("job %s could not be delivered for a day (%s); given up", job_id, later)
            self._fence.record_undeliverable(job_id, 0)
            return
        seconds = later.seconds if later.seconds is not None else self._backoff(job_id)
        _log.warning("job %s is not delivered now (%s); again in %.0f s", job_id, later, seconds)
        self._fence.defer_delivery(job_id, seconds)

    def _miss(self, job: RenderJob, result: RenderResult, missing: BlobMissing) -> None:
        _log.error("job %s lost a picture: %s", job.job_id, missing)
        if self._outbox.discard(job.job_id):
            return
        told = self._fence.result(job.job_id)
        if told is not None and told.failure is not None:
            self._deliver(job, told)

    def _backoff(self, job_id: str) -> float:
        # As long again as it has been tried already: an outage of an hour costs a dozen tries.
        return min(max(self._outbox.age(job_id), _SHORTEST_BACKOFF_S), _LONGEST_BACKOFF_S)

    def _post_fitting(self, job: RenderJob, result: RenderResult) -> tuple[int, int]:
        if result.failure is not None:
            return self._route(job, failure_post(job, result))
        originals = [(self._blobs.get(picture.sha256), picture.output_format) for picture in result.pictures]
        limit = job.skeleton.file_size_limit
        for _ in range(_RUNGS):
            try:
                fitted: tuple[Fitted, ...] = fit_all(originals, limit)
                return self._route(job, picture_post(job, result, fitted))
            except DoesNotFit:
                break
            except TooLarge:
                limit = max(len(one.data) for one in fitted) // 2
                _log.warning("job %s: files were too large; next limit is %d bytes", job.job_id, limit)
        raise Undeliverable(_TOO_LARGE)

    def _route(self, job: RenderJob, post: Post) -> tuple[int, int]:
        """Try the answer or the channels in their order, then one DM. Returns (channel id, message id)."""
        if job.destination.by_answer:
            return self._answer_or_write(job, post)
        first_code: int | None = None
        for channel_id, reply_to in self._channels(job.destination):
            try:
                return channel_id, self._place(job.job_id, channel_id, post.in_channel(reply_to))
            except Refused as refused:
                _log.warning("job %s: channel %d: %s", job.job_id, channel_id, refused)
                first_code = first_code or refused.code
        return self._write(job, post, first_code or 0)

    def _answer_or_write(self, job: RenderJob, post: Post) -> tuple[int, int]:
        try:
            return self._answer(job.job_id, post)
        except Refused as refused:
            _log.warning("job %s: answer: %s", job.job_id, refused)
            return self._write(job, post.late(job.skeleton.late), refused.code)

    def _answer(self, job_id: str, post: Post) -> tuple[int, int]:
        answer = self._fence.answer(job_id)
        if answer is None or datetime.now(UTC) >= answer.expires_at:
            # Asked with a dead token, Discord counts it against our address.
            raise Refused(_TOKEN_EXPIRED, "the interaction is too old")
        if self._outbox.doubts(job_id) >= _DOUBTS:
            raise Refused(_TOO_MANY_ANSWERS, "too many tries")
        try:
            return self._postbox.answer(answer, post)
        except NotNow:
            self._outbox.doubt(job_id)
            raise

    def _write(self, job: RenderJob, post: Post, code: int) -> tuple[int, int]:
        """Send it by DM. Raises Undeliverable with `code`, what was said where it was meant for."""
        try:
            if job.destination.dm_user_id is not None:
                direct = self._postbox.direct_channel(job.destination.dm_user_id)
                return direct, self._place(job.job_id, direct, post)
        except Refused as refused:
            _log.warning("job %s: DM: %s", job.job_id, refused)
        raise Undeliverable(code)

    @staticmethod
    def _channels(destination: Destination) -> Iterator[tuple[int, int | None]]:
        yield destination.channel_id, destination.reply_to
        fallback = destination.fallback_channel_id
        if fallback is not None and fallback != destination.channel_id:
            yield fallback, None

    def _place(self, job_id: str, channel_id: int, post: Post) -> int:
        age = self._outbox.age(job_id)
        if age > NONCE_WINDOW_S:
            found = self._postbox.find(channel_id, post, age)
            if found is not None:
                return found
        return self._postbox.send(channel_id, post)


_courier: Courier | None = None


def employ(courier: Courier | None) -> None:
    """Set the courier of this process. A lane has one for its life; the queue hands a task nothing but a job id."""
    global _courier
    _courier = courier


def deliver(job_id: str) -> None:
    """Deliver one job. Raises TokenRefused, which stops the lane, and RuntimeError outside a lane."""
    if _courier is None:
        raise RuntimeError("deliver runs in a lane of `python -m worker --role io` only")
    try:
        _courier.deliver(job_id)
    except TokenRefused:
        raise
    except Exception:  # noqa: BLE001 - task boundary: told in the log and tried again later, instead of lost in RQ
        _log.exception("job %s could not be delivered", job_id)
        _courier.defer(job_id)
