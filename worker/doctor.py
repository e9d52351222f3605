"""`python -m worker doctor`: what keeps a gpu worker of this host from drawing. Looked at with its settings; changes
nothing but a blob that is deleted again.

The bot's doctor sees workers that run; here is what only their host can tell: card, weights, licence, hub, screens.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from pathlib import Path

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from config.finding import Finding, fail, ok, warn
from config.settings import WorkerSettings
from flux2 import card, checkpoint
from flux2.errors import CheckpointUnavailable
from flux2.fit import AUTO, fit
from flux2.models import Model
from flux2.screening import rules
from flux2.screening import weights as screening_weights
from flux2.screening.outfit import Screens
from worker import license as terms
from worker.blobs import BlobMissing, BlobsUnavailable, open_blobs

_TIMEOUT_S = 5.0
_SKEW_S = 5.0
_GB = 1e9


def examine(settings: WorkerSettings) -> list[Finding]:
    """Look at everything a gpu worker needs; each finding says how to mend it."""
    found = [*_redis(settings.redis_url.get_secret_value()), _blobs(settings.blob_url)]
    try:
        seen = card.read(settings.flux2_device)
        found.append(_card(seen))
        model, why = _model(settings, seen)
    except CheckpointUnavailable as refusal:
        return [*found, fail("Model", str(refusal))]
    found.append(ok("Model", why))
    return [*found, *_weights(settings, model), *_screens(settings.screens, settings.hf_home)]


def _redis(url: str) -> list[Finding]:
    try:
        with Redis.from_url(url, socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S,
                            retry=Retry(NoBackoff(), 0)) as redis:  # fmt: skip
            redis.ping()
            began = time.time()
            seconds, micro = redis.time()
    except ValueError as error:
        return [fail("Redis", f"REDIS_URL is not understood ({error})", "Set it to redis://host:6379/0.")]
    except (RedisError, OSError) as error:
        return [fail("Redis", f"it cannot be reached ({error})", "Start it, or set REDIS_URL.")]
    return [ok("Redis", "answers"), _clock((began + time.time()) / 2 - (int(seconds) + int(micro) / 1e6))]


def _clock(skew_s: float) -> Finding:
    """Leases and waits go by Redis's clock; buckets and certificates by this host's."""
    if abs(skew_s) > _SKEW_S:
        fix = "Run an NTP service on both hosts: buckets and https refuse a clock that is far off."
        return warn("Clock", f"{skew_s:+.0f} s beside Redis's", fix)
    return ok("Clock", f"{skew_s:+z.1f} s beside Redis's")


def _blobs(url: str) -> Finding:
    try:
        blobs = open_blobs(url)
        sha256 = blobs.put(b"doctor" + secrets.token_bytes(16))
        blobs.get(sha256)
        blobs.delete(sha256)
    except BlobsUnavailable as error:
        return fail("Blobs", str(error))
    except (OSError, BlobMissing) as error:
        return fail("Blobs", f"a picture cannot be kept ({error})", "Make BLOB_URL writable for the bot and workers.")
    return ok("Blobs", "written, read and deleted")


def _card(seen: card.Card) -> Finding:
    if seen.kind == "none":
        fix = "Install a driver and a torch for your card, or set FLUX2_DEVICE; on a CPU only sample is quick."
        return warn("Card", "none that torch can use", fix)
    free = f"{seen.free_bytes / _GB:.0f} of {seen.total_bytes / _GB:.0f} GB free"
    return ok("Card", f"{seen.name}, {free}, {seen.main_memory_bytes / _GB:.0f} GB of main memory")


def _model(settings: WorkerSettings, seen: card.Card) -> tuple[Model, str]:
    if settings.flux2_model != AUTO:
        model = checkpoint.resolve(settings.flux2_model)
        return model, model.name
    accepts = settings.flux2_accept_license
    found = fit(seen, lambda model: accepts or not terms.needs_acceptance(model, settings.hf_home))
    return found.route.model, found.words


def _weights(settings: WorkerSettings, model: Model) -> list[Finding]:
    token = settings.hf_token.get_secret_value() if settings.hf_token else None
    found = [_sentence("Weights", lambda: checkpoint.locate(model, hf_home=settings.hf_home, token=token))]
    if model.non_commercial and checkpoint.is_downloadable(model):
        if settings.flux2_accept_license or not terms.needs_acceptance(model, settings.hf_home):
            found.append(ok("Licence", f"the {model.license} was accepted"))
        else:
            found.append(fail("Licence", terms.notice(model), terms.advice()))
    if model.gated and checkpoint.is_downloadable(model):
        found.append(_hub(model, token, has_weights=found[0].level == "ok"))
    return found


def _hub(model: Model, token: str | None, *, has_weights: bool) -> Finding:
    """Ask the hub whether the token opens a gated model; with the weights here that matters at the next fetch only."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    bad = warn if has_weights else fail
    try:
        HfApi().auth_check(model.source, token=token or False)
    except (GatedRepoError, RepositoryNotFoundError) as shut:
        says = f"{model.source} is closed to {'this HF_TOKEN' if token else 'those without HF_TOKEN'}"
        advice = str(checkpoint.unavailable(model, shut, token=token))
        return bad("Hub", says, advice[0].upper() + advice[1:])
    except Exception as error:  # noqa: BLE001 - which transport the hub library uses is its own business
        return warn("Hub", f"it cannot be asked ({type(error).__name__})", "Check the network before the next fetch.")
    return ok("Hub", f"{model.source} is open to HF_TOKEN")


def _screens(screens: Screens, hf_home: Path | None) -> list[Finding]:
    found, listed, classifier = [], screens.rules, screens.classifier
    if listed is not None:
        found.append(_sentence("Screen rules", lambda: rules.read(listed)))
    if classifier is None:
        found.append(warn("Classifier", "off", "Set FLUX2_SCREEN_CLASSIFIER before strangers draw here."))
    else:
        found.append(_sentence("Classifier", lambda: screening_weights.locate(classifier, hf_home=hf_home)))
    return found


def _sentence(about: str, look: Callable[[], object]) -> Finding:
    """A finding of what is there, or of the sentence that says why not and what to do."""
    try:
        look()
    except CheckpointUnavailable as refusal:
        return fail(about, str(refusal))
    return ok(about, "complete")
