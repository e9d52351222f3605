"""Role gpu, put together: weights checked, connections opened, the child's outfit written, the worker served.

Torch-free like everything in the parent. Receives settings as values; never reads them itself.
"""

from __future__ import annotations

import contextlib
import os
import socket
from pathlib import Path

from redis import Redis
from redis.backoff import ExponentialBackoff, NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from config.settings import WorkerSettings
from flux2 import checkpoint
from flux2.models import Model
from flux2.screening import weights as screening_weights
from worker import automatic
from worker import license as terms
from worker.gpu import GpuWorker
from worker.heartbeat import Beacon
from worker.keeper import Keeper
from worker.patience import Left, Patience
from worker.pipe import Outfit
from worker.shutdown import Shutdown
from worker.watchdog import Limits

_FENCE_TIMEOUT_S = 2.0
_RQ_RETRIES = 2


class CannotServe(Exception):
    """The operator has to act before this worker can start; the text is one sentence."""


def run(settings: WorkerSettings, *, name: str) -> None:
    """Serve until told to stop. Raises CannotServe, CheckpointUnavailable, keeper.WeightsUnloadable."""
    settings = automatic.settle(settings)
    model, folder = _weights(settings)
    limits = Limits(load_s=settings.stall_load_s, phase_s=settings.stall_phase_s, step_s=settings.stall_step_s)
    keeper = Keeper(_outfit(settings, model), limits, _size_bytes(folder))
    shutdown = Shutdown()
    shutdown.install()
    redis, fence_redis = _connections(settings.redis_url.get_secret_value())
    with redis, fence_redis:
        try:
            # Constructing it talks to Redis, which may start after us.
            worker = Patience(shutdown).until_asked(
                lambda: GpuWorker(
                    name,
                    model,
                    redis=redis,
                    fence_redis=fence_redis,
                    keeper=keeper,
                    limits=limits,
                    shutdown=shutdown,
                    screens=settings.screens.names(model),
                )
            )
        except Left:
            return
        with contextlib.suppress(RedisError):
            Beacon(fence_redis).leave(_place(settings))
        worker.serve()


def complain(settings: WorkerSettings, sentence: str) -> None:
    """Leave word in Redis, for the bot's doctor, of why this worker does not start; without Redis, none."""
    with contextlib.suppress(RedisError, OSError, CannotServe):
        redis, fence_redis = _connections(settings.redis_url.get_secret_value())
        with redis, fence_redis:
            Beacon(fence_redis).complain(_place(settings), sentence)


def _place(settings: WorkerSettings) -> str:
    """A name for all workers of one device: what one could not do, the next may."""
    return f"{socket.gethostname()}-{settings.flux2_device}"


def _weights(settings: WorkerSettings) -> tuple[Model, Path]:
    model = checkpoint.resolve(settings.flux2_model)
    token = settings.hf_token.get_secret_value() if settings.hf_token else None
    folder = checkpoint.locate(model, hf_home=settings.hf_home, token=token)
    if not settings.flux2_accept_license and terms.needs_acceptance(model, settings.hf_home):
        raise CannotServe(f"{terms.notice(model)} {terms.advice()}")
    classifier = settings.screens.classifier
    if classifier is not None:
        # Found out here, before a child takes minutes to load the model.
        screening_weights.locate(classifier, hf_home=settings.hf_home)
    return model, folder


def _outfit(settings: WorkerSettings, model: Model) -> Outfit:
    return Outfit(
        parent_pid=os.getpid(),
        model=model,
        hf_home=settings.hf_home,
        device=settings.flux2_device,
        cpu_offload=settings.flux2_cpu_offload,
        quantized=settings.flux2_quantization,
        blob_url=settings.blob_url,
        preview_interval_s=settings.preview_interval_s,
        redis_url=settings.redis_url,
        log_level=settings.log_level,
        log_json=settings.log_json,
        screens=settings.screens,
    )


def _connections(url: str) -> tuple[Redis, Redis]:
    """Return one client for RQ, whose pop blocks, and one that answers or fails soon."""
    try:
        return (
            Redis.from_url(
                url, socket_connect_timeout=_FENCE_TIMEOUT_S, retry=Retry(ExponentialBackoff(cap=0.5), _RQ_RETRIES)
            ),
            Redis.from_url(
                url,
                socket_timeout=_FENCE_TIMEOUT_S,
                socket_connect_timeout=_FENCE_TIMEOUT_S,
                retry=Retry(NoBackoff(), 0),
            ),
        )
    except ValueError as error:
        raise CannotServe(f"REDIS_URL is not understood ({error}); write redis://host:6379/0.") from error


def _size_bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.glob("*/*.safetensors"))
