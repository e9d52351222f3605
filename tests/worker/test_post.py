"""Posts: the skeleton's words with the render's figures, inside Discord's limits."""

from __future__ import annotations

from typing import Any

import pytest

from flux2.models import find
from flux2.request import settle
from flux2.upsampling.request import RewriteRequest
from worker.contract import Destination, FailureCode, Picture, RenderJob, RenderResult, Skeleton
from worker.ladder import Fitted
from worker.post import failure_post, picture_post
from worker.template import literal

BUTTONS = ({"type": 1, "components": [{"type": 2, "style": 1, "label": "Again", "custom_id": "flux2:v1:again:j"}]},)


def _job(**skeleton: Any) -> RenderJob:
    request, _ = settle(find("sample"), "a red fox", seed=7)
    words: dict[str, Any] = {
        "content": "<@5> {size} seed {seed} {seconds} s\n{notes}",
        "alt_text": "a red fox, seed {seed}",
        "components": BUTTONS,
        "mentions": (5,),
        "nonce": "rj",
        "file_stem": "flux2-j",
        "file_size_limit": 10_000_000,
        "failures": {FailureCode.REFUSED: "<@5> No: {reason}", FailureCode.INTERNAL: "Sorry."},
        "failure_nonce": "nj",
    }
    return RenderJob(
        job_id="j",
        request=request,
        skeleton=Skeleton(**(words | skeleton)),
        destination=Destination(channel_id=1),
        notes=("First frame used.",),
    )


def _result(count: int = 1, **more: Any) -> RenderResult:
    pictures = tuple(
        Picture(sha256="0" * 64, output_format="webp", width=128, height=96, size_bytes=3, seed=7 + i)
        for i in range(count)
    )
    return RenderResult(job_id="j", attempt=1, seconds=3.14159, pictures=pictures, **more)


def test_figures_and_all_notes_are_filled_in() -> None:
    """Size, seed, seconds, and the notes of bot, engine and ladder, each once."""
    fitted = [Fitted(b"x", "jpeg", "Sent as JPEG."), Fitted(b"y", "jpeg", "Sent as JPEG.")]
    post = picture_post(_job(), _result(2, notes=("Prompt cut.",)), fitted)
    assert post.content == "<@5> 128×96 seed 7–8 3.1 s\nFirst frame used. Prompt cut. Sent as JPEG."


def test_each_file_has_a_name_with_the_job_and_an_alt_text_of_its_own() -> None:
    """Names carry stem and number, the extension is the file's true type, alt texts the picture's own seed."""
    post = picture_post(_job(), _result(2), [Fitted(b"x", "webp"), Fitted(b"y", "jpeg", "n")])
    assert [file.name for file in post.files] == ["flux2-j-1.webp", "flux2-j-2.jpg"]
    assert [file.description for file in post.files] == ["a red fox, seed 7", "a red fox, seed 8"]


@pytest.mark.parametrize("stem", ["flux2-j", "SPOILER_flux2-j"])
def test_a_picture_to_be_hidden_lies_behind_a_click(stem: str) -> None:
    """Its file alone says so where the others are shown; once, where the server hides all of them."""
    shown, hidden = _result(2).pictures
    result = _result(2).model_copy(update={"pictures": (shown, hidden.model_copy(update={"spoiler": True}))})
    post = picture_post(_job(file_stem=stem), result, [Fitted(b"x", "webp"), Fitted(b"y", "webp")])
    assert [file.name for file in post.files] == [f"{stem}-1.webp", "SPOILER_flux2-j-2.webp"]


def test_texts_are_cut_to_discords_limits() -> None:
    """2000 characters of content, 1024 of alt text, and the cut is marked."""
    post = picture_post(_job(content="x" * 3000, alt_text="y" * 3000), _result(), [Fitted(b"x", "webp")])
    assert (len(post.content), len(post.files[0].description)) == (2000, 1024)
    assert post.content.endswith("…")


