"""A message somebody asks for: what was said, checked against Discord's limits, before anything is stored."""

from __future__ import annotations

from dataclasses import dataclass, field

from sandbox import components, limits, mentions
from sandbox.body import Body, UploadedFile
from sandbox.cdn import clean_name
from sandbox.mentions import Allowed
from sandbox.message import NO_FLAGS, Message, MessageFlag
from sandbox.wire import ApiError, Form, Json, snowflake_or_none

_SETTABLE = MessageFlag.SUPPRESS_EMBEDS | MessageFlag.SUPPRESS_NOTIFICATIONS | MessageFlag.IS_COMPONENTS_V2
_LEGACY = ("content", "embeds", "poll", "sticker_ids")


@dataclass(frozen=True)
class NewFile:
    """A file to attach."""

    upload: UploadedFile
    description: str | None = None
    spoiler: bool = False


@dataclass(frozen=True)
class Draft:
    """What a new or edited message shall be. A key missing from `given` leaves an edited message's field as it is."""

    given: frozenset[str]
    content: str = ""
    embeds: tuple[Json, ...] = ()
    components: tuple[Json, ...] = ()
    flags: MessageFlag = NO_FLAGS
    files: tuple[NewFile, ...] = ()
    kept: dict[int, Json] = field(default_factory=dict)
    """Attachments of the edited message that stay, with what is said about each."""
    allowed_mentions: Json | None = None
    nonce: str | int | None = None
    enforce_nonce: bool = False
    reference: Json | None = None
    tts: bool = False

    def wishes(self, default: Allowed) -> Allowed:
        """Who may be pinged."""
        return mentions.allowed(self.allowed_mentions, default)

    @property
    def is_empty(self) -> bool:
        """True if there is nothing to show."""
        return not (self.content.strip() or self.embeds or self.components or self.files or self.kept)


def read(body: Json, uploads: dict[int, UploadedFile], *, at: str = "", old: Message | None = None) -> Draft:
    """Check the JSON of a message and the files sent along; `old` is the message it edits.

    `at` is where the message lies in the request (`data` in a callback). Raises ApiError 50035 or 50006.
    """
    form = Form()
    prefix = f"{at}." if at else ""
    flags = MessageFlag(int(body.get("flags") or 0)) & (_SETTABLE | MessageFlag.EPHEMERAL)
    v2 = bool(flags & MessageFlag.IS_COMPONENTS_V2) or bool(old and old.is_v2)
    files = _new_files(form, prefix, body, uploads)
    kept = _kept(body, old)
    _check(form, prefix, body, v2, {*_names(files), *_old_names(kept, old)})
    form.length(f"{prefix}attachments", len(files) + len(kept), limits.FILES)
    form.check()
    draft = Draft(
        given=frozenset(body) | ({"attachments"} if files else frozenset()),
        content=(body.get("content") or "").strip(),
        embeds=tuple({**embed, "type": "rich"} for embed in body.get("embeds") or ()),
        components=tuple(body.get("components") or ()),
        flags=flags,
        files=files,
        kept=kept,
        allowed_mentions=body.get("allowed_mentions"),
        nonce=body.get("nonce"),
        enforce_nonce=bool(body.get("enforce_nonce")),
        reference=body.get("message_reference"),
        tts=bool(body.get("tts")),
    )
    if old is None and draft.is_empty:
        raise ApiError(50006)
    return draft


def _check(form: Form, prefix: str, body: Json, v2: bool, names: set[str]) -> None:
    form.text(f"{prefix}content", body.get("content"), limits.CONTENT)
    limits.check_embeds(form, f"{prefix}embeds", body.get("embeds"))
    components.check(form, f"{prefix}components", body.get("components"), v2=v2, files=names)
    mentions.check(form, f"{prefix}allowed_mentions", body.get("allowed_mentions"))
    nonce = body.get("nonce")
    if isinstance(nonce, str):
        form.length(f"{prefix}nonce", len(nonce), limits.NONCE)
    elif nonce is not None and not isinstance(nonce, int):
        form.refuse(f"{prefix}nonce", "NONCE_TYPE_INVALID", "Nonce must be a string or an integer")
    for name in _LEGACY:
        if v2 and body.get(name):
            code = "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2"
            message = f"The '{name}' field cannot be used when using MessageFlags.IS_COMPONENTS_V2"
            form.refuse(f"{prefix}{name}", code, message)


def _new_files(form: Form, prefix: str, body: Json, uploads: dict[int, UploadedFile]) -> tuple[NewFile, ...]:
    """The uploads in order, each with what `attachments` says about it."""
    said = {snowflake_or_none(entry.get("id")): (index, entry) for index, entry in _entries(body)}
    files = []
    for upload_index, upload in sorted(uploads.items()):
        index, entry = said.get(upload_index, (upload_index, {}))
        form.text(f"{prefix}attachments.{index}.description", entry.get("description"), limits.ALT_TEXT)
        name = entry.get("filename") or upload.filename
        spoiler = bool(entry.get("is_spoiler"))
        files.append(NewFile(UploadedFile(str(name), upload.data), entry.get("description"), spoiler))
    return tuple(files)


def _entries(body: Json) -> list[tuple[int, Json]]:
    return [(i, entry) for i, entry in enumerate(body.get("attachments") or []) if isinstance(entry, dict)]


def _kept(body: Json, old: Message | None) -> dict[int, Json]:
    """Attachments of the old message an edit keeps: those listed, or all if there is no list."""
    if old is None:
        return {}
    own = {file.id for file in old.files}
    if "attachments" not in body:
        return {file_id: {} for file_id in own}
    listed = {snowflake_or_none(entry.get("id")): entry for _, entry in _entries(body)}
    return {file_id: listed[file_id] for file_id in own if file_id in listed}


def _names(files: tuple[NewFile, ...]) -> set[str]:
    return {file.upload.filename for file in files} | {clean_name(file.upload.filename) for file in files}


def _old_names(kept: dict[int, Json], old: Message | None) -> set[str]:
    return {file.filename for file in old.files if file.id in kept} if old else set()


def of(body: Body, *, old: Message | None = None) -> Draft:
    """Check a request whose body is the message itself. Raises ApiError 50035 or 50006."""
    return read(body.json, body.uploads, old=old)
