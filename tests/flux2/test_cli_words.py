"""python -m flux2 upsample and describe, and upsampling before a picture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from flux2 import provenance
from flux2.__main__ import main

WORDS = "a calm red fox in tall golden grass"
SAMPLE = ["--model", "sample", "--device", "cpu", "--threads", "1"]


@pytest.fixture
def hosted(tmp_path: Path, openrouter: Any) -> list[str]:
    """The flags that lead to OpenRouter on loopback."""
    (tmp_path / "key").write_text("sk-or-test\n")
    return ["--openrouter-key-file", str(tmp_path / "key"), "--openrouter-url", openrouter.url]


def test_upsample_prints_the_words_alone(hosted: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """stdout is the new prompt, ready for the next command."""
    assert main(["upsample", "--prompt", "a fox", "--mode", "openrouter", *hosted]) == 0
    assert capsys.readouterr().out == f"{WORDS}\n"


def test_upsample_makes_json(hosted: list[str], openrouter: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Text to a structured prompt."""
    openrouter.default = openrouter.completion('{"scene": "a fox"}')
    assert main(["upsample", "--prompt", "a fox", "--structured", "--mode", "openrouter", *hosted]) == 0
    assert json.loads(capsys.readouterr().out) == {"scene": "a fox"}


def test_describe_shows_the_picture(
    hosted: list[str], openrouter: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file's pixels are sent, its words come back."""
    Image.new("RGB", (64, 64), "red").save(tmp_path / "red.png")
    assert main(["describe", "--image", str(tmp_path / "red.png"), "--mode", "openrouter", *hosted]) == 0
    assert capsys.readouterr().out == f"{WORDS}\n"
    assert openrouter.questions[0]["messages"][1]["content"][1]["type"] == "image_url"


def test_generate_draws_from_the_rewritten_words(
    hosted: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The words are shown, and the file tells them."""
    out = tmp_path / "fox.png"
    assert main(["generate", "--prompt", "a fox", "--upsample", "openrouter", "--out", str(out), *hosted, *SAMPLE]) == 0
    assert WORDS in capsys.readouterr().err
    assert WORDS in str(provenance.read(out.read_bytes()))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["upsample", "--prompt", " "], "The prompt is empty"),
        (["upsample", "--prompt", "a fox", *SAMPLE], "sample has no text encoder that could write"),
        (["upsample", "--prompt", "a fox", "--mode", "openrouter"], "OpenRouter needs a key"),
        (["describe", "--image", "absent.png"], "absent.png: No such file"),
    ],
)
def test_what_cannot_be_is_one_sentence(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 1, the reason on stderr, nothing on stdout."""
    assert main(arguments) == 1
    shown = capsys.readouterr()
    assert words in shown.err
    assert shown.out == ""


def test_a_file_that_is_no_key(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is no key is not sent anywhere."""
    (tmp_path / "key").write_text("two words")
    flags = ["--mode", "openrouter", "--openrouter-key-file", str(tmp_path / "key")]
    assert main(["upsample", "--prompt", "a fox", *flags]) == 1
    assert "holds no API key" in capsys.readouterr().err
