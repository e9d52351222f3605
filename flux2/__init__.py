"""Turns a request into a picture with FLUX.2. Knows nothing of Discord, Redis, settings or the environment."""
