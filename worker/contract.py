"""The wire between bot and workers: jobs, skeletons, results, events, queue and key names. Pure values, JSON only.

Frozen, unknown fields refused, a schema version on what is stored. `{placeholders}` in a skeleton's texts are filled
by `worker.template`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Discriminator, Field, Tag, TypeAdapter, model_validator

from flux2.models import Model
from flux2.request import GenerationRequest, OutputFormat, Sha256
from flux2.screening.policy import UNRULED, Policy
from flux2.upsampling.request import DescribeRequest, RewriteRequest
from flux2.upscaling.request import UpscaleRequest

SCHEMA_VERSION = 4
"""The newest this code reads. A job states the oldest that can run it: see SINCE."""

Kind = Literal["render", "upscale", "rewrite", "describe"]
SINCE: Mapping[Kind, int] = {"render": 1, "upscale": 2, "rewrite": 2, "describe": 2}
"""The schema each kind of job came with: a worker older than that puts the job back."""

RENDER_TASK = "worker.tasks.render"
DELIVER_TASK = "worker.tasks.deliver"
REWRITE_TASK = "worker.tasks.rewrite"
TASKS = frozenset({RENDER_TASK, DELIVER_TASK, REWRITE_TASK})
"""The only names a worker calls; anything else found in Redis is refused."""

IO_QUEUE = "io"
DELIVER_LANES = 4
LEASE_S = 20
"""Seconds a gpu parent may be silent before its job belongs to nobody."""
HEARTBEAT_S = 5
MODEL_SEEN_S = 600
"""Seconds a model is still accepted for after its last worker was seen."""
MAX_STARTS = 3
"""The start at which a job is quarantined instead of run: two workers died over it."""


def gpu_queue(model: str) -> str:
    """Queue of every worker that serves `model`."""
    return f"gpu:{model}"


def deliver_queue(channel_id: int) -> str:
    """Lane that keeps the order of one channel. Snowflakes carry their entropy above bit 22."""
    return f"deliver:{(channel_id >> 22) % DELIVER_LANES}"


EVENTS = "events"
"""Redis Stream of `Event`s, field `event`, about EVENTS_KEPT entries long."""
EVENTS_KEPT = 10_000
WORKERS = "workers"
"""Sorted set: worker name -> last heartbeat, seconds of Redis TIME."""


def job_key(job_id: str) -> str:
    """String: the `RenderJob` as JSON. Only the bot's Redis user may write it."""
    return f"job:{job_id}"


def answer_key(job_id: str) -> str:
    """String with the token's expiry: the `Answer` as JSON. Written by the bot alone, hidden from GPU hosts."""
    return f"answer:{job_id}"


def run_key(job_id: str) -> str:
    """Hash: attempt, starts, cancelled, result (JSON), message_id. Only `worker.fence` and `worker.outbox` write it."""
    return f"run:{job_id}"


def lease_key(job_id: str) -> str:
    """String with expiry: the attempt that is alive right now."""
    return f"lease:{job_id}"


def worker_key(name: str) -> str:
    """String with expiry: the worker's `Heartbeat` as JSON."""
    return f"worker:{name}"


def control_key(name: str) -> str:
    """String with expiry: the `Control` of one worker as JSON. Only the bot's Redis user may write it."""
    return f"control:{name}"


def model_key(name: str) -> str:
    """String with expiry MODEL_SEEN_S: the `Model` as JSON, as its last live worker advertised it."""
    return f"model:{name}"


