"""python -m flux2: a picture without Discord."""

import io
import json
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image, ImageChops

from flux2 import provenance, recipe
from flux2.__main__ import main
from flux2.request import GenerationRequest, ReferenceImage

SAMPLE = ["--model", "sample", "--device", "cpu", "--threads", "1"]


def start(*arguments: str, cwd: Path) -> "subprocess.Popen[str]":
    root = Path(__file__).parents[2]
    return subprocess.Popen(
        [sys.executable, "-m", "flux2", *arguments],
        cwd=cwd, env={"PYTHONPATH": str(root), "PATH": "", "HOME": str(cwd)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        # A shell's background jobs ignore SIGINT and hand that down; a terminal's do not.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip


@pytest.mark.timeout(240)
def test_edit_end_to_end(tmp_path: Path) -> None:
    """As an operator types it: two edits of a file; paths alone on stdout, a progress bar on stderr."""
    Image.new("RGB", (128, 128), "white").save(tmp_path / "white.png")
    editing = start(
        "edit", "--prompt", "make the background blue", "--image", "white.png", "--seed", "8", "--count", "2",
        "--aspect", "3:2", "--format", "jpeg", "--quality", "70", "--steps", "3", "--out", "edits", *SAMPLE,
        cwd=tmp_path,
    )  # fmt: skip
    out, err = editing.communicate(timeout=200)
    assert (editing.returncode, out) == (0, "edits/flux2-8.jpg\nedits/flux2-9.jpg\n"), err
    assert "6/6" in err
    assert "torchao" not in err  # which warns of kernels for other cards
    for name in out.split():
        with Image.open(tmp_path / name) as edited:
            assert (edited.format, edited.size) == ("JPEG", (144, 96))


def test_a_part_of_a_picture_is_changed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--region and --mask keep every pixel outside; a mask without white is one sentence and draws nothing."""
    before, white, black = (tmp_path / f"{name}.png" for name in ("before", "white", "black"))
    Image.new("RGB", (150, 100), "white").save(before)
    mask = Image.new("L", (75, 50))
    mask.save(black)
    mask.paste(255, (60, 35, 75, 50))
    mask.save(white)
    edit = ["edit", "--prompt", "make the background blue", "--image", str(before), "--seed", "1", *SAMPLE]
    assert main([*edit, "--region", "a1", "--mask", str(white), "--out", str(tmp_path / "after.png")]) == 0
    with Image.open(tmp_path / "after.png") as after:
        changed = ImageChops.difference(after.convert("RGB"), Image.new("RGB", (150, 100), "white"))
    parts = [changed.crop(box) for box in ((0, 0, 50, 33), (50, 0, 150, 70), (0, 33, 50, 100), (120, 70, 150, 100))]
    assert [part.getbbox() is not None for part in parts] == [True, False, False, True]
    assert main([*edit, "--mask", str(black)]) == 1
    assert f"{black}: The mask has nothing white in it" in capsys.readouterr().err


def test_a_file_name_decides_the_format(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--out with a suffix is the file itself, numbered when there are several; of what is not written, a sentence."""
    out = tmp_path / "new" / "circle.png"
    assert main(["generate", "--prompt", "a red circle", "--out", str(out), *SAMPLE]) == 0
    with Image.open(out) as circle:
        assert (circle.format, circle.size) == ("PNG", (128, 128))
    assert main(["generate", "--prompt", "a red circle", "--count", "2", "--out", str(out), *SAMPLE]) == 0
    numbered = "".join(f"{tmp_path}/new/circle-{number}.png\n" for number in (1, 2))
    assert capsys.readouterr().out == f"{out}\n{numbered}"
    assert main(["generate", "--prompt", "a red circle", "--out", str(tmp_path / "circle.gif"), *SAMPLE]) == 1
    assert "circle.gif cannot be written; name a file that ends in .png" in capsys.readouterr().err


def test_a_file_is_drawn_anew(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--init-image gives the size and --strength the steps; a strength alone is one sentence."""
    first, second = tmp_path / "first.png", tmp_path / "second.png"
    drawing = ["generate", "--prompt", "a red circle", *SAMPLE]
    assert main([*drawing, "--size", "96x64", "--out", str(first)]) == 0
    capsys.readouterr()
    assert main([*drawing, "--init-image", str(first), "--strength", "0.5", "--out", str(second)]) == 0
    assert "2/2" in capsys.readouterr().err
    with Image.open(second) as picture:
        assert picture.size == (96, 64)
    made = provenance.read(second.read_bytes())
    assert made is not None
    assert made.strength == 0.5
    assert main([*drawing, "--strength", "0.5"]) != 0
    assert "leave strength out" in capsys.readouterr().err


@pytest.mark.timeout(240)
def test_ctrl_c_stops_cleanly(tmp_path: Path) -> None:
    """SIGINT in mid-render: one sentence, exit 130, no trace and no file."""
    options = ("--steps", "50", "--count", "4", "--size", "512x512", "--out", "out")
    drawing = start("generate", "--prompt", "a red circle", *options, *SAMPLE, cwd=tmp_path)
    assert drawing.stderr is not None
    seen = ""
    deadline = time.monotonic() + 150
    while "1/200" not in seen and time.monotonic() < deadline:
        seen += drawing.stderr.read(1)
    drawing.send_signal(signal.SIGINT)
    out, err = drawing.communicate(timeout=60)
    assert (drawing.returncode, out) == (130, ""), seen + err
    assert err.endswith("Stopped; nothing was written.\n")
    assert "Traceback" not in err
    assert list((tmp_path / "out").iterdir()) == []


def test_the_engine_in_this_process_gives_the_same_file_twice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A seed gives the same bytes, and an existing file in a folder is never overwritten."""
    command = [
        "generate",
        "--prompt",
        "a red circle",
        "--seed",
        "3",
        "--out",
        str(tmp_path),
        "--format",
        "png",
        *SAMPLE,
    ]
    assert main(command) == main(command) == 0
    first, second = (tmp_path / "flux2-3.png", tmp_path / "flux2-3-2.png")
    assert capsys.readouterr().out == f"{first}\n{second}\n"
    assert first.read_bytes() == second.read_bytes()


def test_notes_are_said_on_stderr(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A snapped size, a flattened reference and a cut prompt are said, each on its line; stdout stays paths alone."""
    transparent = tmp_path / "ghost.png"
    Image.new("RGBA", (64, 64), (255, 0, 0, 90)).save(transparent)
    status = main(
        ["edit", "--prompt", "red " * 80, "--image", str(transparent), "--size", "70x64", "--seed", "1",
         "--out", str(tmp_path / "ghost.webp"), *SAMPLE]
    )  # fmt: skip
    captured = capsys.readouterr()
    assert (status, captured.out) == (0, f"{tmp_path / 'ghost.webp'}\n")
    assert "Size 70x64 became 64x64 (multiples of 16).\n" in captured.err
    assert f"{transparent}: The picture's transparent parts became white.\n" in captured.err
    assert "The prompt was cut after 64 of its 82 tokens; a shorter one counts whole.\n" in captured.err
    with Image.open(io.BytesIO((tmp_path / "ghost.webp").read_bytes())) as image:
        assert image.format == "WEBP"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--prompt", " "], "The prompt is empty; say in a few words what the picture should show."),
        (["--prompt", "x", "--count", "9"], "Count 9 is out of range; give 1 to 4."),
        (["--prompt", "x", "--guidance", "3"],
         "sample takes no guidance (its weights are distilled); leave the option out."),
        (["--prompt", "x", "--size", "20x20"], "20x20 is out of range; each side of sample is 64 to 1920 pixels."),
        (["--prompt", "x", "--style", "stiker"], "There is no style called “stiker”; did you mean sticker?"),
        (["--prompt", "a pier --no people"],
         "FLUX.2 takes no negative prompts; describe what is there instead, for example: "
         "“a pier, a deserted, untouched place”."),
        (["--json", "{tmp}/text.png"],
         "{tmp}/text.png holds no JSON prompt; begin it with {, or use --prompt for plain words."),
        (["--prompt", '{"scene": 3}'],
         'In the JSON prompt “scene” has the wrong type; write it as "a few words".'),
        (["--prompt", "x", "--image", "{tmp}/none.png"], "{tmp}/none.png: No such file or directory."),
        (["--prompt", "x", "--image", "{tmp}/text.png"],
         "{tmp}/text.png: The file is not a picture; attach a PNG, JPEG, WebP or GIF."),
        (["--prompt", "x", "--out", "{tmp}/text.png/folder"], "{tmp}/text.png/folder: Not a directory."),
        (["--prompt", "x", "--model", "klein-4b", "--hf-home", "{tmp}"],
         "klein-4b is not on this machine yet: run `python -m worker fetch klein-4b`."),
        (["--prompt", "x", "--model", "./nowhere"],
         "There is no folder ./nowhere; set FLUX2_MODEL to a folder with a model_index.json."),
        (["--prompt", "x", "--device", "cuda:99"],
         "There is no device cuda:99 on this machine; choose auto or cpu (FLUX2_DEVICE or --device)."),
    ],
)  # fmt: skip
def test_refusals_are_one_sentence_and_exit_1(
    options: list[str], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing on stdout, one sentence that says what to do on stderr, no picture."""
    (tmp_path / "text.png").write_text("not a picture")
    filled = [option.replace("{tmp}", str(tmp_path)) for option in options]
    assert main(["generate", "--model", "sample", "--out", str(tmp_path / "out"), *filled]) == 1
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", sentence.replace("{tmp}", str(tmp_path)) + "\n")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["generate"],
        ["generate", "--prompt", "x", "--json", "y"],
        ["edit", "--prompt", "x"],
        ["generate", "--prompt", "x", "--steps", "many"],
        ["paint"],
    ],
)
def test_wrong_usage_exits_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """A missing prompt, an edit without a picture, a word for a number: usage on stderr, exit 2."""
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == 2
    assert capsys.readouterr().err.startswith("usage: python -m flux2")


def test_a_json_prompt_and_a_style_from_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--json reads the prompt, --styles the list; the picture's file tells what was drawn."""
    prompt, styles, out = tmp_path / "scene.json", tmp_path / "own.toml", tmp_path / "out.png"
    prompt.write_text('{"scene": "a red circle on a white background", "weather": "rain"}')
    styles.write_text('[flat]\ntitle = "Flat"\nkind = "photography"\nafter = "flat colours"\n')
    options = ["--styles", str(styles), "--style", "flat", "--out", str(out), "--seed", "1"]
    assert main(["generate", "--json", str(prompt), *options, *SAMPLE]) == 0
    assert "JSON prompt: “weather” is not part of the schema" in capsys.readouterr().err
    made = provenance.read(out.read_bytes())
    assert made is not None
    assert json.loads(made.prompt) == {
        "scene": "a red circle on a white background", "style": "flat colours", "weather": "rain",
    }  # fmt: skip
    assert (made.seed, made.model, made.width) == (1, "sample", 128)


def test_a_recipe_file_draws_the_same_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What the bot exports is drawn to the same pixels; flags go before it; what it cannot hold is asked for."""
    request = GenerationRequest(
        model="sample", prompt="a red circle", width=128, height=96, num_inference_steps=2, seed=7, output_format="png"
    )
    file = tmp_path / "recipe.json"

    def export(request: GenerationRequest) -> str:
        made = recipe.recipe_of(request, request.seed, id="0" * 16, drawn_at=datetime.now(UTC))
        file.write_text(recipe.write([made]))
        return str(file)

    typed = ["--prompt", "a red circle", "--size", "128x96", "--steps", "2", "--seed", "7", "--format", "png", *SAMPLE]
    assert main(["generate", *typed, "--out", str(tmp_path / "typed")]) == 0
    assert main(["generate", "--recipe", export(request), "--out", str(tmp_path / "read"), *SAMPLE[2:]]) == 0
    first, second = (Image.open(path) for path in capsys.readouterr().out.splitlines())
    assert ImageChops.difference(first, second).getbbox() is None
    seeded = ["generate", "--recipe", str(file), "--seed", "8", "--out", str(tmp_path / "other.webp"), *SAMPLE[2:]]
    assert main(seeded) == 0
    made = provenance.read((tmp_path / "other.webp").read_bytes())
    assert made is not None
    assert made.seed == 8
    picture = ReferenceImage(sha256="a" * 64, width=128, height=96)
    edited = export(request.model_copy(update={"reference_images": (picture,)}))
    capsys.readouterr()
    assert main(["generate", "--recipe", edited, *SAMPLE[2:]]) == 1
    assert "needs 1 more picture; name them with --image" in capsys.readouterr().err
