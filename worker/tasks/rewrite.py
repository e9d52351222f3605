"""The rewrite task: words from a hosted language model, for a prompt that will be drawn or for their own sake.

Owns the order of things: the lease first, one paid question at most, then the fence is told. A prompt that will be
drawn never fails for want of better words: the member's own are drawn, and it is said why. Declines to know the API
(flux2.upsampling.openrouter) and wording.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Iterator

from PIL import Image
from pydantic import ValidationError
from redis import Redis, RedisError

from flux2 import images
from flux2.errors import ScreeningRefused, UpsamplingFailed
from flux2.request import GenerationRequest, ReferenceImage
from flux2.screening.port import NOTHING, Screening
from flux2.upsampling import rewriting
from flux2.upsampling.none import Nobody
from flux2.upsampling.openrouter import Access, OpenRouter
from flux2.upsampling.port import Upsampler
from flux2.upsampling.request import DescribeRequest, RewriteRequest
from flux2.upscaling.request import UpscaleRequest
from worker import failures
from worker.blobs import Blobs
from worker.contract import HEARTBEAT_S, FailureCode, RenderJob, RenderResult, Rewritten
from worker.fence import Fence, Hold, Refusal
from worker.queue import enqueue_delivery

_log = logging.getLogger(__name__)

_MAX_PIXELS = 50_000_000
_NO_KEY = "No hosted language model is set up here."
_ASKED_BEFORE = "The rewriting was interrupted and is not asked for twice."
_BROKE = "Something went wrong while the prompt was rewritten."


class Desk:
    """Answers the wishes of one Redis, one at a time."""

    def __init__(
        self, redis: Redis, blobs: Blobs, access: Access | None, screening: Screening = NOTHING, name: str = "desk"
    ) -> None:
        """`name` is unique to this process; without `access` every answer is that there is none."""
        self._redis = redis
        self._fence = Fence(redis)
        self._blobs = blobs
        self._access = access
        self._screening = screening
        self._name = name

    def rewrite(self, job_id: str) -> None:
        """Find words for one job. Raises redis.RedisError where Redis is gone; the reconciler asks again."""
        begun = self._fence.begin(job_id, self._name)
        if isinstance(begun, Refusal):
            _log.info("job %s is not worded: %s", job_id, begun)
            if begun is Refusal.POISONED:
                self._deliver(job_id)
            return
        job = self._read(job_id)
        if job is None:
            self._accept(RenderResult(job_id=job_id, attempt=begun, seconds=0, failure=FailureCode.INTERNAL))
            return
        with self._lease(job_id, begun):
            self._answer(job, begun)

    def _answer(self, job: RenderJob, attempt: int) -> None:
        began = time.monotonic()
        request = job.request
        # No model is loaded here; whoever draws asks its own.
        screening = self._screening.under(job.policy.without_question())
        try:
            with self._upsampler(job.job_id, attempt) as upsampler:
                if isinstance(request, GenerationRequest):
                    self._go_on(job.job_id, attempt, request, upsampler, screening)
                    return
                if isinstance(request, UpscaleRequest):
                    self._caption(job.job_id, attempt, request, upsampler, screening)
                    return
                words, notes = self._words(request, upsampler, screening)
        except RedisError:
            raise
        except Exception as error:  # noqa: BLE001 - task boundary: each failure becomes a code, the log has the trace
            code = failures.code(error)
            _log.warning("job %s has no words: %s", job.job_id, code, exc_info=error)
            failed = {"failure": code, "reason": failures.reason(error)}
            result = RenderResult(job_id=job.job_id, attempt=attempt, seconds=time.monotonic() - began, **failed)
        else:
            seconds = time.monotonic() - began
            result = RenderResult(job_id=job.job_id, attempt=attempt, seconds=seconds, words=words, notes=notes)
        self._accept(result)

    def _words(self, request: object, upsampler: Upsampler, screening: Screening) -> tuple[str, tuple[str, ...]]:
        notes: tuple[str, ...] = ()
        if isinstance(request, DescribeRequest):
            words = rewriting.describe(upsampler, self._open(request.reference_images)[0])
        elif isinstance(request, RewriteRequest):
            screening.check_prompt(request.prompt)
            shown = self._open(request.reference_images)
            done = rewriting.rewrite(upsampler, request.prompt, shown, structured=request.structured)
            words, notes = done.prompt, done.notes
        else:
            raise UpsamplingFailed("This is nothing a language model is asked for.")
        screening.check_prompt(words, "rewritten prompt")
        return words, notes

    def _go_on(
        self, job_id: str, attempt: int, request: GenerationRequest, upsampler: Upsampler, screening: Screening
    ) -> None:
        """Let a render go on, with better words or its own; only a screen's No ends it."""
        known = self._fence.rewritten(job_id)
        if known is not None:
            # Announced by an attempt that nobody heard: the words are there, and paid.
            self._tell(known.model_copy(update={"attempt": attempt}))
            return
        prompt: str | None = None
        notes: tuple[str, ...] = ()
        try:
            screening.check_prompt(request.prompt)
            done = rewriting.rewrite(upsampler, request.prompt, self._open(request.reference_images))
            if done.is_changed:
                screening.check_prompt(done.prompt, "rewritten prompt")
                prompt, notes = done.prompt, (*done.notes, f"Prompt rewritten by {upsampler.name}.")
        except (ScreeningRefused, RedisError):
            raise
        except UpsamplingFailed as failure:
            notes = (rewriting.kept(failure),)
        except Exception:  # noqa: BLE001 - whatever broke, the member's own words can still be drawn
            _log.exception("job %s is drawn from its own words", job_id)
            notes = (rewriting.kept(UpsamplingFailed(_BROKE)),)
        self._tell(Rewritten(job_id=job_id, attempt=attempt, prompt=prompt, notes=notes))

    def _caption(
        self, job_id: str, attempt: int, request: UpscaleRequest, upsampler: Upsampler, screening: Screening
    ) -> None:
        """Let an upscale go on, with a caption or without; only a screen's No ends it."""
        known = self._fence.rewritten(job_id)
        if known is not None:
            self._tell(known.model_copy(update={"attempt": attempt}))
            return
        words: str | None = None
        notes: tuple[str, ...] = ()
        try:
            (picture,) = self._open((request.image,))
            screening.check_image(picture, "reference image")
            words = rewriting.describe(upsampler, picture)
            screening.check_prompt(words, "rewritten prompt")
            notes = (f"The caption is by {upsampler.name}.",)
        except (ScreeningRefused, RedisError):
            raise
        except UpsamplingFailed as failure:
            _log.warning("job %s is enlarged without a hosted caption: %s", job_id, failure)
        except Exception:  # noqa: BLE001 - whatever broke, the picture can still be enlarged
            _log.exception("job %s is enlarged without a hosted caption", job_id)
        self._tell(Rewritten(job_id=job_id, attempt=attempt, prompt=words, notes=notes))

    def _tell(self, event: Rewritten) -> None:
        if self._fence.is_cancelled(event.job_id):
            self._fence.stop(event.job_id, event.attempt)
        else:
            self._fence.announce_rewritten(event)

    def _accept(self, result: RenderResult) -> None:
        if self._fence.accept(result):
            self._deliver(result.job_id)
        elif self._fence.is_cancelled(result.job_id):
            self._fence.stop(result.job_id, result.attempt)

    def _deliver(self, job_id: str) -> None:
        job = self._read(job_id)
        if job is not None:
            enqueue_delivery(self._redis, job_id, job.destination.channel_id)

    def _read(self, job_id: str) -> RenderJob | None:
        try:
            return self._fence.job(job_id)
        except ValidationError:
            _log.exception("job %s cannot be read", job_id)
            return None

    def _open(self, references: tuple[ReferenceImage, ...]) -> list[Image.Image]:
        return [
            images.open_reference(self._blobs.get(reference.sha256), max_pixels=_MAX_PIXELS).image
            for reference in references
        ]

    @contextlib.contextmanager
    def _upsampler(self, job_id: str, attempt: int) -> Iterator[Upsampler]:
        def sending() -> None:
            if not self._fence.ask(job_id, attempt):
                raise UpsamplingFailed(_ASKED_BEFORE)

        if self._access is None:
            yield Nobody(_NO_KEY)
            return
        with OpenRouter(self._access, sending=sending) as upsampler:
            yield upsampler

    @contextlib.contextmanager
    def _lease(self, job_id: str, attempt: int) -> Iterator[None]:
        """Keep the lease while the answer is waited for, which may take longer than it lasts."""
        done = threading.Event()

        def keep() -> None:
            while not done.wait(HEARTBEAT_S):
                try:
                    if self._fence.refresh(job_id, attempt) is Hold.LOST:
                        return
                except RedisError as error:
                    _log.warning("the lease could not be refreshed: %s", error)

        keeper = threading.Thread(target=keep, name="lease", daemon=True)
        keeper.start()
        try:
            yield
        finally:
            done.set()
            keeper.join()


_desk: Desk | None = None


def employ(desk: Desk | None) -> None:
    """Set the desk of this process. A lane has one for its life; the queue hands a task nothing but a job id."""
    global _desk
    _desk = desk


def rewrite(job_id: str) -> None:
    """Find words for one job. Raises RuntimeError outside a lane."""
    if _desk is None:
        raise RuntimeError("rewrite runs in a lane of `python -m worker --role io` only")
    _desk.rewrite(job_id)
