"""The deliver task: one accepted result, one message, or one recorded reason. Real Redis, HTTP and a local Discord."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from PIL import Image
from redis import Redis

from sandbox.faults import Delay, Fail, Fault, TooMany
from worker.blobs import FileBlobs
from worker.contract import Delivered, FailureCode, Finished, Released, Undeliverable, job_key, run_key
from worker.delivery import Discord, TokenRefused
from worker.fence import Delivery, Fence
from worker.outbox import Outbox
from worker.tasks.deliver import Courier, deliver, employ

POST_MESSAGES = r"^/channels/\d+/messages$"


@pytest.fixture
def hire(redis: Redis, blobs: FileBlobs, local_discord: Any) -> Iterator[Callable[[float], None]]:
    """Employs a courier with so many seconds of patience in this process."""
    logins: list[Discord] = []

    def hiring(patience_s: float) -> None:
        logins.append(Discord(local_discord.world.token, local_discord.server.api_url, patience_s=patience_s))
        employ(Courier(Fence(redis), Outbox(redis), blobs, logins[-1]))

    yield hiring
    employ(None)
    for login in logins:
        login.close()


@pytest.fixture
def courier(hire: Callable[[float], None]) -> None:
    """A courier who waits for a busy machine."""
    hire(60)


def _outage(discord: Any, *channels: str, code: int = 50001, status: int = 403) -> None:
    for name in channels:
        path = rf"^/channels/{discord.id(name)}/messages$"
        discord.world.faults.add(Fault("POST", path, Fail(status, code), count=None))


def _pretend_first_send_was(redis: Redis, job_id: str, seconds_ago: float) -> None:
    now, _ = redis.time()
    redis.hset(run_key(job_id), "first_sent", str(now - seconds_ago))


@pytest.mark.usefixtures("courier")
def test_four_pictures_become_one_message(local_discord: Any, results: Any, redis: Redis) -> None:
    """Four files with alt texts of their own, ping and buttons are in one message, recorded once."""
    job_id = results.job(4)
    deliver(job_id)
    [message] = local_discord.posted()
    assert [file.filename for file in message.files] == [f"flux2-{job_id}-{i}.webp" for i in (1, 2, 3, 4)]
    assert [(file.description or "")[-6:] for file in message.files] == ["seed 7", "seed 8", "seed 9", "eed 10"]
    assert message.pinged == {local_discord.world.user("luna").id}
    assert message.labels() == ["Again"]
    where = Delivery(local_discord.id("pictures"), message.id)
    assert Fence(redis).delivery(job_id) == where
    assert results.events(job_id)[-1] == Delivered(
        job_id=job_id, channel_id=where.channel_id, message_id=where.message_id
    )


@pytest.mark.usefixtures("courier")
def test_the_files_are_the_pictures(local_discord: Any, results: Any, blobs: FileBlobs) -> None:
    """What is posted has the very pixels that lie in the blobs."""
    picture = results.picture(3)
    deliver(results.job([picture]))
    [message] = local_discord.posted()
    sent = local_discord.wait(local_discord.server.read(message.files[0]))
    with Image.open(io.BytesIO(sent)) as got, Image.open(io.BytesIO(blobs.get(picture.sha256))) as meant:
        assert got.tobytes() == meant.tobytes()


@pytest.mark.usefixtures("courier")
def test_a_recorded_message_is_announced_and_not_posted_again(local_discord: Any, results: Any) -> None:
    """A second run of the task only repeats the announcement."""
    job_id = results.job()
    deliver(job_id)
    deliver(job_id)
    assert len(local_discord.posted()) == 1
    assert local_discord.posts_tried() == 1
    first, second = results.events(job_id)[-2:]
    assert first == second
    assert isinstance(second, Delivered)


@pytest.mark.usefixtures("courier")
def test_a_lost_record_within_the_window_is_healed_by_the_nonce(local_discord: Any, results: Any, redis: Redis) -> None:
    """Posted but not recorded: the second run gets the same message back from Discord."""
    job_id = results.job()
    deliver(job_id)
    redis.hdel(run_key(job_id), "message_id", "channel_id")
    deliver(job_id)
    [message] = local_discord.posted()
    assert Fence(redis).delivery(job_id) == Delivery(message.channel_id, message.id)


@pytest.mark.usefixtures("courier")
def test_after_the_nonces_window_the_channel_is_read_before_posting(
    local_discord: Any, results: Any, redis: Redis
) -> None:
    """Minutes later, when Discord has forgotten the nonce, the message is recognised by its file name."""
    job_id = results.job()
    deliver(job_id)
    redis.hdel(run_key(job_id), "message_id", "channel_id")
    _pretend_first_send_was(redis, job_id, 600)
    local_discord.do(lambda: local_discord.world.clock.advance(600))
    deliver(job_id)
    [message] = local_discord.posted()
    assert Fence(redis).delivery(job_id) == Delivery(message.channel_id, message.id)
    assert local_discord.posts_tried() == 1


@pytest.mark.usefixtures("courier")
def test_after_the_window_a_notice_is_recognised_too(local_discord: Any, results: Any, redis: Redis) -> None:
    """A failure notice has no file, and is still told once."""
    job_id = results.job(failure=FailureCode.REFUSED)
    deliver(job_id)
    redis.hdel(run_key(job_id), "message_id", "channel_id")
    _pretend_first_send_was(redis, job_id, 600)
    local_discord.do(lambda: local_discord.world.clock.advance(600))
    deliver(job_id)
    assert len(local_discord.posted()) == 1


@pytest.mark.usefixtures("courier")
def test_never_posted_before_is_posted_after_the_window(local_discord: Any, results: Any, redis: Redis) -> None:
    """Where the first tries never reached Discord, the read-back finds nothing and the picture is posted."""
    job_id = results.job()
    _pretend_first_send_was(redis, job_id, 600)
    deliver(job_id)
    assert len(local_discord.posted()) == 1


@pytest.mark.parametrize(
    ("action", "least", "most"), [(TooMany(45), 30, 45), (Delay(30), 0, 25), (Fail(503), 0, 25)], ids=str
)
def test_waiting_for_somebody_else_is_written_down_instead(
    local_discord: Any,
    results: Any,
    redis: Redis,
    hire: Callable[[float], None],
    action: Any,
    least: float,
    most: float,
) -> None:
    """The task ends, `deliver_after` says when, nothing is announced; the next try posts once."""
    hire(2)
    fault = local_discord.world.faults.add(Fault("POST", POST_MESSAGES, action, count=None))
    job_id = results.job()
    before = results.events(job_id)
    deliver(job_id)
    assert results.events(job_id) == before
    after = redis.hget(run_key(job_id), "deliver_after")
    assert after is not None
    assert least < float(after) - redis.time()[0] <= most + 1
    local_discord.world.faults.rules.remove(fault)
    hire(60)
    deliver(job_id)
    assert len(local_discord.posted()) == 1


def test_a_longer_outage_is_asked_about_less_often(
    local_discord: Any, results: Any, redis: Redis, hire: Callable[[float], None]
) -> None:
    """Backing off as long as it has lasted, five minutes at most."""
    hire(2)
    local_discord.world.faults.add(Fault("", POST_MESSAGES, Fail(503), count=None))
    for lasted, expected in ((100, 100), (5000, 300)):
        job_id = results.job()
        _pretend_first_send_was(redis, job_id, lasted)
        deliver(job_id)
        after = float(redis.hget(run_key(job_id), "deliver_after") or 0)
        assert after - redis.time()[0] == pytest.approx(expected, abs=60)


def test_after_a_day_the_outage_is_the_end(
    local_discord: Any, results: Any, redis: Redis, hire: Callable[[float], None]
) -> None:
    """What could not be posted for a day is given up and said so; it is not tried for ever."""
    hire(2)
    local_discord.world.faults.add(Fault("POST", POST_MESSAGES, Fail(503), count=None))
    job_id = results.job()
    _pretend_first_send_was(redis, job_id, 24 * 3600 + 60)
    deliver(job_id)
    assert results.events(job_id)[-1] == Undeliverable(job_id=job_id, code=0)
    assert redis.hget(run_key(job_id), "deliver_after") is None


@pytest.mark.usefixtures("courier")
def test_a_closed_thread_sends_it_to_the_channel(local_discord: Any, results: Any) -> None:
    """403 in the thread: the fallback channel gets it, without the reference that belongs to the thread."""
    _outage(local_discord, "pictures")
    job_id = results.job(fallback_channel_id=local_discord.id("lounge"), reply_to=12345)
    deliver(job_id)
    [message] = local_discord.posted("lounge")
    assert message.reference is None
    assert results.events(job_id)[-1] == Delivered(
        job_id=job_id, channel_id=local_discord.id("lounge"), message_id=message.id
    )


@pytest.mark.usefixtures("courier")
def test_where_no_channel_takes_it_the_member_gets_a_dm(local_discord: Any, results: Any, redis: Redis) -> None:
    """After both channels refused, one DM brings the picture and is recorded as its place."""
    _outage(local_discord, "pictures", "lounge")
    luna = local_discord.world.user("luna")
    job_id = results.job(fallback_channel_id=local_discord.id("lounge"), dm_user_id=luna.id)
    deliver(job_id)
    channel = local_discord.world.dm(local_discord.world.bot, luna)
    [message] = local_discord.world.messages(channel.id)
    assert Fence(redis).delivery(job_id) == Delivery(channel.id, message.id)


@pytest.mark.usefixtures("courier")
@pytest.mark.parametrize("with_dm", [True, False])
def test_refused_everywhere_is_undeliverable_with_the_channels_code(
    local_discord: Any, results: Any, redis: Redis, with_dm: bool
) -> None:
    """Channel, fallback and DM are each tried once; the event names why the channel itself refused."""
    _outage(local_discord, "pictures", code=10003, status=404)
    _outage(local_discord, "lounge")
    luna = local_discord.world.user("luna")
    channel = local_discord.world.dm(local_discord.world.bot, luna)
    dm = local_discord.world.faults.add(
        Fault("POST", rf"^/channels/{channel.id}/messages", Fail(403, 50007), count=None)
    )
    job_id = results.job(fallback_channel_id=local_discord.id("lounge"), dm_user_id=luna.id if with_dm else None)
    deliver(job_id)
    assert results.events(job_id)[-1] == Undeliverable(job_id=job_id, code=10003)
    assert Fence(redis).delivery(job_id) is None
    assert dm.hits == int(with_dm)
    assert local_discord.posts_tried() == 2 + int(with_dm)


@pytest.mark.usefixtures("courier")
def test_deleted_between_two_tries_is_the_end_of_it(local_discord: Any, results: Any, redis: Redis) -> None:
    """Posted, unrecorded, deleted by a moderator: it is not posted again, and /jobs keeps the picture."""
    job_id = results.job()
    deliver(job_id)
    redis.hdel(run_key(job_id), "message_id", "channel_id")
    local_discord.do(lambda: local_discord.world.delete_message(local_discord.posted()[0]))
    deliver(job_id)
    assert local_discord.posted() == []
    assert results.events(job_id)[-1] == Undeliverable(job_id=job_id, code=10008)


@pytest.mark.usefixtures("courier")
def test_a_picture_over_the_stated_limit_goes_down_the_ladder(local_discord: Any, results: Any) -> None:
    """A PNG too large for the limit in the job is sent smaller at the first try, and the message says so."""
    picture = results.picture(1, "png", side=256)
    deliver(results.job([picture], file_size_limit=picture.size_bytes // 3))
    [message] = local_discord.posted()
    assert message.files[0].size <= picture.size_bytes // 3
    assert "Sent as " in message.content
    assert local_discord.posts_tried() == 1


@pytest.mark.usefixtures("courier")
def test_a_channel_that_takes_less_than_promised_gets_a_smaller_file(local_discord: Any, results: Any) -> None:
    """413 where the job's limit allowed it: the next rung is tried until it passes."""
    picture = results.picture(1, "png", side=256)
    local_discord.world.upload_limit_bytes = picture.size_bytes // 3
    deliver(results.job([picture]))
    [message] = local_discord.posted()
    assert message.files[0].size <= picture.size_bytes // 3
    assert "to fit" in message.content


