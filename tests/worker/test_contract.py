"""worker.contract: what crosses Redis, and what may be read of what older and newer versions wrote."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from flux2.request import GenerationRequest, ReferenceImage
from flux2.screening.policy import Policy
from flux2.upscaling.request import UpscaleRequest
from worker.contract import REQUEST, SINCE, Destination, RenderJob, RenderResult, Request, Skeleton, since
from worker.post import picture_post

FIRST = (
    '{"schema_version":1,"job_id":"a","kind":"render","request":{"model":"sample","prompt":"a red fox","width":128,'
    '"height":128,"num_inference_steps":4,"guidance_scale":null,"seed":1,"count":1,"reference_images":[],'
    '"output_format":"webp","output_quality":80},"skeleton":{"content":"","components":[],"alt_text":"","mentions":[],'
    '"nonce":"n","file_stem":"f","file_size_limit":1,"failures":{},"failure_components":[],"failure_nonce":"m",'
    '"cancelled":""},"destination":{"channel_id":1,"guild_id":null,"fallback_channel_id":null,"reply_to":null,'
    '"dm_user_id":null},"notes":[]}'
)
DRAW = GenerationRequest(model="sample", prompt="a red fox", width=128, height=128, num_inference_steps=4, seed=1)
ENLARGE = UpscaleRequest(
    model="sample", image=ReferenceImage(sha256="a" * 64, width=64, height=64), width=128, height=128, seed=1
)


def job(request: Request, **fields: Any) -> RenderJob:
    skeleton = Skeleton(content="", nonce="n", file_stem="f", file_size_limit=1, failure_nonce="m")
    return RenderJob(job_id="a", request=request, skeleton=skeleton, destination=Destination(channel_id=1), **fields)


def test_a_render_is_written_as_the_first_version_wrote_it() -> None:
    """To the byte: a worker of the first schema goes on drawing for a newer bot."""
    assert job(DRAW).model_dump_json() == FIRST
    assert RenderJob.model_validate_json(FIRST) == job(DRAW)


@pytest.mark.parametrize("request_", [DRAW, ENLARGE], ids=["render", "upscale"])
def test_each_kind_comes_back_as_itself(request_: Request) -> None:
    """Through JSON, as Redis and the ledger keep it."""
    assert REQUEST.validate_python(request_.model_dump(mode="json")) == request_
    written = job(request_, kind=request_.kind, schema_version=SINCE[request_.kind])
    assert RenderJob.model_validate_json(written.model_dump_json()) == written


@pytest.mark.parametrize("fields", [{}, {"kind": "upscale"}, {"schema_version": 2}])
def test_a_kind_is_not_written_under_a_schema_that_did_not_know_it(fields: dict[str, Any]) -> None:
    """An older worker would take it for its own and fail the job instead of leaving it."""
    with pytest.raises(ValidationError):
        job(ENLARGE, **fields)


def test_an_older_worker_leaves_what_it_cannot_read() -> None:
    """The order states the schema that its fields came with."""
    picture = ReferenceImage(sha256="a" * 64, width=64, height=64)
    assert since(DRAW) == 1
    assert since(DRAW.model_copy(update={"upsample": "local"})) == 2
    assert since(DRAW.model_copy(update={"init_image": picture, "strength": 0.6})) == 3
    assert since(DRAW.model_copy(update={"reference_images": (picture,), "region": ("A1",)})) == 4
    assert since(DRAW.model_copy(update={"reference_images": (picture,), "mask_image": picture})) == 4


def test_a_servers_policy_is_nothing_an_older_worker_may_ignore() -> None:
    """It is written under a schema that older workers put back; without one nothing of it is written."""
    policy = Policy(deny=("spider",), refuse_above=0.5)
    written = job(DRAW, policy=policy, schema_version=since(DRAW, policy=policy))
    assert (written.schema_version, RenderJob.model_validate_json(written.model_dump_json())) == (4, written)
    assert "policy" not in job(DRAW).model_dump_json()
    with pytest.raises(ValidationError):
        job(DRAW, policy=policy, schema_version=3)


def test_an_unknown_kind_is_no_render() -> None:
    """It is refused, never drawn as something else."""
    with pytest.raises(ValidationError):
        REQUEST.validate_python(json.loads(DRAW.model_dump_json()) | {"kind": "sculpture"})


def test_a_results_words_are_shown_without_their_formatting() -> None:
    """A model's words can neither format nor unfurl, and long ones are cut."""
    skeleton = Skeleton(content="{words}", nonce="n", file_stem="f", file_size_limit=1, failure_nonce="m")
    words = "a *fox* {seed}\nhttps://x.test " + "y" * 3000
    result = RenderResult(job_id="a", attempt=1, seconds=1, words=words)
    content = picture_post(job(DRAW).model_copy(update={"skeleton": skeleton}), result, ()).content
    assert content.startswith("a \\*fox\\* {seed} https:\u200b//x.test yyy")
    assert content.endswith("…")
