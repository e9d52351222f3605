"""Which screens a worker has, as a plain value that travels from the settings to the process that needs them."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class Screens(BaseModel):
    """What the operator configured; nothing means that everything passes. `opening` makes screens of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rules: Path | None = None
    """TOML file with the lists deny and allow."""
    classifier: str | None = None
    """Folder or repository of an image classifier."""
    labels: tuple[str, ...] = ("nsfw",)
    threshold: float = Field(default=0.85, ge=0, lt=1)
