"""Buttons, modals, reply edits and message menus; one kind per file."""
