"""A real gpu worker on the real sample model: when nothing goes wrong, and when members change their mind."""

from __future__ import annotations

import io

import psutil
import pytest
from PIL import Image
from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer

from flux2.screening.policy import Policy
from sandbox.processes import Child
from worker.contract import (
    SCHEMA_VERSION,
    Control,
    FailureCode,
    Finished,
    Progress,
    Started,
    Stopped,
    control_key,
    deliver_queue,
    gpu_queue,
    job_key,
    lease_key,
    model_key,
)


@pytest.fixture(scope="module")
def worker(rig) -> Child:
    return rig.ready_worker(PREVIEW_INTERVAL_S="0.2")


def test_a_render_is_accepted_stored_and_handed_to_delivery(rig, worker: Child) -> None:
    """Two pictures of the asked size lie in the blobs with their own seeds; a deliver job waits in its lane."""
    job_id = rig.submit(count=2, seed=7, width=160, height=96, output_format="png")
    finished = rig.wait_for_event(job_id, Finished)
    result = rig.result(job_id)
    assert finished == Finished(job_id=job_id, attempt=1, seconds=result.seconds)
    assert [picture.seed for picture in result.pictures] == [7, 8]
    for picture in result.pictures:
        data = rig.blobs.get(picture.sha256)
        image = Image.open(io.BytesIO(data))
        assert (image.format, image.size, len(data)) == ("PNG", (160, 96), picture.size_bytes)
        assert (picture.width, picture.height) == (160, 96)
    assert {"encode", "denoise", "decode", "save"} <= set(result.timings)
    rig.wait(lambda: rig.redis.exists(f"rq:job:{job_id}-d0"), "delivery")
    (lane,) = [name for name in rig.redis.smembers("rq:queues") if b"deliver" in name]
    assert lane.decode() == f"rq:queue:{deliver_queue(1311111111111111119)}"


def test_events_come_in_order_and_not_too_often(rig, worker: Child) -> None:
    """Started, then rising progress at most twice a second and the last step for certain, then Finished."""
    job_id = rig.submit(num_inference_steps=50, width=256, height=256)
    finished = rig.wait_for_event(job_id, Finished)
    started, *steps, last = rig.events(job_id)
    assert isinstance(started, Started)
    assert last == finished
    assert all(isinstance(event, Progress) for event in steps)
    denoise = [(event.step, event.steps) for event in steps if event.phase == "denoise"]
    assert denoise == sorted(denoise)
    assert denoise[-1] == (50, 50)
    assert len([event for event in steps if event.preview is None]) <= 2 * finished.seconds + 3


def test_previews_are_told_of_with_their_step_and_do_not_stay(rig, worker: Child) -> None:
    """A long render shows what it is becoming; its previews are gone from the blobs once it has ended."""
    job_id = rig.submit(num_inference_steps=50, width=256, height=256)
    rig.wait_for_event(job_id, Finished)
    shown = [event for event in rig.events(job_id) if isinstance(event, Progress) and event.preview]
    assert shown
    assert {event.phase for event in shown} <= {"denoise", "decode", "save"}
    assert not any(rig.blobs.exists(event.preview) for event in shown)


def test_a_seed_gives_the_same_pixels(rig, worker: Child) -> None:
    """The same request twice is the same blob; another seed is another."""
    jobs = [rig.submit(seed=seed, output_format="png") for seed in (3, 3, 4)]
    for job_id in jobs:
        rig.wait_for_event(job_id, Finished)
    first, second, other = (rig.result(job_id).pictures[0].sha256 for job_id in jobs)
    assert first == second != other


def test_a_reference_changes_the_picture(rig, worker: Child) -> None:
    """Reference bytes come from the blobs."""
    file = io.BytesIO()
    Image.new("RGB", (128, 128), "green").save(file, "PNG")
    reference = {"sha256": rig.blobs.put(file.getvalue()), "width": 128, "height": 128}
    plain, edit = rig.submit(), rig.submit(reference_images=[reference])
    for job_id in (plain, edit):
        rig.wait_for_event(job_id, Finished)
    assert rig.result(plain).pictures[0].sha256 != rig.result(edit).pictures[0].sha256


def test_a_missing_or_damaged_reference_is_a_failure_with_its_code(rig, worker: Child) -> None:
    """A blob that is gone, and bytes that are no picture, end the job with words, not the worker."""
    absent = rig.submit(reference_images=[{"sha256": "0" * 64, "width": 8, "height": 8}])
    text = rig.submit(reference_images=[{"sha256": rig.blobs.put(b"just text"), "width": 8, "height": 8}])
    assert rig.wait_for_event(absent, Finished).failure is FailureCode.BLOB_MISSING
    assert rig.wait_for_event(text, Finished).failure is FailureCode.INVALID_REQUEST
    assert rig.result(absent).reason is None
    assert "picture" in str(rig.result(text).reason)
    rig.wait(lambda: rig.redis.exists(f"rq:job:{text}-d0"), "delivery of the notice")


def test_what_a_server_refuses_is_refused_by_the_child(rig, worker: Child) -> None:
    """Its policy travels with the job to whoever draws it; the end is a result with its reason, and no second try."""
    refused, drawn = rig.submit(policy=Policy(deny=("circle",))), rig.submit()
    assert rig.wait_for_event(refused, Finished).failure is FailureCode.REFUSED
    assert "“circle” is not allowed here" in rig.result(refused).reason
    assert rig.wait_for_event(drawn, Finished).failure is None


