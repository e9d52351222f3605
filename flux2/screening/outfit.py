"""Which screens a worker has, as a plain value that travels from the settings to the process that needs them."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from flux2.models import Model
from flux2.screening.policy import Levels


class Screens(BaseModel):
    """What the operator configured; nothing means that everything passes. `opening` makes screens of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rules: Path | None = None
    """TOML file of config/screen.toml's form."""
    classifier: str | None = None
    """Folder or repository of an image classifier."""
    labels: tuple[str, ...] = ("nsfw",)
    levels: Levels = Levels()
    question: Literal["never", "optional", "always"] = "never"
    """When the text encoder is asked: optional, where a job's policy wants it."""
    fails_open: bool = False

    def names(self, model: Model) -> tuple[str, ...]:
        """What a worker of `model` screens with, in words."""
        asks = self.question != "never" and model.can_rewrite
        has = {"rules": self.rules, "classifier": self.classifier, f"question ({self.question})": asks}
        return tuple(name for name, there in has.items() if there)
