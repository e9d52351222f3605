"""The resident child: loads the model once, then runs one order after another until its parent is gone.

`python -m worker.child FD`, started by `worker.resident` only. Owns the model's process; the queue, the lease and the
events are its parent's. The one thing it asks Redis for is whether the member wants to stop.
"""

from __future__ import annotations

import ctypes
import logging
import os
import queue
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from config import logging as log_lines
from flux2.errors import CheckpointUnavailable, GenerationCancelled, OutOfMemory
from worker.blobs import BlobsUnavailable, open_blobs
from worker.contract import Phase
from worker.fence import Fence
from worker.pipe import Abandon, Cancelled, ChildEnd, Done, Order, Outfit, PipeClosed, Preview, Ready, Step, Unloadable

if TYPE_CHECKING:
    from worker.kinds.kit import Kit

_log = logging.getLogger(__name__)

_PR_SET_PDEATHSIG = 1
_SAVERS = 2
_REDIS_TIMEOUT_S = 1.0
"""A step waits at most this long to learn whether it is still wanted."""
_BLIND_S = 5.0
"""After Redis failed to answer, steps go on without asking for this long."""


class Inbox:
    """What the parent says, read by a thread of its own: an order to run, or the wish to abandon one."""

    def __init__(self, end: ChildEnd) -> None:
        self._end = end
        self._orders: queue.Queue[Order] = queue.Queue()
        self._abandoned: str | None = None
        threading.Thread(target=self._read, name="inbox", daemon=True).start()

    def next(self) -> Order:
        """Wait for the next order."""
        return self._orders.get()

    def is_abandoned(self, job_id: str) -> bool:
        """Whether the parent gave up this job."""
        return self._abandoned == job_id

    def _read(self) -> None:
        try:
            while True:
                message = self._end.receive()
                if isinstance(message, Order):
                    # The wish was for the run before: a job given up here may come back, under the same number too.
                    self._abandoned = None
                    self._orders.put(message)
                elif isinstance(message, Abandon):
                    self._abandoned = message.job_id
        except PipeClosed:
            _end_group()


class Wish:
    """Whether the member wants a job stopped, asked at every step; an unreachable Redis means no."""

    def __init__(self, fence: Fence, inbox: Inbox) -> None:
        self._fence = fence
        self._inbox = inbox
        self._blind_until = 0.0

    def is_to_stop(self, job_id: str) -> bool:
        """Whether to stop `job_id` at this step."""
        if self._inbox.is_abandoned(job_id):
            return True
        if time.monotonic() < self._blind_until:
            return False
        try:
            return self._fence.is_cancelled(job_id)
        except RedisError as error:
            self._blind_until = time.monotonic() + _BLIND_S
            _log.warning("Redis does not say whether %s is cancelled: %s", job_id, error)
            return False


def main(descriptor: int) -> None:
    """Load, say so, and serve until the parent closes its end."""
    end = ChildEnd(Connection(descriptor))
    outfit = end.receive()
    if not isinstance(outfit, Outfit):
        raise TypeError("the parent's first message is the outfit")
    _die_with(outfit.parent_pid)
    secret = outfit.redis_url.get_secret_value()
    log_lines.configure(outfit.log_level, outfit.log_json, secrets=[secret])
    inbox = Inbox(end)
    try:
        kit = _load(outfit)
    except (CheckpointUnavailable, OutOfMemory, BlobsUnavailable) as error:
        end.send(Unloadable(reason=str(error)))
        return
    log_lines.adopt_libraries()
    redis = Redis.from_url(
        secret, socket_timeout=_REDIS_TIMEOUT_S, socket_connect_timeout=_REDIS_TIMEOUT_S, retry=Retry(NoBackoff(), 0)
    )
    wish = Wish(Fence(redis), inbox)
    used, total = kit.engine.memory_bytes() or (None, None)
    name, card = kit.engine.card()
    ways = (outfit.quantized if outfit.quantized != "none" else "", "offloaded" if outfit.cpu_offload else "")
    words = ", ".join([name, *filter(None, ways)])
    end.send(Ready(device=words, card=card, memory_used_bytes=used, memory_total_bytes=total))
    while True:
        _serve(inbox.next(), kit, wish, end)


def _load(outfit: Outfit) -> Kit:
    # Opened first: a wrong BLOB_URL should not cost the minutes of a load.
    blobs = open_blobs(outfit.blob_url)
    # Importing torch takes seconds, in which the parent may die: by now this process is tied to it.
    from flux2.engine import Engine
    from flux2.screening.opening import open_screens, with_question
    from worker.kinds.kit import Kit

    screening = open_screens(outfit.screens, hf_home=outfit.hf_home)
    engine = Engine.load(
        outfit.model,
        device=outfit.device,
        cpu_offload=outfit.cpu_offload,
        quantized=outfit.quantized,
        hf_home=outfit.hf_home,
    )
    screening = with_question(screening, outfit.screens, engine)
    engine.warm_up()
    saver = ThreadPoolExecutor(_SAVERS, thread_name_prefix="save")
    return Kit(engine, blobs, saver, screening, preview_interval_s=outfit.preview_interval_s)


def _serve(order: Order, kit: Kit, wish: Wish, end: ChildEnd) -> None:
    from worker.tasks.render import DeviceLost, render

    def tell(phase: Phase, step: int, steps: int) -> None:
        end.send(Step(job_id=order.job_id, phase=phase, step=step, steps=steps))

    def show(sha256: str) -> None:
        end.send(Preview(job_id=order.job_id, sha256=sha256))

    with log_lines.bind_job(order.job_id):
        try:
            result = render(order, kit, lambda: wish.is_to_stop(order.job_id), tell, show)
        except GenerationCancelled:
            end.send(Cancelled(job_id=order.job_id))
            return
        except DeviceLost:
            _log.critical("the accelerator's context is dead; this process ends", exc_info=True)
            _end_group()
            return
    used, _ = kit.engine.memory_bytes() or (None, None)
    end.send(Done(result=result, memory_used_bytes=used))


def _die_with(parent_pid: int) -> None:
    """Have the system kill this process when its parent dies, where it can; the closed pipe tells it elsewhere."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:
        _end_group()


def _end_group() -> None:
    # Not sys.exit: the thread that draws may be inside a kernel, and nothing here is worth flushing.
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpgrp(), signal.SIGKILL)
    os._exit(1)


if __name__ == "__main__":
    main(int(sys.argv[1]))