def test_a_job_that_cannot_be_read_ends_as_our_failure(rig, worker: Child) -> None:
    """Nonsense under the job's key is neither run nor tried for ever; the worker goes on."""
    job_id = "badbadbadbadbadb"
    rig.redis.set(job_key(job_id), "not a job")
    rig.enqueue(job_id, 1)
    assert rig.wait_for_event(job_id, Finished).failure is FailureCode.INTERNAL
    rig.wait_for_event(rig.submit(), Finished)


def test_nothing_of_a_finished_job_stays_in_rq(rig, worker: Child) -> None:
    """No RQ entry, no execution, no lease: only the fence's own record."""
    job_id = rig.submit()
    rig.wait_for_event(job_id, Finished)
    rig.wait(lambda: not rig.rq_keys(job_id), "clean Redis")
    assert not rig.redis.exists(lease_key(job_id))
    assert rig.redis.lrange(f"rq:queue:{gpu_queue('sample')}:intermediate", 0, -1) == []
    assert rig.redis.zcard(f"rq:wip:{gpu_queue('sample')}") == 0


def test_cancel_stops_a_running_job_within_a_step(rig, worker: Child) -> None:
    """After the flag is set, Stopped comes and no further step is reported; no result, and the worker goes on."""
    job_id = rig.submit_long()
    rig.wait(lambda: any(isinstance(event, Progress) and event.step > 0 for event in rig.events(job_id)), "step")
    assert rig.cancel(job_id)
    stopped = rig.wait_for_event(job_id, Stopped)
    assert stopped.attempt == 1
    assert rig.fence.result(job_id) is None
    before = rig.model_process(worker).pid
    rig.wait_for_event(rig.submit(), Finished)
    assert rig.model_process(worker).pid == before
    assert rig.events(job_id)[-1] == stopped


def test_cancelled_while_queued_never_starts(rig, worker: Child) -> None:
    """The flag of a job that waits behind another stops it before its first step."""
    first, second = rig.submit_long(), rig.submit()
    assert rig.cancel(second)
    rig.wait_for_event(first, Started)
    assert rig.cancel(first)
    rig.wait_for_event(second, Stopped)
    assert not any(isinstance(event, Started) for event in rig.events(second))


def test_a_newer_schema_is_put_back_and_said(rig, worker: Child) -> None:
    """A job of a newer bot stays in the queue for a newer worker; nothing is charged, and the log says what to do."""
    job_id = "feedfeedfeedfeed"
    rig.redis.set(job_key(job_id), f'{{"schema_version": {SCHEMA_VERSION + 1}, "surprise": true}}')
    rig.enqueue(job_id, 1)
    assert worker.log is not None
    rig.wait(lambda: "newer bot" in worker.log.read_text(), "word about the upgrade")
    queue = f"rq:queue:{gpu_queue('sample')}"
    rig.wait(lambda: rig.redis.lrange(queue, 0, -1) == [f"{job_id}-r1".encode()], "job put back")
    assert rig.events(job_id) == []
    rig.redis.delete(queue, job_key(job_id), f"rq:job:{job_id}-r1")
    rig.wait_for_event(rig.submit(), Finished)


def test_hostile_and_foreign_payloads_are_refused(rig, worker: Child, tmp_path) -> None:
    """os.system and tasks of other roles on a gpu queue run nowhere; the worker goes on."""
    trap = tmp_path / "trap"
    queue = Queue(gpu_queue("sample"), connection=rig.redis, serializer=JSONSerializer)
    queue.enqueue_call("os.system", args=[f"touch {trap}"], job_id="hostile")
    queue.enqueue_call("worker.tasks.deliver", args=["x"], job_id="foreign")
    rig.wait_for_event(rig.submit(), Finished)
    assert not trap.exists()
    rig.wait(lambda: not rig.redis.exists("rq:job:hostile", "rq:job:foreign"), "refused entries gone")


def test_the_worker_advertises_its_model(rig, worker: Child) -> None:
    """Name, state, device, screens and the whole model stand in the heartbeat; the model alone outlives it."""
    beat = rig.wait_for_state(worker, "idle")
    assert beat.model is not None
    assert (beat.role, beat.model.name, beat.device) == ("gpu", "sample", "cpu")
    assert beat.screens == ("rules",)
    redis: Redis = rig.redis
    assert 0 < redis.ttl(f"worker:{beat.name}") <= 30
    assert 570 < redis.ttl(model_key("sample")) <= 600


def _ask(rig, worker: Child, control: Control) -> None:
    beat = rig.heartbeat(worker)
    rig.redis.set(control_key(beat.name), control.model_dump_json())


def test_a_drained_worker_takes_nothing_until_it_is_resumed(rig, worker: Child) -> None:
    """The operator's drain leaves the queue as it is, and says so; taking it back lets the job run."""
    _ask(rig, worker, Control(drains=True))
    rig.wait_for_state(worker, "draining")
    job_id = rig.submit()
    # Two looks of the worker later the job is still on the queue.
    rig.wait(lambda: rig.redis.llen(f"rq:queue:{gpu_queue('sample')}") == 1, "the job queued")
    assert rig.events(job_id) == []
    _ask(rig, worker, Control())
    assert rig.wait_for_event(job_id, Finished).failure is None


def test_a_restart_brings_a_new_child(rig, worker: Child) -> None:
    """Asked for, the model is loaded in a new process, and jobs go on there."""
    before = rig.model_process(worker).pid
    _ask(rig, worker, Control(restarts=1))
    rig.wait(lambda: before not in [child.pid for child in psutil.Process(worker.pid).children()], "the old gone")
    assert rig.wait_for_event(rig.submit(), Finished).failure is None
    _ask(rig, worker, Control(restarts=1))
