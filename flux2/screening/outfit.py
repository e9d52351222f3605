"""Which screens a worker has, as a plain value, and how it becomes the screens themselves. Torch-free until opened."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from flux2.screening import rules
from flux2.screening.port import Screening


class Screens(BaseModel):
    """What the operator configured; nothing means that everything passes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rules: Path | None = None
    """TOML file with the lists deny and allow."""
    classifier: str | None = None
    """Folder or repository of an image classifier."""
    labels: tuple[str, ...] = ("nsfw",)
    threshold: float = Field(default=0.85, ge=0, lt=1)

    def open(self, *, device: str = "cpu", hf_home: Path | None = None) -> Screening:
        """Load the screens. Raises CheckpointUnavailable where one that is configured cannot be had."""
        prompts = (rules.read(self.rules),) if self.rules else ()
        if self.classifier is None:
            return Screening(prompts=prompts)
        # Imports torch; whoever only judges words does not have to.
        from flux2.screening.classifier import Classifier

        loaded = Classifier.load(
            self.classifier, labels=self.labels, threshold=self.threshold, device=device, hf_home=hf_home
        )
        return Screening(prompts=prompts, images=(loaded,))
