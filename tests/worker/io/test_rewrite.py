"""The rewrite task: words from a hosted model, paid once at most, and no job lost for want of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image
from redis import Redis

from flux2.images import encode
from flux2.models import find
from flux2.request import GenerationRequest, ReferenceImage, settle
from flux2.screening.port import NOTHING, Screening
from flux2.screening.rules import Rules
from flux2.upsampling.openrouter import Access
from flux2.upsampling.request import DescribeRequest, RewriteRequest
from worker.blobs import FileBlobs
from worker.contract import (
    EVENT,
    EVENTS,
    Destination,
    Event,
    FailureCode,
    Finished,
    RenderJob,
    Rewritten,
    Skeleton,
    Started,
    Stopped,
    deliver_queue,
    job_key,
    lease_key,
    run_key,
    since,
)
from worker.fence import CANCEL_LUA, Fence
from worker.tasks import rewrite
from worker.tasks.rewrite import Desk

JOB, CHANNEL = "0" * 15 + "1", 7 << 22
WORDS = "a calm red fox in tall golden grass"


class Office:
    """A desk, what it is asked, and what it left behind."""

    def __init__(self, redis: Redis, blobs: FileBlobs, openrouter: Any) -> None:
        self.redis, self.blobs, self.host, self.fence = redis, blobs, openrouter, Fence(redis)

    def put(self, request: Any) -> None:
        """Write the job as the bot does."""
        skeleton = Skeleton(content="", nonce="r", failure_nonce="n", file_stem="f", file_size_limit=1)
        job = RenderJob(
            schema_version=since(request),
            job_id=JOB,
            kind=request.kind,
            request=request,
            skeleton=skeleton,
            destination=Destination(channel_id=CHANNEL),
        )
        self.redis.set(job_key(JOB), job.model_dump_json())

    def picture(self) -> ReferenceImage:
        """A reference in the blobs."""
        sha256 = self.blobs.put(encode(Image.new("RGB", (64, 64), "red"), "png", 100))
        return ReferenceImage(sha256=sha256, width=64, height=64)

    def desk(self, *, name: str = "desk", screening: Screening = NOTHING, has_key: bool = True) -> Desk:
        """A desk; its access is the loopback host's."""
        access = Access("sk-or-test", self.host.url, "test/eyes") if has_key else None
        return Desk(self.redis, self.blobs, access, screening, name)

    def events(self) -> list[Event]:
        """What was announced."""
        return [EVENT.validate_json(fields[b"event"]) for _, fields in self.redis.xrange(EVENTS)]

    def deliveries(self) -> list[bytes]:
        """What lies on the channel's lane."""
        found: Any = self.redis.lrange(f"rq:queue:{deliver_queue(CHANNEL)}", 0, -1)
        return list(found)


@pytest.fixture
def redis(redis_server: Any) -> Any:
    """A client of an empty Redis."""
    with Redis.from_url(redis_server.url) as client:
        yield client


@pytest.fixture
def office(redis: Redis, blobs: FileBlobs, openrouter: Any) -> Office:
    """All of it."""
    return Office(redis, blobs, openrouter)


def render(prompt: str = "a fox", *references: ReferenceImage) -> GenerationRequest:
    request, _ = settle(find("sample"), prompt, seed=7, reference_images=references)
    return request.model_copy(update={"upsample": "openrouter"})


def test_a_render_goes_on_with_the_new_words(office: Office) -> None:
    """Rewritten and announced; the attempt is over, holds no lease and counts as no start of the render."""
    office.put(render())
    office.desk().rewrite(JOB)
    started, rewritten = office.events()
    assert isinstance(started, Started)
    assert rewritten == Rewritten(job_id=JOB, attempt=1, prompt=WORDS, notes=("Prompt rewritten by test/eyes.",))
    assert not office.redis.exists(lease_key(JOB))
    assert office.redis.hget(run_key(JOB), "starts") == b"0"
    assert office.fence.begin(JOB, "gpu") == 2
    assert office.deliveries() == []


def test_its_pictures_are_shown(office: Office) -> None:
    """References come from the blobs and reach the model after the words."""
    office.put(render("make it blue", office.picture()))
    office.desk().rewrite(JOB)
    content = office.host.questions[0]["messages"][1]["content"]
    assert [part["type"] for part in content] == ["text", "image_url"]


@pytest.mark.parametrize("code", [401, 402, 429, 500])
def test_a_failure_keeps_the_members_words_and_says_why(office: Office, code: int) -> None:
    """The render is never lost for want of better words."""
    office.host.default = office.host.failure(code, retry_after="60")
    office.put(render())
    office.desk().rewrite(JOB)
    rewritten = office.events()[-1]
    assert isinstance(rewritten, Rewritten)
    assert rewritten.prompt is None
    assert rewritten.notes[0].startswith(("OpenRouter", "The credit at OpenRouter"))
    assert rewritten.notes[0].endswith("Your own prompt was drawn.")


def test_without_a_key_the_members_words_are_drawn(office: Office) -> None:
    """A key that was taken away since the job was accepted loses nothing."""
    office.put(render())
    office.desk(has_key=False).rewrite(JOB)
    rewritten = office.events()[-1]
    assert isinstance(rewritten, Rewritten)
    assert "set up here" in rewritten.notes[0]


