"""Which prompts gain by being rewritten."""

import pytest

from flux2.upsampling.benefit import reason


@pytest.mark.parametrize(
    ("prompt", "has_images", "found"),
    [
        ("Make a meme about generating memes with this model", False, "lettering"),
        ("a poster for a jazz night", False, "lettering"),
        ("a shop with a sign that says hello", False, "lettering"),
        ("Describe what the red arrow is seeing", True, "instructions in the picture"),
        ("follow the instructions in the image", True, "instructions in the picture"),
        ("read the diagram and generate the result", True, "instructions in the picture"),
        ("a flow chart of binary search", False, "something to work out"),
        ("draw the solution of 3 + 4", False, "something to work out"),
        ("a red car", False, None),
        ("a fox that reads a book", False, None),
        ("an assigned seat in the entitled gallery", False, None),
        ('{"scene": "a poster"}', False, None),
    ],
)
def test_what_would_be_worked_out(prompt: str, has_images: bool, found: str | None) -> None:
    """Lettering, annotated pictures, code and maths gain; short plain words and structured prompts do not."""
    assert reason(prompt, has_images=has_images) == found