def test_braces_a_member_typed_are_shown_and_not_filled() -> None:
    """A literal {seed} in a prompt stays a literal {seed}."""
    post = picture_post(_job(content=literal("draw {seed}") + " {seed}"), _result(), [Fitted(b"x", "webp")])
    assert post.content == "draw {seed} 7"


def test_a_notice_has_its_own_nonce_buttons_and_reason() -> None:
    """A failure fills its sentence, carries the failure components and never the result's nonce."""
    post = failure_post(_job(failure_components=BUTTONS), _result(0, failure=FailureCode.REFUSED, reason="not here."))
    assert post.content == "<@5> No: not here."
    assert (post.nonce, post.files, post.custom_ids) == ("nj", (), frozenset({"flux2:v1:again:j"}))


@pytest.mark.parametrize("code", [FailureCode.POISONED, None])
def test_a_failure_without_words_of_its_own_is_still_told(code: FailureCode | None) -> None:
    """Where the bot worded no sentence for a code, the internal one is used; an empty post is never made."""
    assert failure_post(_job(), _result(0, failure=code)).content == "Sorry."
    assert failure_post(_job(failures={}), _result(0, failure=code)).content == "<@5> Your picture could not be made."


def test_the_plain_form_holds_no_text_of_a_member() -> None:
    """What is sent past a text filter pings the requester and repeats nothing."""
    assert picture_post(_job(), _result(), [Fitted(b"x", "webp")]).plain == "<@5>"


def _rewritten(prompt: str, words: str, template: str = "{diff}") -> str:
    job = _job(content=template).model_copy(
        update={"kind": "rewrite", "request": RewriteRequest(model="sample", route="openrouter", prompt=prompt)}
    )
    return picture_post(job, _result(0, words=words), ()).content


def test_a_rewrite_shows_what_it_changes() -> None:
    """Dropped words struck through, added ones bold, spaces where words are."""
    assert _rewritten("a shop", "A small shop, at night") == "~~a~~ **A small** shop**, at night**"
    assert _rewritten('a "red" door', 'a "blue" door') == 'a "~~red~~ **blue**" door'


@pytest.mark.parametrize("template", ["{diff}", "{words}", "{block}", "> {prompt}"])
def test_nothing_a_model_writes_formats_pings_or_overflows(template: str) -> None:
    """Its markup is shown as it is, nobody is called, no block is ended, and a message holds it."""
    nasty = "@everyone <@1> **bold** ~~gone~~ ``` [x](https://x.example) {seed} # head " * 60
    shown = _rewritten(nasty, nasty.replace("bold", "brave"), template)
    assert len(shown) <= 2000
    assert "{seed}" in shown.replace("\\", "")
    if template == "{block}":
        assert shown.count("```") == 2
        assert shown.endswith("```")
    else:
        assert "@everyone" not in shown
        assert "://" not in shown
        assert "<@1" not in shown


def test_a_screen_reader_hears_what_was_drawn() -> None:
    """The rewritten prompt, whole and unescaped; a structured one by its summary."""
    job, picture = _job(alt_text="AI-generated picture: {prompt}"), [Fitted(b"", "webp", None)]
    assert "a *red* fox" in picture_post(job, _result(prompt="a *red* fox"), picture).files[0].description
    structured = '{"scene": "a meadow", "mood": "calm"}'
    assert picture_post(job, _result(prompt=structured), picture).files[0].description.endswith("a meadow")
    own = picture_post(job, _result(), picture).files[0].description
    assert own == f"AI-generated picture: {job.request.prompt}"


def test_a_screen_reader_tells_the_pictures_of_a_list_apart() -> None:
    """Each by its own words, the sheet behind them by the prompt as it was written."""
    request, _ = settle(find("sample"), "a {red|blue} fox", seed=7)
    job = _job(alt_text="{prompt}").model_copy(update={"request": request})
    post = picture_post(job, _result(3), [Fitted(b"", "webp", None)] * 3)
    assert [file.description for file in post.files] == ["a red fox", "a blue fox", "a {red|blue} fox"]
