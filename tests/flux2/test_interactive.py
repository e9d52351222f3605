"""python -m flux2 interactive: a session on one loaded model."""

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from flux2 import provenance
from flux2.__main__ import main

SAMPLE = ["--model", "sample", "--device", "cpu", "--threads", "1"]


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> "Session":
    """Types lines into a session that writes into tmp_path."""
    return Session(tmp_path, monkeypatch, capsys)


class Session:
    """What is typed, and what comes back."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch, capture: pytest.CaptureFixture[str]) -> None:
        self.folder, self._patch, self._capture = folder, patch, capture

    def type(self, *lines: str, settings: tuple[str, ...] = (), model: Path | str = "sample") -> tuple[list[Path], str]:
        """Return the files and what was said."""
        self._patch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
        assert main(["interactive", f"out={self.folder}", *settings, *SAMPLE]) == 0
        captured = self._capture.readouterr()
        return [Path(line) for line in captured.out.splitlines()], captured.err


def _size(file: Path) -> tuple[int, int]:
    with Image.open(file) as image:
        return image.size


def test_words_set_the_prompt_and_enter_draws(session: Session) -> None:
    """A line of words, Enter, a changed size, run: two pictures of one seed from one loaded model."""
    files, said = session.type("a red circle", "", "width=96 height=64 seed=3", "run", "quit", settings=("seed=3",))
    assert [_size(file) for file in files] == [(128, 128), (96, 64)]
    assert [file.name for file in files] == ["flux2-3.webp", "flux2-3-2.webp"]
    made = provenance.read(files[1].read_bytes())
    assert made is not None
    assert (made.prompt, made.seed) == ("a red circle", 3)
    assert "96x64, seed 3" in said


def test_references_and_the_size_they_give(session: Session) -> None:
    """input_images takes files by commas, match_image_size counts them from 0 as the model makers' program does."""
    for name, size in (("one.png", (64, 64)), ("two two.png", (192, 96))):
        Image.new("RGB", size, "white").save(session.folder / name)
    images = f"input_images='{session.folder}/one.png,{session.folder}/two two.png'"
    quoted = f"""input_images='"{session.folder}/one.png","{session.folder}/two two.png"' match_image_size=1"""
    files, said = session.type("make the background blue", images, quoted, "run")
    assert "! There is no file" in said
    assert _size(files[0])[0] == 2 * _size(files[0])[1]
    _, said = session.type(quoted, "match_image_size=2", "prompt=x width=64 height=64")
    assert "! Aspect “match:3” has no image to match: there are images 1 to 2." in said
    assert "! Give either match_image_size or a size and an aspect, not both." in said


def test_show_reset_and_help(session: Session) -> None:
    """Everything set is shown, reset forgets it, help names each setting and each command."""
    _, said = session.type("steps=7 guidance=none format=png", "show", "reset", "help")
    shown = re.findall(r"num_steps: (\w+)", said)
    assert shown == ["none", "7", "7", "none"]
    for name in ("show", "reset", "quit", "match_image_size", "upsample_prompt_mode", "openrouter_model"):
        assert name in said.split("Enter, run")[1]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("num_steps=many", "num_steps takes a whole number or none, not “many”."),
        ("num_steps=99", "Steps 99 is out of range; give 1 to 50."),
        ("guidance=3", "sample takes no guidance (its weights are distilled); leave the option out."),
        ("guidance=x", "guidance takes a number or none, not “x”."),
        ("width=64", "Give width and height together, or neither."),
        ("width=64 height=64 size=1", "Give either width and height or a size, not both."),
        ("sharpness=3", "There is nothing called “sharpness” to set; `help` lists what there is."),
        ('prompt="a fox', "The line has a quotation mark without its partner; add it."),
        ("seed=1 nonsense", "“nonsense” sets nothing; write name=value, and quote values with blanks."),
        ("upsample=perhaps", "upsample_prompt_mode is one of none, local, openrouter."),
        ("style=stiker", "There is no style called “stiker”; did you mean sticker?"),
        ("a fox --no text", "describe what is there instead, for example: “a fox, clean, unlettered surfaces”."),
    ],
)
def test_a_wrong_line_changes_nothing(session: Session, line: str, sentence: str) -> None:
    """One sentence, and what was set before stays, also where the line was half right."""
    _, said = session.type("prompt=before seed=5", line, "show")
    assert sentence in said
    last = said[said.rindex("  prompt: ") :]
    assert last.startswith("  prompt: before\n  seed: 5\n  width: none\n")


def test_drawing_without_a_prompt_is_said(session: Session) -> None:
    """Enter before any words."""
    files, said = session.type("")
    assert files == []
    assert "! The prompt is empty; say in a few words what the picture should show." in said


def test_json_and_styles_in_a_session(session: Session) -> None:
    """A line of JSON is a prompt although it holds an equals sign; a style goes into it."""
    files, _ = session.type('{"scene": "a red circle = round"}', "style=digicam size=64x64", "run")
    made = provenance.read(files[0].read_bytes())
    assert made is not None
    assert json.loads(made.prompt) == {"scene": "a red circle = round", "style": "2000s digicam style"}


def test_single_eval_draws_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--single-eval with settings is one picture and the end; a refusal is exit 1."""
    settings = ["prompt=a red circle", f"out={tmp_path}", "size=64x64"]
    assert main(["interactive", "--single-eval", *settings, *SAMPLE]) == 0
    assert len(list(tmp_path.iterdir())) == 1
    assert main(["interactive", "--single-eval", *SAMPLE]) == 1
    assert "The prompt is empty" in capsys.readouterr().err


def test_a_session_rewrites_by_openrouter(session: Session, openrouter: Any) -> None:
    """The key is read from its file, the session's model is asked, and what is drawn and shown is the rewrite."""
    (session.folder / "key").write_text("sk-or-test\n")
    flags = ("--openrouter-key-file", str(session.folder / "key"), "--openrouter-url", openrouter.url)
    lines = ("a fox", "upsample_prompt_mode=openrouter openrouter_model=test/eyes", "run")
    files, said = session.type(*lines, settings=flags)
    (question,) = openrouter.questions
    assert (question["model"], question["messages"][1]["content"]) == ("test/eyes", "a fox")
    made = provenance.read(files[0].read_bytes())
    assert made is not None
    assert made.prompt == "a calm red fox in tall golden grass"
    assert made.prompt in said


def test_a_session_without_a_key_says_where_it_goes(session: Session) -> None:
    """Nothing is drawn."""
    files, said = session.type("a circle", "upsample=openrouter", "run")
    assert files == []
    assert "! OpenRouter needs a key; write it into a file and name that with --openrouter-key-file." in said


def test_a_session_asks_the_models_own_text_encoder(session: Session) -> None:
    """Local asks the loaded model; where that cannot write, this is said and the own prompt drawn."""
    files, said = session.type("a circle", "", settings=("upsample=local", "size=64x64"))
    assert "sample has no text encoder that could" in said
    assert "Your own prompt was drawn." in said
    assert len(files) == 1


def test_lists_draw_files_of_their_own(session: Session) -> None:
    """Each word of a list is one file with its own words in it, although all share a seed."""
    files, said = session.type("a {red|blue} circle", "", "upsample=local", "", settings=("seed=4",))
    assert [file.name for file in files] == ["flux2-4.webp", "flux2-4-2.webp"]
    made = [provenance.read(file.read_bytes()) for file in files]
    assert [one.prompt for one in made if one] == ["a red circle", "a blue circle"]
    assert "! A prompt with lists is drawn as it is written; leave upsampling out." in said
