"""The one error whose text a member reads as it stands. Knows nothing of how it reaches them."""


class Refusal(Exception):
    """A member's wish the bot does not take up; the text is one sentence that says what to do instead."""
