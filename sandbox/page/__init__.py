"""The chat page a browser shows: the world through one member's eyes, and that member's hands."""
