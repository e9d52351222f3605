"""One slash command per file."""
