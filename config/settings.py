"""Every setting, its type and its default. Built at the `__main__` roots and handed down as values."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from flux2.models import Quantization
from flux2.screening.outfit import Screens
from flux2.screening.policy import Levels

_DISCORD_API = "https://discord.com/api/v10"
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class _Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_file=".env", env_file_encoding="utf-8", extra="ignore", frozen=True, env_ignore_empty=True
    )


STYLES = Path(__file__).with_name("styles.toml")
"""The styles that come with the product."""
SCREEN_RULES = Path(__file__).with_name("screen.toml")
"""The screening rules that come with the product."""
SCREEN_CLASSIFIER = "Falconsai/nsfw_image_detection"
"""The image classifier that judges pictures until another is set. Apache-2.0, 0.35 GB."""


class DiscordSettings(_Settings):
    """How to reach Discord. Read by the bot and by `worker --role io`; gpu hosts never hold the token."""

    discord_token: SecretStr = Field(description="Bot token from the developer portal.")
    discord_api_url: str = Field(
        default=_DISCORD_API,
        description="REST root including /api/v10; a rate-limit proxy or the sandbox may stand here.",
    )
    discord_gateway_url: str | None = Field(
        default=None, description="Gateway to use instead of Discord's, also on reconnect."
    )

    @field_validator("discord_api_url")
    @classmethod
    def _no_trailing_slash(cls, url: str) -> str:
        return url.rstrip("/")

    @property
    def allows_loopback_attachments(self) -> bool:
        """Where the API host is loopback, attachment URLs on loopback are fetched too. There is no other switch."""
        return urlsplit(self.discord_api_url).hostname in _LOOPBACK


class QueueSettings(_Settings):
    """Where jobs and pictures lie. Read by every process."""

    redis_url: SecretStr = Field(
        default=SecretStr("redis://127.0.0.1:6379/0"), description="Redis or Valkey, 6.2 or newer, with AOF."
    )
    blob_url: str = Field(
        default="file:///var/lib/flux2-bot/blobs",
        description="Pictures: file:///path on one host, s3://bucket/prefix on several.",
    )
    flux2_screen_rules: str = Field(
        default="default",
        description="What nobody may ask for in words: default (config/screen.toml), a TOML file of your own, or off.",
    )
    log_json: bool = Field(default=False, description="Log lines as JSON instead of text.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="DEBUG, INFO, WARNING or ERROR."
    )

    @field_validator("log_level", mode="before")
    @classmethod
    def _any_case(cls, level: object) -> object:
        return level.upper() if isinstance(level, str) else level

    @property
    def rules_file(self) -> Path | None:
        """The screening rules; None where they are off."""
        named = self.flux2_screen_rules
        return None if named == "off" else SCREEN_RULES if named == "default" else Path(named)


class BotSettings(DiscordSettings, QueueSettings):
    """`python -m bot`."""

    database_url: SecretStr = Field(
        default=SecretStr("sqlite+aiosqlite:///data/ledger.db"),
        description="The ledger: an async SQLAlchemy URL, SQLite or PostgreSQL.",
    )
    flux2_model: str = Field(
        default="klein-4b", description="Model used when a member names none: a registry entry, a path, or auto."
    )
    max_waiting_per_member: int = Field(default=10, ge=1, description="Jobs one member may have waiting or running.")
    max_running_per_member: int = Field(default=2, ge=1, description="Jobs of one member on GPUs at a time.")
    max_waiting_per_guild: int = Field(default=200, ge=1, description="Jobs one server may have waiting or running.")
    direct_messages: bool = Field(default=True, description="Whether members may draw in direct messages with the bot.")
    user_install: bool = Field(
        default=False, description="Whether members may add the bot to their account and use it anywhere."
    )
    pictures_per_day_outside: int = Field(
        default=50,
        ge=0,
        description="Pictures a member may have a day in these places, which no server's quota counts; 0: no limit.",
    )
    max_upload_bytes: int = Field(
        default=20 * 1024 * 1024, ge=1, description="Largest attachment accepted as a reference, in bytes."
    )
    max_upload_pixels: int = Field(
        default=50_000_000, ge=1, description="Largest attachment accepted as a reference, in pixels."
    )
    status_edit_interval_s: float = Field(
        default=2.0, ge=0.1, description="Seconds between two edits of one status message."
    )
    retention_pictures_days: int = Field(
        default=30,
        ge=1,
        description="Days pictures and references are kept in the blobs; posts stay in Discord.",
    )
    retention_jobs_days: int = Field(
        default=0, ge=0, description="Days prompts and recipes are kept; 0: until a member deletes them with /privacy."
    )
    retention_audit_days: int = Field(default=365, ge=1, description="Days the audit log of admins is kept.")
    privacy_policy_url: str | None = Field(default=None, description="Your privacy policy, linked by /privacy.")
    bot_language: str = Field(
        default="en", description="Language the bot speaks: en, or one that bot/locale has a catalogue of."
    )
    styles_file: Path | None = Field(
        default=None, description="TOML file of the styles members may choose; config/styles.toml where unset."
    )
    reconcile_interval_s: float = Field(
        default=15.0, gt=0, description="Seconds between two looks for jobs that Redis lost."
    )


class WorkerSettings(QueueSettings):
    """`python -m worker`, both roles."""

    flux2_model: str = Field(
        default="klein-4b",
        description="Model a gpu worker loads: a registry entry, a path, or auto for what fits the card.",
    )
    flux2_device: Annotated[str, Field(pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$")] = Field(
        default="auto", description="auto, cpu, cuda[:N] or mps."
    )
    flux2_cpu_offload: bool = Field(
        default=False, description="Keep parts of the model in main memory until needed: for small cards, and slower."
    )
    flux2_quantization: Quantization = Field(
        default="none", description="int8 keeps the weights in half the memory, for nearly the same pictures; or none."
    )
    flux2_accept_license: bool = Field(
        default=False, description="Set to true once to accept the licence of non-commercial weights."
    )
    hf_token: SecretStr | None = Field(default=None, description="Hugging Face token for gated weights.")
    hf_home: Path | None = Field(default=None, description="Where downloaded weights are kept.")
    stall_step_s: float = Field(
        default=30.0,
        gt=0,
        description="Seconds without a step before a render is taken for hung; at least ten median steps.",
    )
    stall_phase_s: float = Field(default=60.0, gt=0, description="The same for encoding, decoding and saving.")
    stall_load_s: float = Field(
        default=120.0, gt=0, description="Seconds without new bytes before loading is taken for hung."
    )
    preview_interval_s: float = Field(
        default=5.0, ge=0, description="Seconds between two previews of a picture in the making; 0 shows none."
    )

    flux2_screen_classifier: str = Field(
        default="default",
        description="Image classifier for references and results: default (Falconsai/nsfw_image_detection, none for "
        "sample), a folder or repository on this machine, or off.",
    )
    flux2_screen_labels: str = Field(
        default="nsfw", description="What the classifier calls a picture that is refused; several with commas."
    )
    flux2_screen_threshold: float = Field(
        default=0.85, ge=0, lt=1, description="Refused are pictures whose labels score higher than this, 0 to 1."
    )
    flux2_screen_age_restricted_threshold: float | None = Field(
        default=None, ge=0, le=1, description="The same in age-restricted channels; FLUX2_SCREEN_THRESHOLD where unset."
    )
    flux2_screen_spoiler_threshold: float = Field(
        default=0.5, ge=0, le=1, description="Results that score higher than this are posted behind a click; 1: none."
    )
    flux2_screen_question: Literal["never", "optional", "always"] = Field(
        default="optional",
        description="Whether the model's text encoder is asked, yes or no, about prompts and pictures: never, optional "
        "(where a server wants it) or always.",
    )
    flux2_screen_fail_open: bool = Field(
        default=False, description="Let pass what a screen could not judge; otherwise it is refused."
    )

    @property
    def screens(self) -> Screens:
        """The screens a worker has."""
        labels = tuple(label.strip() for label in self.flux2_screen_labels.split(",") if label.strip())
        return Screens(
            rules=self.rules_file,
            classifier=self._classifier,
            labels=labels,
            levels=Levels(
                refuse=self.flux2_screen_threshold,
                refuse_age_restricted=self.flux2_screen_age_restricted_threshold,
                hide=self.flux2_screen_spoiler_threshold,
            ),
            question=self.flux2_screen_question,
            fails_open=self.flux2_screen_fail_open,
        )

    @property
    def _classifier(self) -> str | None:
        named = self.flux2_screen_classifier
        if named == "default":
            # sample draws circles and squares, and comes without any download.
            return None if self.flux2_model == "sample" else SCREEN_CLASSIFIER
        return None if named == "off" else named


class DeliverySettings(WorkerSettings, DiscordSettings):
    """`python -m worker --role io`."""

    openrouter_api_key: SecretStr | None = Field(
        default=None, description="Key for rewriting prompts and describing pictures by OpenRouter."
    )
    openrouter_base_url: str = Field(default="https://openrouter.ai/api/v1", description="Root of OpenRouter's API.")
    openrouter_model: str = Field(
        default="qwen/qwen3-vl-235b-a22b-instruct", description="Model asked there; it has to see pictures."
    )
    openrouter_temperature: float = Field(
        default=0.15, ge=0, le=2, description="How freely it words, 0 to 2; low keeps to the prompt."
    )

    @field_validator("openrouter_base_url")
    @classmethod
    def _is_safe(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
            raise ValueError("the key is sent there, so the address has to begin with https://")
        return url.rstrip("/")


def complaint(error: ValidationError) -> str:
    """Return one sentence for the operator that names each setting at fault; no value of theirs is in it."""
    problems = "; ".join(
        f"{str(item['loc'][0]).upper()} is not set"
        if item["type"] == "missing"
        else f"{str(item['loc'][0]).upper()}: {item['msg']}"
        for item in error.errors(include_input=False)
    )
    return (
        f"The settings cannot be used: {problems}. Set them in the environment or in .env; .env.example has them all."
    )
