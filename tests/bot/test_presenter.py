"""What members read about a job."""

import dataclasses
import datetime
from typing import Any

import pytest

from bot import presenter, titles
from bot.ledger.job import Job, Outcome, Place, State
from bot.skeletons import skeleton
from flux2.request import GenerationRequest
from worker.contract import Destination, FailureCode, Progress
from worker.template import fill

_HOSTILE = "# @everyone <@123456789012345678> **bold** {seed} [x](https://evil.example) `code`\n> quote ||spoiler||"


def request(prompt: str = "a red fox", **changes: Any) -> GenerationRequest:
    values = {"model": "sample", "width": 128, "height": 128, "num_inference_steps": 8, "seed": 7, **changes}
    return GenerationRequest(prompt=prompt, **values)


def job(**changes: Any) -> Job:
    body = request()
    fresh = Job(
        id="0123456789abcdef",
        idempotency_key="i1",
        source="imagine",
        user_id=11,
        guild_id=22,
        channel_id=33,
        request=body,
        skeleton=skeleton("0123456789abcdef", body, 11, 10_000_000),
        state=State.WAITING,
        created_at=datetime.datetime.now(datetime.UTC),
    )
    return dataclasses.replace(fresh, **changes)


@pytest.mark.parametrize("code", FailureCode)
def test_every_failure_has_a_sentence(code: FailureCode) -> None:
    """No failure reaches a member without a sentence, and each sentence ends as one."""
    assert presenter.FAILURES[code].endswith(".")
    assert "{" not in presenter.failure(job(state=State.CLOSED, outcome=Outcome.FAILED, failure=code))
    assert fill(skeleton("0" * 16, request(), 11, 1).failures[code], {"reason": "Too dark."}).startswith("<@11> ")


@pytest.mark.parametrize(
    ("number", "word"),
    [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (12, "12th"), (22, "22nd"), (113, "113th")],
)
def test_ordinals(number: int, word: str) -> None:
    """Places are English ordinals, also around the teens."""
    assert presenter.ordinal(number) == word


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(1, "a few seconds"), (42, "about 40 s"), (88, "about 90 s"), (600, "about 10 min"), (20_000, "about 6 h")],
)
def test_durations_do_not_pretend(seconds: float, words: str) -> None:
    """An estimate is rounded to what it can be trusted for."""
    assert presenter.duration(seconds) == words


def test_a_waiting_member_reads_place_time_and_reason() -> None:
    """The queue line says where, when, and whose jobs go first."""
    place = Place(position=3, own_ahead=1, others_ahead=1, eta_s=41)
    told = "Queued 3rd · expected <t:1764113000:R> · after 1 of yours and 1 from others"
    assert presenter.queued(place, moment=1764113000) == told
    assert presenter.queued(place) == told.replace("<t:1764113000:R>", "in a few seconds")


def test_a_loading_model_and_a_pause_take_the_place_of_the_estimate() -> None:
    """While nothing can be drawn, the line says why instead of naming a time."""
    place = Place(position=1, own_ahead=0, others_ahead=0, eta_s=41)
    assert presenter.queued(place, loading=34) == "Next in the queue · model loading, 34 %"
    assert presenter.queued(place, loading=34, paused="new GPU") == "Next in the queue · paused: new GPU"
    kept = "no GPU is running right now, but the place is kept"
    assert presenter.queued(place, is_abandoned=True) == f"Next in the queue · {kept}"


@pytest.mark.parametrize(
    ("done", "drawn"), [(0, "▱▱▱▱▱▱▱▱▱▱ 0/28"), (14, "▰▰▰▰▰▱▱▱▱▱ 14/28"), (28, "▰▰▰▰▰▰▰▰▰▰ 28/28")]
)
def test_the_bar_fills_with_the_steps(done: int, drawn: str) -> None:
    """The bar is empty at no step and full at the last."""
    assert presenter.bar(done, 28) == drawn


def test_a_running_job_shows_its_step() -> None:
    """A denoise step becomes the bar."""
    progress = Progress(job_id="0123456789abcdef", attempt=1, phase="denoise", step=4, steps=8)
    assert presenter.line(job(state=State.RUNNING), progress=progress) == "Drawing · ▰▰▰▰▰▱▱▱▱▱ 4/8"


@pytest.mark.parametrize("phase", [None, "encode", "denoise"])
def test_steps_are_those_of_all_pictures_from_the_first_line_on(phase: Any) -> None:
    """Four pictures of eight steps count to 32, before the first step as well as after it."""
    step = phase and Progress(job_id="0123456789abcdef", attempt=1, phase=phase, step=0, steps=32)
    line = presenter.line(job(state=State.RUNNING, request=request(count=4)), progress=step)
    assert line.endswith("▱▱▱▱▱▱▱▱▱▱ 0/32")


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.36, "0.4 s"), (9.94, "9.9 s"), (9.96, "10 s"), (119.4, "119 s"), (200, "3 min 20 s")]
)
def test_measured_seconds_are_never_none(seconds: float, words: str) -> None:
    """A quick picture took tenths of a second, not 0 s; a slow one took minutes."""
    assert presenter.elapsed(seconds) == words