class Wire(BaseModel):
    """Base of everything that crosses Redis."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class FailureCode(StrEnum):
    """Why a job has no picture. Closed: each has a class in worker/failures.py (POISONED: the fence) and a sentence in
    bot/presenter.py.
    """

    INVALID_REQUEST = "invalid_request"
    REFUSED = "refused"
    OUT_OF_MEMORY = "out_of_memory"
    CHECKPOINT_UNAVAILABLE = "checkpoint_unavailable"
    POISONED = "poisoned"
    BLOB_MISSING = "blob_missing"
    UPSAMPLING_FAILED = "upsampling_failed"
    INTERNAL = "internal"


class Answer(Wire):
    """The interaction a result follows up, where nothing else reaches the member, or nobody else may see it."""

    application_id: int
    token: str = Field(repr=False)  # whoever holds it may answer for the bot until it expires
    expires_at: AwareDatetime
    is_private: bool = False
    """Only the member who asked sees it."""


SPOILER = "SPOILER_"  # begins the name of a file that Discord shows behind a click


class Destination(Wire):
    """Where a result goes. `channel_id` is the thread, or the channel itself where no thread could be made."""

    channel_id: int
    guild_id: int | None = None
    fallback_channel_id: int | None = None  # tried when the thread is gone or closed to the bot
    reply_to: int | None = None  # a message of that same channel_id; never set for a slash command
    dm_user_id: int | None = None
    """Who gets the picture by DM, once, when the channels refuse it, or when it is too late for an answer."""
    by_answer: bool = Field(default=False, exclude_if=lambda by_answer: not by_answer)
    """No channel is written to: the interaction under `answer_key` is followed up."""


class Skeleton(Wire):
    """The message as the bot worded it at accept; delivery fills the placeholders and knows no wording of its own.

    Placeholders in content, alt_text and notices: {seed} {seconds} {size} {notes} {reason} {count} {words} {diff}
    {block} {prompt}.
    """

    content: str
    components: tuple[dict[str, Any], ...] = ()
    alt_text: str = ""
    mentions: tuple[int, ...] = ()
    nonce: Annotated[str, Field(max_length=25)]
    file_stem: str
    """File names are `<file_stem>-<i>.<extension>`; carries the job id, so that a posted message can be recognised."""
    file_size_limit: int
    """Bytes per file, from `interaction.filesize_limit` at accept."""
    failures: Mapping[FailureCode, str] = Field(default_factory=dict)
    """Content of the notice for each failure."""
    failure_components: tuple[dict[str, Any], ...] = ()
    failure_nonce: Annotated[str, Field(max_length=25)]
    """A notice has its own nonce: sharing the result's would swallow a later real result."""
    late: str = Field(default="", exclude_if=lambda late: not late)  # added where it is too late for an answer
    cancelled: str = ""
    """Content of the cancel notice; empty: the status message says it and nothing is posted."""


def _kind_of(request: Any) -> str:
    # The first requests had no kind.
    kind = request.get("kind", "render") if isinstance(request, Mapping) else getattr(request, "kind", None)
    return str(kind)


Request = Annotated[
    Annotated[GenerationRequest, Tag("render")]
    | Annotated[UpscaleRequest, Tag("upscale")]
    | Annotated[RewriteRequest, Tag("rewrite")]
    | Annotated[DescribeRequest, Tag("describe")],
    Discriminator(_kind_of),
]
"""What a job asks for, told apart by `kind`."""
REQUEST: TypeAdapter[Request] = TypeAdapter(Request)


def asks_api(request: Request) -> bool:
    """Whether a hosted language model is asked, before a GPU or instead of one."""
    if isinstance(request, GenerationRequest | UpscaleRequest):
        return request.upsample == "openrouter"
    return isinstance(request, RewriteRequest | DescribeRequest) and request.route == "openrouter"


def since(request: Request, destination: Destination | None = None, policy: Policy = UNRULED) -> int:
    """The oldest schema whose workers can run `request` under `policy` and take its result to `destination`."""
    if policy != UNRULED or (destination is not None and destination.by_answer):
        # An older worker would draw what this server refuses, or post what nobody else may see.
        return 4
    if isinstance(request, GenerationRequest):
        if request.is_masked:
            return 4
        if request.init_image:
            return 3
        if request.upsample != "none":
            return 2
    return SINCE[request.kind]


class RenderJob(Wire):
    """What the bot writes under `job_key` at dispatch, whole, and never changes except for a new destination."""

    schema_version: int = SINCE["render"]
    job_id: str
    kind: Kind = "render"
    """The request's."""
    request: Request
    skeleton: Skeleton
    destination: Destination
    notes: tuple[str, ...] = ()
    """Sentences the bot already wants on the result: snapped size, first frame of a GIF."""
    policy: Policy = Field(default=UNRULED, exclude_if=lambda policy: policy == UNRULED)

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        oldest = SINCE[self.kind] if self.policy == UNRULED else since(self.request, policy=self.policy)
        if self.kind != self.request.kind or self.schema_version < oldest:
            raise ValueError(f"a {self.request.kind} stated as {self.kind} of schema {self.schema_version}")
        return self


class Picture(Wire):
    """One finished picture in the blobs."""

    sha256: Sha256
    output_format: OutputFormat
    width: int
    height: int
    size_bytes: int
    seed: int
    spoiler: bool = Field(default=False, exclude_if=lambda spoiler: not spoiler)
    """Posted behind a click: its score is close to what is refused."""


