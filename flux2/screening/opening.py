"""Makes the screens of what was configured. Imports torch only where a classifier is."""

from __future__ import annotations

from pathlib import Path

from flux2.screening import rules, weights
from flux2.screening.outfit import Screens
from flux2.screening.port import Screening


def open_screens(screens: Screens, *, device: str = "cpu", hf_home: Path | None = None) -> Screening:
    """Load the screens. Raises CheckpointUnavailable where one that is configured cannot be had."""
    prompts = (rules.read(screens.rules),) if screens.rules else ()
    if screens.classifier is None:
        return Screening(prompts=prompts)
    from flux2.screening.classifier import Classifier

    folder = weights.locate(screens.classifier, hf_home=hf_home)
    loaded = Classifier.load(folder, labels=screens.labels, threshold=screens.threshold, device=device)
    return Screening(prompts=prompts, images=(loaded,))