@pytest.mark.usefixtures("courier")
def test_a_channel_that_takes_no_file_at_all_is_undeliverable(local_discord: Any, results: Any) -> None:
    """The ladder ends; it is not climbed for ever."""
    local_discord.world.upload_limit_bytes = 1
    job_id = results.job()
    deliver(job_id)
    assert results.events(job_id)[-1] == Undeliverable(job_id=job_id, code=40005)


@pytest.mark.usefixtures("courier")
def test_a_failure_is_told_with_its_own_nonce(local_discord: Any, results: Any) -> None:
    """The notice shares nothing with the result, so that a later real result is not swallowed by it."""
    job_id = results.job(failure=FailureCode.OUT_OF_MEMORY)
    deliver(job_id)
    [message] = local_discord.posted()
    assert (message.nonce, message.files) == (f"n{job_id}", [])
    assert "Failed: out_of_memory." in message.content


@pytest.mark.usefixtures("courier")
@pytest.mark.parametrize("how", ["missing", "damaged"])
def test_a_lost_picture_is_drawn_again_once_and_then_told(
    local_discord: Any, results: Any, redis: Redis, blobs: FileBlobs, how: str, tmp_path: Any
) -> None:
    """First loss: the job runs again and nothing is posted. Second loss: one notice, never an empty message."""
    picture = results.picture(1)

    def lose() -> None:
        if how == "missing":
            blobs.delete(picture.sha256)
        else:
            (tmp_path / "blobs" / picture.sha256[:2] / picture.sha256).write_bytes(b"rot")

    job_id = results.job([picture])
    lose()
    deliver(job_id)
    released = results.events(job_id)[-1]
    assert released == Released(job_id=job_id, attempt=1, reason="blob_missing", charged=True)
    assert Fence(redis).result(job_id) is None
    assert local_discord.posts_tried() == 0

    results.accept(job_id, [results.picture(1)])
    lose()
    deliver(job_id)
    [message] = local_discord.posted()
    assert "Failed: blob_missing." in message.content
    last_two = results.events(job_id)[-2:]
    assert isinstance(last_two[0], Finished)
    assert last_two[0].failure is FailureCode.BLOB_MISSING
    assert isinstance(last_two[1], Delivered)


