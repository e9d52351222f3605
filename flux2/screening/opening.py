"""Makes the screens of what was configured. Imports torch only where a classifier is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from flux2.errors import CheckpointUnavailable
from flux2.screening import rules, weights
from flux2.screening.outfit import Screens
from flux2.screening.port import Scorer, Screening
from flux2.screening.question import Question

if TYPE_CHECKING:
    from flux2.engine import Engine


def open_screens(screens: Screens, *, device: str = "cpu", hf_home: Path | None = None) -> Screening:
    """Load the screens. Raises CheckpointUnavailable where one that is configured cannot be had."""
    scorer: Scorer | None = None
    if screens.classifier is not None:
        from flux2.screening.classifier import Classifier

        folder = weights.locate(screens.classifier, hf_home=hf_home)
        scorer = Classifier.load(folder, labels=screens.labels, device=device)
    return Screening(
        prompts=(rules.read(screens.rules),) if screens.rules else (),
        scorer=scorer,
        levels=screens.levels,
        asks=screens.question == "always",
        fails_open=screens.fails_open,
    )


def with_question(screening: Screening, screens: Screens, engine: Engine) -> Screening:
    """Let the text encoder of a loaded model be asked, as far as the operator allows and the model can.

    Raises CheckpointUnavailable for one that is always to be asked, and cannot be.
    """
    if screens.question == "never":
        return screening
    if engine.model.can_rewrite:
        return replace(screening, question=Question(engine))
    if screens.question == "always":
        raise CheckpointUnavailable(
            f"{engine.model.name} cannot be asked about prompts; set FLUX2_SCREEN_QUESTION=optional or draw with a "
            "model that can."
        )
    return screening
