"""A picture classifier as a screen: any model transformers can load for the task.

Needs torch. Owns which label and which score mean no; declines to know what the labels stand for.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flux2.errors import CheckpointUnavailable

if TYPE_CHECKING:
    from PIL import Image

DEFAULT_THRESHOLD = 0.85
"""Scores above it are refused; what FLUX.2's own command line uses for its classifier."""


class Classifier:
    """One loaded classifier. Scores are between 0 and 1."""

    def __init__(self, classify: Any, labels: Iterable[str], threshold: float) -> None:
        """`classify` is a transformers pipeline for image classification. Raises CheckpointUnavailable for labels
        that the model does not know: it would let everything pass.
        """
        self._classify = classify
        self._labels = frozenset(label.casefold() for label in labels)
        self._threshold = threshold
        known = [str(label) for label in classify.model.config.id2label.values()]
        if not self._labels & {label.casefold() for label in known}:
            raise CheckpointUnavailable(
                f"The screening classifier tells {', '.join(known)}; set FLUX2_SCREEN_LABELS to those it is to refuse."
            )

    @classmethod
    def load(
        cls,
        folder: Path,
        *,
        labels: Iterable[str],
        threshold: float = DEFAULT_THRESHOLD,
        device: str = "cpu",
    ) -> Classifier:
        """Load what lies in `folder`. Raises CheckpointUnavailable."""
        import transformers

        try:
            processor: Any = transformers.AutoImageProcessor
            model: Any = transformers.AutoModelForImageClassification
            pipeline: Any = transformers.pipeline
            classify = pipeline(
                "image-classification",
                model=model.from_pretrained(folder, local_files_only=True),
                image_processor=processor.from_pretrained(folder, local_files_only=True),
                device=device,
            )
        except (OSError, ValueError, KeyError, ImportError, RuntimeError) as broken:
            raise CheckpointUnavailable(
                f"The screening classifier in {folder} cannot be loaded ({broken}); fetch it again or fix "
                "FLUX2_SCREEN_CLASSIFIER."
            ) from broken
        return cls(classify, labels, threshold)

    def objection(self, image: Image.Image) -> str | None:
        """Object when the labels looked for score above the threshold together."""
        scores = self._classify(image.convert("RGB"), top_k=None)
        found = sum(float(one["score"]) for one in scores if str(one["label"]).casefold() in self._labels)
        # Not “found > threshold”: a score that is no number must not pass.
        return None if found <= self._threshold else "it may show what is not allowed here"
