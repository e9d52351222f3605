"""What is said to the operator when a part cannot be used: the same sentence at the start and from the doctor."""

from __future__ import annotations

REFUSED = "Discord refuses the bot token; set DISCORD_TOKEN to the one in the developer portal."
INTENTS_REFUSED = "Discord refuses the bot's intents; check the application in the developer portal."


def discord_away(error: object) -> str:
    """Discord does not answer, or not as Discord."""
    return f"Discord cannot be reached ({error}); check the network and DISCORD_API_URL."


def redis_away(error: object) -> str:
    """Redis does not answer."""
    return f"Redis cannot be reached ({error}); start it or set REDIS_URL."


def redis_url(error: object) -> str:
    """The URL is none."""
    return f"REDIS_URL is not understood ({error}); set it to redis://host:6379/0."
