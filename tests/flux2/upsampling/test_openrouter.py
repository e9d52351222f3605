"""OpenRouter's protocol against a server on loopback that speaks it, with every error it documents."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image

from flux2.errors import ScreeningRefused, UpsamplingFailed
from flux2.upsampling import openrouter as module
from flux2.upsampling.openrouter import Access, OpenRouter

KEY = "sk-or-test"


@pytest.fixture
def pauses() -> list[float]:
    """What was slept, without sleeping."""
    return []


@pytest.fixture
def sent() -> list[int]:
    """One entry for each time money may have been spent."""
    return []


@pytest.fixture
def model(openrouter: Any, pauses: list[float], sent: list[int]) -> Iterator[OpenRouter]:
    """The upsampler under test."""
    access = Access(KEY, openrouter.url, "test/eyes")
    with OpenRouter(access, sending=lambda: sent.append(1), sleep=pauses.append) as upsampler:
        yield upsampler


def test_a_question_is_what_the_api_documents(openrouter: Any, model: OpenRouter, sent: list[int]) -> None:
    """Bearer key, model, system and user message, token limit and temperature; no prompt is anywhere else."""
    assert model.answer("Be brief.", "a fox") == "a calm red fox in tall golden grass"
    assert openrouter.questions == [
        {
            "model": "test/eyes",
            "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "a fox"}],
            "max_completion_tokens": 400,
            "stream": False,
            "temperature": 0.15,
        }
    ]
    assert openrouter.headers[0]["Authorization"] == f"Bearer {KEY}"
    assert sent == [1]


def test_pictures_follow_the_words_as_small_jpegs(openrouter: Any, model: OpenRouter) -> None:
    """At most 768 x 768 pixels, JPEG, in the order they are numbered, transparency flattened, no metadata."""
    pictures = [Image.new("RGB", (3000, 1500), "red"), Image.new("RGBA", (40, 60), (0, 0, 255, 255))]
    model.answer("Look.", "what is image 2?", pictures)
    words, *shown = openrouter.questions[0]["messages"][1]["content"]
    assert words == {"type": "text", "text": "what is image 2?"}
    opened = []
    for part in shown:
        head, _, data = part["image_url"]["url"].partition(",")
        assert (part["type"], head) == ("image_url", "data:image/jpeg;base64")
        opened.append(Image.open(io.BytesIO(base64.b64decode(data))))
    assert [one.format for one in opened] == ["JPEG", "JPEG"]
    assert opened[0].size == (1086, 543)
    assert opened[0].width * opened[0].height <= 768 * 768
    assert opened[1].size == (40, 60)
    assert not opened[0].getexif()


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (400, "did not understand"),
        (401, "refuses the API key"),
        (402, "credit"),
        (403, "does not allow"),
        (404, "does not serve"),
        (408, "too long"),
        (413, "too large"),
        (422, "did not understand"),
        (429, "rate-limited"),
        (500, "out of order"),
        (502, "out of order"),
        (503, "out of order"),
        (524, "out of order"),
        (529, "out of order"),
    ],
)
@pytest.mark.parametrize("is_inside_200", [False, True])
def test_every_documented_error_is_one_sentence(
    openrouter: Any, model: OpenRouter, code: int, words: str, is_inside_200: bool
) -> None:
    """By status, or inside a 200: what it means, never the provider's own text, never the key."""
    openrouter.default = openrouter.failure(code, f"secret detail {KEY}", status=200 if is_inside_200 else None)
    with pytest.raises(UpsamplingFailed) as told:
        model.answer("", "a fox")
    assert words in str(told.value)
    assert str(told.value).endswith(".")
    assert "secret" not in str(told.value)
    # Only what was surely not taken is asked again, and never for ever.
    assert len(openrouter.questions) == (3 if code == 429 and not is_inside_200 else 1)


def test_told_to_come_back_it_does(openrouter: Any, model: OpenRouter, pauses: list[float], sent: list[int]) -> None:
    """429 and 503 with Retry-After are waited for, as long as was asked, and the question counts once."""
    openrouter.replies.extend([openrouter.failure(429, retry_after="2"), openrouter.failure(503, retry_after="1.5")])
    assert "fox" in model.answer("", "a fox")
    assert pauses == [2.0, 1.5]
    assert len(openrouter.questions) == 3
    assert sent == [1]


@pytest.mark.parametrize("after", ["11", "3600", "inf", "nan", "-1", "Wed, 21 Oct 2026 07:28:00 GMT"])
def test_nobody_waits_for_long(openrouter: Any, model: OpenRouter, pauses: list[float], after: str) -> None:
    """More than ten seconds is no wait but an answer; what is no number is no time."""
    openrouter.default = openrouter.failure(503, retry_after=after)
    with pytest.raises(UpsamplingFailed):
        model.answer("", "a fox")
    assert pauses == []
    assert len(openrouter.questions) == 1


def test_a_rate_limit_says_when(openrouter: Any, model: OpenRouter) -> None:
    """The member reads how long it will last."""
    openrouter.default = openrouter.failure(429, retry_after="40")
    with pytest.raises(UpsamplingFailed, match="try again in 40 s"):
        model.answer("", "a fox")


