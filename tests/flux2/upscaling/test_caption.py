"""flux2.upscaling.caption: whose words an upscale goes by, and that it is said."""

from collections.abc import Callable

from PIL import Image

from flux2.errors import InvalidRequest
from flux2.models import REGISTRY
from flux2.request import ReferenceImage
from flux2.upscaling.caption import Caption, Captioner, caption
from flux2.upscaling.request import NEUTRAL, UpscaleRequest, settle

PICTURE = Image.new("RGB", (64, 64))


def request(prompt: str = "", recipe: str = "") -> UpscaleRequest:
    image = ReferenceImage(sha256="a" * 64, width=64, height=64)
    return settle(REGISTRY["sample"], image, prompt=prompt, recipe=recipe)[0]


def saying(words: str) -> Callable[[Image.Image], str]:
    return lambda picture: words


def failing(picture: Image.Image) -> str:
    raise InvalidRequest("it does not see")


def test_the_members_words_come_first() -> None:
    """Nobody is asked to look then."""
    asked = caption(request("a fox", "a dog"), PICTURE, [Captioner("dev", failing)])
    assert asked == Caption("a fox", "The caption is the given prompt.")


def test_the_first_who_can_look_describes_the_picture() -> None:
    """One that fails or says nothing is passed over."""
    lookers = [Captioner("a", failing), Captioner("b", saying(" ")), Captioner("dev", saying("a cat\n"))]
    assert caption(request(recipe="a dog"), PICTURE, lookers) == Caption("a cat", "The caption is by dev.")


def test_the_pictures_own_prompt_is_next() -> None:
    """Where nobody can look."""
    said = caption(request(recipe="a dog"), PICTURE, [Captioner("a", failing)])
    assert said == Caption("a dog", "The caption is the prompt the picture was drawn from.")


def test_a_neutral_sentence_is_last_and_says_so() -> None:
    """Never an empty prompt."""
    said = caption(request(), PICTURE)
    assert said.words == NEUTRAL
    assert "neutral" in said.origin