class RenderResult(Wire):
    """The accepted end of a job: pictures, words or both; or a failure code with its reason. Written once per job."""

    job_id: str
    attempt: int
    pictures: tuple[Picture, ...] = ()
    words: str | None = Field(default=None, exclude_if=lambda words: words is None)
    """What was written rather than drawn: a rewritten prompt, a caption. Unescaped. Not written where there are none:
    an older lane posts the pictures all the same.
    """
    prompt: str | None = Field(default=None, exclude_if=lambda prompt: prompt is None)
    """What was drawn where it is not the request's prompt: the worker rewrote it."""
    seconds: float
    timings: Mapping[str, float] = Field(default_factory=dict)
    """Seconds per stage: encode, denoise, decode, save."""
    notes: tuple[str, ...] = ()
    failure: FailureCode | None = None
    reason: str | None = None
    """A sentence a member may read, from the error's own text; None for internal failures."""


Phase = Literal["references", "rewrite", "encode", "denoise", "decode", "save"]


class Started(Wire):
    """An attempt holds the lease and runs."""

    kind: Literal["started"] = "started"
    job_id: str
    attempt: int
    worker: str


class Progress(Wire):
    """Step `step` of `steps` in `phase` is done. At most two a second per job."""

    kind: Literal["progress"] = "progress"
    job_id: str
    attempt: int
    phase: Phase
    step: int
    steps: int
    preview: Sha256 | None = Field(default=None, exclude_if=lambda value: value is None)
    """A small WebP of what the picture is becoming, in the blobs until the render ends; not there for older bots."""


class Finished(Wire):
    """A result was accepted by the fence; pictures and failures alike."""

    kind: Literal["finished"] = "finished"
    job_id: str
    attempt: int
    seconds: float
    failure: FailureCode | None = None


class Rewritten(Wire):
    """The prompt of a render came back from a hosted language model, or did not: it may be drawn now.

    Nothing but the prompt is changed by it. The attempt is over and does not count as a start.
    """

    kind: Literal["rewritten"] = "rewritten"
    job_id: str
    attempt: int
    prompt: str | None = None
    """None: the member's own prompt is drawn."""
    notes: tuple[str, ...] = ()
    """Sentences for the result: by whom, or why not."""


class Released(Wire):
    """An attempt ended without a result and its lease is gone: run the job again. `charged`: it counts as a start."""

    kind: Literal["released"] = "released"
    job_id: str
    attempt: int
    reason: Literal["died", "stalled", "drained", "blob_missing"]
    """blob_missing: the result was accepted, but its pictures are gone; it was taken back."""
    charged: bool


class Stopped(Wire):
    """A running job obeyed its cancel flag."""

    kind: Literal["stopped"] = "stopped"
    job_id: str
    attempt: int


class Delivered(Wire):
    """The message is in Discord."""

    kind: Literal["delivered"] = "delivered"
    job_id: str
    channel_id: int
    message_id: int


class Undeliverable(Wire):
    """No channel and no DM took it; the pictures stay in the blobs for /jobs."""

    kind: Literal["undeliverable"] = "undeliverable"
    job_id: str
    code: int
    """Discord's error code."""


Event = Annotated[
    Started | Progress | Finished | Rewritten | Released | Stopped | Delivered | Undeliverable,
    Field(discriminator="kind"),
]
EVENT: TypeAdapter[Event] = TypeAdapter(Event)


KeyState = Literal["accepted", "refused", "unreachable"]


class Heartbeat(Wire):
    """What a worker says of itself every HEARTBEAT_S seconds."""

    name: str
    role: Literal["gpu", "io"]
    state: Literal["loading", "idle", "busy", "draining", "sick"]
    model: Model | None = None
    loading_percent: int | None = None
    device: str = ""
    memory_used_bytes: int | None = None
    memory_total_bytes: int | None = None
    temperature_c: int | None = None
    job_id: str | None = None
    rewrites_with: str | None = None
    """Hosted language model an io worker has a key for."""
    keys: Mapping[str, KeyState] = Field(default_factory=dict, exclude_if=lambda keys: not keys)
    """What hosted services say of an io worker's keys, by setting. Not written where there are none, for older bots."""
    screens: tuple[str, ...] | None = Field(default=None, exclude_if=lambda screens: screens is None)
    """What a gpu worker looks at pictures and prompts with: rules, classifier, question. None: it does not say."""
    complaint: str | None = Field(default=None, exclude_if=lambda complaint: complaint is None)
    """Why a worker could not start; a sentence for the operator. Such a heartbeat is sick and stays for an hour."""
    schema_version: int = SCHEMA_VERSION


class Control(Wire):
    """What the operator asks of one gpu worker. Absent: nothing."""

    drains: bool = False
    """Take no further job."""
    restarts: int = 0
    """How often a new child was asked for; a worker acts when it sees the number grow."""