def test_a_lost_picture_is_left_to_the_render(office: Office) -> None:
    """The render will say that its reference is gone; it is not asked about without it."""
    office.put(render("make it blue", ReferenceImage(sha256="f" * 64, width=64, height=64)))
    office.desk().rewrite(JOB)
    rewritten = office.events()[-1]
    assert isinstance(rewritten, Rewritten)
    assert rewritten.prompt is None
    assert office.host.questions == []


@pytest.mark.parametrize(("word", "asked"), [("fox", 0), ("grass", 1)])
def test_the_screens_come_before_the_money(office: Office, word: str, asked: int) -> None:
    """A refused prompt is not sent anywhere, a refused rewrite not drawn; both end the job, told at once."""
    office.put(render())
    office.desk(screening=Screening(prompts=(Rules(deny=[word]),))).rewrite(JOB)
    finished = office.events()[-1]
    assert isinstance(finished, Finished)
    assert finished.failure is FailureCode.REFUSED
    assert len(office.host.questions) == asked
    assert len(office.deliveries()) == 1


def test_a_question_is_paid_once(office: Office) -> None:
    """A worker that died after asking may have spent the money: the next one does not ask again, and says so."""
    office.put(render())
    attempt = office.fence.begin(JOB, "dead")
    assert isinstance(attempt, int)
    assert office.fence.ask(JOB, attempt)
    office.redis.delete(lease_key(JOB))
    office.desk(name="next").rewrite(JOB)
    rewritten = office.events()[-1]
    assert isinstance(rewritten, Rewritten)
    assert (rewritten.attempt, rewritten.prompt) == (2, None)
    assert "interrupted" in rewritten.notes[0]
    assert office.host.questions == []


def test_words_that_nobody_heard_of_are_announced_again(office: Office) -> None:
    """An announcement that was lost with the stream costs no second question."""
    office.put(render())
    office.desk().rewrite(JOB)
    office.redis.delete(EVENTS)
    office.desk(name="next").rewrite(JOB)
    rewritten = office.events()[-1]
    assert isinstance(rewritten, Rewritten)
    assert (rewritten.attempt, rewritten.prompt) == (2, WORDS)
    assert len(office.host.questions) == 1


def test_two_desks_do_not_ask_both(office: Office) -> None:
    """The lease decides; the other one leaves."""
    office.put(render())
    assert office.fence.begin(JOB, "first") == 1
    office.desk(name="second").rewrite(JOB)
    assert office.host.questions == []
    assert [type(event) for event in office.events()] == [Started]


def _cancel(office: Office) -> Callable[[dict[str, Any]], Any]:
    def reply(_question: dict[str, Any]) -> Any:
        office.redis.register_script(CANCEL_LUA)(keys=[run_key(JOB)])
        return office.host.completion("a blue fox")

    return reply


@pytest.mark.parametrize("request_", [render(), RewriteRequest(model="sample", route="openrouter", prompt="a fox")])
def test_a_cancel_while_it_is_asked_counts(office: Office, request_: Any) -> None:
    """What comes back after the wish to stop is dropped."""
    office.host.default = _cancel(office)
    office.put(request_)
    office.desk().rewrite(JOB)
    assert isinstance(office.events()[-1], Stopped)
    assert office.fence.result(JOB) is None


def test_words_for_their_own_sake_are_delivered(office: Office) -> None:
    """A rewrite, and a description, are results without pictures."""
    office.put(RewriteRequest(model="sample", route="openrouter", prompt="a fox"))
    office.desk().rewrite(JOB)
    result = office.fence.result(JOB)
    assert result is not None
    assert (result.words, result.pictures, result.failure) == (WORDS, (), None)
    assert len(office.deliveries()) == 1


def test_a_description_is_of_the_picture(office: Office) -> None:
    """The picture of the request is what is shown."""
    office.put(DescribeRequest(model="sample", route="openrouter", reference_images=(office.picture(),)))
    office.desk().rewrite(JOB)
    result = office.fence.result(JOB)
    assert result is not None
    assert result.words == WORDS
    assert office.host.questions[0]["messages"][1]["content"][1]["type"] == "image_url"


def test_words_that_do_not_come_are_a_failure_with_its_reason(office: Office) -> None:
    """There is nothing else to give, so the sentence is given."""
    office.host.default = office.host.failure(402)
    office.put(RewriteRequest(model="sample", route="openrouter", prompt="a fox"))
    office.desk().rewrite(JOB)
    result = office.fence.result(JOB)
    assert result is not None
    assert result.failure is FailureCode.UPSAMPLING_FAILED
    assert result.reason is not None
    assert "credit" in result.reason


def test_a_job_of_nobody_is_left(office: Office) -> None:
    """A job Redis forgot asks nothing; one that cannot be read fails."""
    office.desk().rewrite(JOB)
    assert office.events() == []
    office.redis.set(job_key(JOB), b'{"schema_version": 2}')
    office.desk().rewrite(JOB)
    result = office.fence.result(JOB)
    assert result is not None
    assert result.failure is FailureCode.INTERNAL


def test_the_task_needs_a_lane() -> None:
    """Outside one there is no desk."""
    with pytest.raises(RuntimeError, match="lane"):
        rewrite.rewrite(JOB)
