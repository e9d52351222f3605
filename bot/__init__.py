"""Speaks Discord, owns the ledger, decides whose job is next, words every message. Never computes a picture."""