@pytest.mark.usefixtures("courier")
def test_a_lost_picture_drawn_again_is_delivered(local_discord: Any, results: Any, blobs: FileBlobs) -> None:
    """After the re-run put the same picture back, delivery succeeds as if nothing had been."""
    picture = results.picture(1)
    job_id = results.job([picture])
    blobs.delete(picture.sha256)
    deliver(job_id)
    results.accept(job_id, [results.picture(1)])
    deliver(job_id)
    assert len(local_discord.posted()) == 1


@pytest.mark.usefixtures("courier")
def test_nothing_to_deliver_posts_nothing(local_discord: Any, results: Any, redis: Redis) -> None:
    """A job that is gone, or has no result yet, leaves no trace in Discord."""
    deliver("ffffffffffffffff")
    job_id = results.job()
    redis.hdel(run_key(job_id), "result")
    deliver(job_id)
    assert local_discord.posts_tried() == 0


@pytest.mark.usefixtures("courier")
def test_a_job_of_a_newer_bot_waits_for_a_newer_worker(local_discord: Any, results: Any, redis: Redis) -> None:
    """What cannot be read is put off, not failed and not posted half."""
    job_id = results.job()
    redis.set(job_key(job_id), '{"schema_version": 99, "job_id": "x", "unknown": true}')
    deliver(job_id)
    assert redis.hget(run_key(job_id), "deliver_after") is not None
    assert local_discord.posts_tried() == 0


