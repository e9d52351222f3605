"""Results that follow an interaction up: where the bot is no member, or where one member alone may see them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from redis import Redis

from sandbox.faults import Disconnect, Fail, Fault
from sandbox.interaction import TOKEN_S, CallbackType, Interaction, InteractionType
from worker.blobs import FileBlobs
from worker.contract import Answer, FailureCode, RenderJob, Undeliverable, answer_key, job_key
from worker.delivery import Discord
from worker.fence import Delivery, Fence
from worker.outbox import Outbox
from worker.tasks.deliver import Courier

TOKEN = "a-token-of-an-interaction"
FOLLOW_UP = rf"^/webhooks/\d+/{TOKEN}$"


@pytest.fixture
def courier(redis: Redis, blobs: FileBlobs, local_discord: Any) -> Iterator[Courier]:
    """A courier who waits for a busy machine."""
    discord = Discord(local_discord.world.token, local_discord.server.api_url, patience_s=60)
    yield Courier(Fence(redis), Outbox(redis), blobs, discord)
    discord.close()


@pytest.fixture
def asked(local_discord: Any) -> Interaction:
    """What luna asked in #pictures, deferred."""
    world = local_discord.world
    interaction = Interaction(
        id=world.snowflakes.next(),
        token=TOKEN,
        type=InteractionType.COMMAND,
        data={},
        user=world.user("luna"),
        channel=world.channel("pictures"),
        created_at=world.clock.now(),
        response=CallbackType.DEFER,
    )
    world.interactions[interaction.id] = interaction
    return interaction


Answered = Callable[..., str]


@pytest.fixture
def answered(local_discord: Any, results: Any, asked: Interaction, redis: Redis) -> Answered:
    """Makes a job with a result that is to follow the interaction up; `age_s` is how old the bot says that is."""

    def make(*what: Any, is_private: bool = True, age_s: float = 0.0, **more: Any) -> str:
        job_id: str = results.job(*what, by_answer=True, dm_user_id=asked.user.id, **more)
        expires = datetime.fromtimestamp(asked.created_at + TOKEN_S - age_s, UTC)
        application = local_discord.world.application_id
        answer = Answer(application_id=application, token=TOKEN, expires_at=expires, is_private=is_private)
        redis.set(answer_key(job_id), answer.model_dump_json())
        return job_id

    return make


def _direct(local_discord: Any, asked: Interaction) -> list[Any]:
    world = local_discord.world
    messages: list[Any] = world.messages(world.dm(world.bot, asked.user).id)
    return messages


@pytest.mark.parametrize("is_private", [True, False])
def test_a_result_follows_the_interaction_up(
    courier: Courier, local_discord: Any, answered: Answered, asked: Interaction, redis: Redis, is_private: bool
) -> None:
    """One message with files and buttons, for the member alone or for all, recorded with its place."""
    job_id = answered(2, is_private=is_private)
    courier.deliver(job_id)
    courier.deliver(job_id)
    (message,) = asked.follow_ups
    assert [file.filename for file in message.files] == [f"flux2-{job_id}-{i}.webp" for i in (1, 2)]
    assert (message.labels(), message.ephemeral) == (["Again"], is_private)
    assert Fence(redis).delivery(job_id) == Delivery(message.channel_id, message.id)


def test_a_notice_is_as_private_as_the_picture_would_have_been(
    courier: Courier, local_discord: Any, answered: Answered, asked: Interaction
) -> None:
    """Why nothing was drawn is told to the member alone."""
    courier.deliver(answered(failure=FailureCode.REFUSED))
    (message,) = asked.follow_ups
    assert (message.ephemeral, "Failed" in message.content) == (True, True)


@pytest.mark.parametrize("who_notices", ["we", "Discord"])
def test_what_is_too_late_for_an_answer_comes_by_direct_message(
    courier: Courier, local_discord: Any, answered: Answered, asked: Interaction, redis: Redis, who_notices: str
) -> None:
    """With the sentence the bot worded for that; the bot's own token is not taken for refused."""
    age_s = TOKEN_S + 1 if who_notices == "we" else 0.0
    if who_notices == "Discord":
        asked.created_at -= TOKEN_S + 1
        age_s = -TOKEN_S
    job_id = answered(age_s=age_s)
    _say_late(redis, job_id, "It came too late.")
    courier.deliver(job_id)
    (message,) = _direct(local_discord, asked)
    assert (len(message.files), message.content.endswith("\nIt came too late.")) == (1, True)
    assert asked.follow_ups == []
    assert sum("/webhooks/" in call.path for call in local_discord.server.calls) == int(who_notices == "Discord")


def _say_late(redis: Redis, job_id: str, sentence: str) -> None:
    job = RenderJob.model_validate_json(redis.get(job_key(job_id)) or b"")
    worded = job.skeleton.model_copy(update={"late": sentence})
    redis.set(job_key(job_id), job.model_copy(update={"skeleton": worded}).model_dump_json())


def test_answers_of_unknown_fate_stay_below_five(
    courier: Courier, local_discord: Any, answered: Answered, asked: Interaction
) -> None:
    """Each time Discord posts it and the reply is lost: it may come twice, but never floods and never gets lost."""
    local_discord.world.faults.add(Fault("POST", FOLLOW_UP, Disconnect(after_commit=True), count=None))
    job_id = answered()
    for _ in range(6):
        courier.deliver(job_id)
    assert len(asked.follow_ups) == 4
    assert len(_direct(local_discord, asked)) == 1


def test_where_neither_answer_nor_message_gets_through_it_is_kept(
    courier: Courier, local_discord: Any, answered: Answered, asked: Interaction, results: Any
) -> None:
    """The event names why the answer was refused; /jobs has the picture."""
    local_discord.world.faults.add(Fault("POST", FOLLOW_UP, Fail(404, 10015), count=None))
    asked.user.accepts_dms = False
    job_id = answered()
    courier.deliver(job_id)
    assert results.events(job_id)[-1] == Undeliverable(job_id=job_id, code=10015)


def test_the_token_is_shown_by_no_value() -> None:
    """What is printed or logged of a destination does not hold it."""
    answer = Answer(application_id=1, token=TOKEN, expires_at=datetime.now(UTC))
    assert TOKEN not in repr(answer)
    assert TOKEN not in str(answer)