def test_a_broken_line_is_not_asked_again(openrouter: Any, model: OpenRouter, sent: list[int]) -> None:
    """An answer that breaks off may have been paid: one question, no second."""
    openrouter.default = (200, {"Transfer-Encoding": "chunked"}, b"no chunk\r\n")
    with pytest.raises(UpsamplingFailed):
        model.answer("", "a fox")
    assert len(openrouter.questions) == len(sent) == 1


def test_nobody_there_is_tried_again(pauses: list[float], openrouter: Any) -> None:
    """A connection that was never made carried nothing: three tries, then a sentence."""
    with (
        OpenRouter(Access(KEY, "http://127.0.0.1:1/api/v1"), sleep=pauses.append) as nobody,
        pytest.raises(UpsamplingFailed, match="cannot be reached"),
    ):
        nobody.answer("", "a fox")
    assert len(pauses) == 2


@pytest.mark.parametrize(
    "metadata",
    [
        {"reasons": ["violence"], "flagged_input": "a…", "provider_name": "x"},
        {"error_type": "content_policy_violation"},
        {"error_type": "refusal"},
    ],
)
def test_moderation_is_a_block(openrouter: Any, model: OpenRouter, metadata: dict[str, Any]) -> None:
    """What the provider's moderation refuses is refused, in our words, and not asked again."""
    openrouter.default = openrouter.failure(403, "flagged", **metadata)
    with pytest.raises(ScreeningRefused) as told:
        model.answer("", "a fox")
    assert "violence" not in str(told.value)
    assert len(openrouter.questions) == 1


@pytest.mark.parametrize(
    ("kind", "words"), [("image_too_large", "too large"), ("unsupported_image_format", "does not take these images")]
)
def test_errors_about_pictures_say_so(openrouter: Any, model: OpenRouter, kind: str, words: str) -> None:
    """The error's type tells more than its status."""
    openrouter.default = openrouter.failure(400, error_type=kind)
    with pytest.raises(UpsamplingFailed, match=words):
        model.answer("", "a fox")


def test_an_answer_that_is_none(openrouter: Any, model: OpenRouter) -> None:
    """Cut, empty, refused, filtered, broken: each is told from an answer, though each comes with 200."""
    answer = openrouter.completion
    cases: list[tuple[Any, type[Exception], str]] = [
        (answer("a fox in", finish_reason="length"), UpsamplingFailed, "cut off"),
        (answer(""), UpsamplingFailed, "nothing"),
        (answer(None), UpsamplingFailed, "nothing"),
        (answer([{"type": "image"}]), UpsamplingFailed, "nothing"),
        (answer("", finish_reason="error"), UpsamplingFailed, "out of order"),
        (answer("a fox", finish_reason="content_filter"), ScreeningRefused, "moderation"),
        (answer(None, refusal="I cannot"), ScreeningRefused, "moderation"),
        ((200, {}, b"<html>hello</html>"), UpsamplingFailed, "no sense"),
        ((200, {}, b"[]"), UpsamplingFailed, "no sense"),
        ((200, {}, b'{"choices": []}'), UpsamplingFailed, "no sense"),
        ((200, {}, b'{"choices": [{"message": "a fox"}]}'), UpsamplingFailed, "no sense"),
        ((200, {}, b'{"choices": [{"message": null}]}'), UpsamplingFailed, "no sense"),
        ((200, {}, b"[" * 200_000), UpsamplingFailed, "no sense"),
        ((200, {}, b" " * (2 * 1024 * 1024)), UpsamplingFailed, "no sense"),
        ((302, {"Location": "http://127.0.0.1:1/"}, b""), UpsamplingFailed, "out of order"),
    ]
    for reply, kind, words in cases:
        openrouter.default = reply
        with pytest.raises(kind, match=words):
            model.answer("", "a fox")
    assert len(openrouter.questions) == len(cases)


def test_an_answer_in_parts_is_put_together(openrouter: Any, model: OpenRouter) -> None:
    """Content may be a list of parts."""
    openrouter.default = openrouter.completion([{"type": "text", "text": "a red "}, {"type": "text", "text": "fox"}])
    assert model.answer("", "a fox") == "a red fox"


def test_silence_ends(openrouter: Any, monkeypatch: pytest.MonkeyPatch, sent: list[int]) -> None:
    """A server that never answers is given up, and not asked again."""
    monkeypatch.setattr(module, "_TIMEOUT", 0.2)
    openrouter.holds.clear()
    with (
        OpenRouter(Access(KEY, openrouter.url), sending=lambda: sent.append(1)) as model,
        pytest.raises(UpsamplingFailed, match="too long"),
    ):
        model.answer("", "a fox")
    assert len(openrouter.questions) == len(sent) == 1


def test_the_key_is_never_shown() -> None:
    """Not by the value's own words either."""
    assert KEY not in repr(Access(KEY))
    assert json.dumps(KEY) not in str(Access(KEY))
