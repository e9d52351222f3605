"""FLUX2_MODEL=auto, settled before anything is named after the model: the queue, the weights, the child's outfit.

The card is looked at in a process of its own, so the parent stays clear of CUDA; what is decided is `flux2.fit`'s.
"""

from __future__ import annotations

import logging

from config.settings import WorkerSettings
from flux2 import card
from flux2.fit import AUTO, fit
from worker import license as terms

_log = logging.getLogger(__name__)


def settle(settings: WorkerSettings, *, accepts_license: bool = False) -> WorkerSettings:
    """Return `settings` with a model in the place of auto, and with how it is kept and where; said in the log.

    A non-commercial model is chosen only where its licence was accepted. Raises CheckpointUnavailable.
    """
    if settings.flux2_model != AUTO:
        return settings
    accepts = accepts_license or settings.flux2_accept_license
    found = fit(
        card.read(settings.flux2_device), lambda model: accepts or not terms.needs_acceptance(model, settings.hf_home)
    )
    _log.info("%s", found.words)
    route = found.route
    chosen = {
        "flux2_model": route.model.name,
        "flux2_quantization": route.quantization,
        "flux2_cpu_offload": route.cpu_offload,
    }
    return settings.model_copy(update=chosen)