def test_a_failure_without_a_message_says_its_reason() -> None:
    """Where no notice was posted, the status message itself says why nothing was drawn."""
    failed = job(state=State.CLOSED, outcome=Outcome.FAILED, failure=FailureCode.INVALID_REQUEST)
    assert presenter.closed(failed) == "Not drawn · The model cannot draw this. Press Edit to change it."


def test_a_failure_on_its_way_is_no_picture() -> None:
    """While the notice of a failure is being posted, nobody reads of pictures that will not come."""
    failed = job(state=State.DELIVERING, failure=FailureCode.OUT_OF_MEMORY)
    assert presenter.line(failed) == "Not drawn"
    assert presenter.line(job(state=State.DELIVERING)) == "Posting the picture"


def test_a_closed_job_never_reads_as_running() -> None:
    """The state decides, whatever progress arrives late."""
    late = Progress(job_id="0123456789abcdef", attempt=1, phase="denoise", step=4, steps=8)
    done = job(state=State.CLOSED, outcome=Outcome.DELIVERED, seconds=12.3, result_channel_id=44, result_message_id=55)
    assert presenter.line(done, progress=late) == "Done · 12 s · https://discord.com/channels/22/44/55"


@pytest.mark.parametrize(("channel_id", "place"), [(44, "22/44"), (33, "22/33"), (66, "@me/66")])
def test_the_link_leads_to_where_the_picture_went(channel_id: int, place: str) -> None:
    """To the thread, to the channel where the thread took nothing, or to the member's DM, which is in no server."""
    to = Destination(channel_id=44, guild_id=22, fallback_channel_id=33, dm_user_id=11)
    assert presenter.result_url(job(destination=to, result_channel_id=channel_id, result_message_id=55)) == (
        f"https://discord.com/channels/{place}/55"
    )


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_has_an_end(outcome: Outcome) -> None:
    """However a job ended, its status message says something final."""
    assert presenter.closed(job(state=State.CLOSED, outcome=outcome))


def test_a_hostile_prompt_is_only_text() -> None:
    """A member's words neither ping, format, link, unfold nor fill placeholders."""
    shown = presenter.plain(_HOSTILE, 400)
    assert "\n" not in shown
    for forbidden in ("@everyone", "<@1", "**bold**", "https://", " ||", " `code`"):
        assert forbidden not in shown, forbidden


def test_a_hostile_prompt_survives_the_template() -> None:
    """Braces of a member come back as they were; only the bot's own placeholders are filled."""
    filled = fill(skeleton("0" * 16, request("draw {seed} {{x}} {notes}"), 11, 1).content, {"seed": "7", "notes": "N."})
    assert "draw {seed} {{x}} {notes}" in filled
    assert "seed 7" in filled
    assert filled.endswith("\nN.")


@pytest.mark.parametrize("prompt", ["*" * 6000, "{" * 6000, "<" * 6000, "a://" * 1500, "😀" * 6000])
def test_the_longest_prompt_fits(prompt: str) -> None:
    """Whatever 6000 characters a member sends, message and alt text stay inside Discord's limits."""
    worded = skeleton("0" * 16, request(prompt), 11, 1, came_from="v" * 400)
    values = {"seed": "4294967290–4294967295", "seconds": "123.4", "size": "2048×2048", "notes": "n" * 300}
    assert len(fill(worded.content, values)) <= 2000
    assert len(fill(worded.alt_text, values)) <= 1024
    assert len(titles.status(job(request=request(prompt)), "x" * 300)) <= 2000
    assert 1 <= len(titles.thread_name(request(prompt))) <= 100


def test_the_result_pings_its_requester_alone() -> None:
    """Content and allowed mentions name the requester and nobody else."""
    worded = skeleton("0" * 16, request("for <@99999999999999999>"), 11, 1)
    assert worded.mentions == (11,)
    assert worded.content.startswith("<@11> ")
    assert "<@9" not in worded.content


def test_buttons_carry_the_job_and_nonces_fit() -> None:
    """Result and notice have their buttons with the job's id, and nonces of 25 characters at most."""
    worded = skeleton("0123456789abcdef", request(), 11, 1)
    buttons = worded.components[0]["components"]
    assert [(b["label"], b["custom_id"]) for b in buttons] == [
        ("Again", "flux2:v1:again:0123456789abcdef"),
        ("Vary", "flux2:v1:vary:0123456789abcdef"),
        ("Edit", "flux2:v1:edit:0123456789abcdef"),
        ("Upscale", "flux2:v1:upscale:0123456789abcdef"),
        ("More…", "flux2:v1:more:0123456789abcdef"),
    ]
    assert worded.nonce != worded.failure_nonce
    assert max(len(worded.nonce), len(worded.failure_nonce)) <= 25