@pytest.mark.usefixtures("courier")
def test_an_error_of_our_own_is_put_off_and_not_lost(results: Any, redis: Redis, tmp_path: Any) -> None:
    """An unreadable blob folder ends in a later try instead of a failed RQ job."""
    picture = results.picture(1)
    job_id = results.job([picture])
    path = tmp_path / "blobs" / picture.sha256[:2] / picture.sha256
    path.unlink()
    path.mkdir()
    deliver(job_id)
    assert redis.hget(run_key(job_id), "deliver_after") is not None


def test_a_refused_token_goes_through_to_the_lane(
    redis: Redis, blobs: FileBlobs, results: Any, local_discord: Any
) -> None:
    """401 is the one error the task does not swallow, and the job stays as it was."""
    discord = Discord("wrong", local_discord.server.api_url, patience_s=60)
    employ(Courier(Fence(redis), Outbox(redis), blobs, discord))
    job_id = results.job()
    try:
        with pytest.raises(TokenRefused):
            deliver(job_id)
    finally:
        employ(None)
        discord.close()
    assert redis.hget(run_key(job_id), "deliver_after") is None


def test_outside_a_lane_the_task_says_so() -> None:
    """A deliver job that reaches a gpu worker is refused with words."""
    with pytest.raises(RuntimeError, match="--role io"):
        deliver("0" * 16)
