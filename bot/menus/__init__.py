"""Entries of a message's own menu, one per file: each has a `setup` that registers it. The library takes five."""
