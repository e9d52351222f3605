"""A picture classifier as a scorer: any model transformers can load for the task.

Needs torch. Owns which labels count; declines to know what they stand for, and which score is too much.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flux2.errors import CheckpointUnavailable

if TYPE_CHECKING:
    from PIL import Image


class Classifier:
    """One loaded classifier. Scores are between 0 and 1."""

    def __init__(self, classify: Any, labels: Iterable[str]) -> None:
        """`classify` is a transformers pipeline for image classification. Raises CheckpointUnavailable for labels
        that the model does not know: it would let everything pass.
        """
        self._classify = classify
        self._labels = frozenset(label.casefold() for label in labels)
        self._last: tuple[weakref.ref[Image.Image], float] | None = None
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
        return cls(classify, labels)

    def score(self, image: Image.Image) -> float:
        """How much of the labels looked for an RGB picture shows, all of them together."""
        last = self._last
        if last is not None and last[0]() is image:
            # Asked twice of each result: whether it may be shown, and whether openly.
            return last[1]
        scores = self._classify(image.convert("RGB"), top_k=None)
        found = sum(float(one["score"]) for one in scores if str(one["label"]).casefold() in self._labels)
        self._last = weakref.ref(image), found
        return found
