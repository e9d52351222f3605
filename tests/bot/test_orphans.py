"""Orphaned blobs: swept once they are old, and nothing that anybody refers to goes with them."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from bot.ledger.job import Job
from bot.ledger.trays import Laid
from bot.orphans import GRACE_S, Orphans
from bot.preset import Preset
from flux2.request import GenerationRequest, ReferenceImage
from worker.blobs import FileBlobs

QueueUp = Callable[..., Awaitable[Job]]
Stack = Any
ALL = 256
LUNA = 1


class Store:
    """Blobs of which each can be made old."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.blobs = FileBlobs(root)

    def put(self, data: bytes, *, age_s: float = 2 * GRACE_S) -> ReferenceImage:
        """Put it as long ago."""
        sha256 = self.blobs.put(data)
        moment = time.time() - age_s
        os.utime(self.root / sha256[:2] / sha256, (moment, moment))
        return ReferenceImage(sha256=sha256, width=64, height=64)

    def left(self) -> set[str]:
        """What is still there."""
        return {path.name for path in self.root.glob("??/*")}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "blobs")


@pytest.fixture
def orphans(stack: Stack, store: Store) -> Orphans:
    return Orphans(stack.ledger, stack.queue, store.blobs)


async def _drawn(stack: Stack, queue_up: QueueUp, sha256: str) -> None:
    """A result lies in Redis, and the bot has not heard of it."""
    await queue_up()
    stack.serve("w1")
    await stack.dispatcher.dispatch()
    job_id, attempt = stack.begin()
    result = stack.result(job_id, attempt)
    picture = result.pictures[0].model_copy(update={"sha256": sha256})
    assert stack.fence.accept(result.model_copy(update={"pictures": (picture,)}))


async def test_only_what_nothing_refers_to_goes(
    stack: Stack, queue_up: QueueUp, store: Store, orphans: Orphans
) -> None:
    """A planted orphan goes; references, trays, presets, results on their way and young blobs stay."""
    orphan = store.put(b"left by a crash")
    young = store.put(b"put a moment ago", age_s=60)
    reference, laid, cast, result = (store.put(name) for name in (b"reference", b"laid", b"cast", b"result"))
    request = GenerationRequest(
        model="sample", prompt="a fox", width=128, height=128, num_inference_steps=8, seed=1,
        reference_images=(reference,),
    )  # fmt: skip
    await _drawn(stack, queue_up, result.sha256)
    await queue_up(request=request)
    await stack.ledger.trays.add(LUNA, [Laid(picture=laid, label="fox.png")])
    await stack.ledger.shelf.save(LUNA, Preset(name="luna", pictures=(cast,)))
    assert await orphans.sweep(ALL) == 1
    assert orphan.sha256 not in store.left()
    assert store.left() == {one.sha256 for one in (young, reference, laid, cast, result)}


async def test_a_sweep_is_a_part_and_goes_on_from_there(stack: Stack, store: Store, orphans: Orphans) -> None:
    """Each looks through some shelves; together they miss none."""
    for number in range(40):
        store.put(b"%d" % number)
    swept = [await orphans.sweep(ALL // 4) for _ in range(4)]
    assert max(swept) < 40
    assert sum(swept) == 40
    assert store.left() == set()


async def test_what_is_put_again_is_young_again(stack: Stack, store: Store, orphans: Orphans) -> None:
    """Somebody attaches the picture an orphan is of: it is about to be referred to."""
    store.put(b"a fox")
    again = store.blobs.put(b"a fox")
    assert await orphans.sweep(ALL) == 0
    assert store.left() == {again}


async def test_nothing_goes_where_two_ledgers_keep_their_pictures(
    stack: Stack, store: Store, orphans: Orphans, caplog: pytest.LogCaptureFixture
) -> None:
    """To one ledger the other's pictures look orphaned; that is said once, and nothing is deleted."""
    theirs = store.put(b"a picture of another bot")
    store.blobs.register("abcdef")
    with caplog.at_level(logging.WARNING):
        assert [await orphans.sweep(ALL) for _ in range(2)] == [0, 0]
    assert store.left() == {theirs.sha256}
    assert caplog.text.count("2 ledgers keep pictures at BLOB_URL") == 1
