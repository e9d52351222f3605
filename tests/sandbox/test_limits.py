"""The limits of a message, checked where the API checks them: each refusal names its field."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox import draft as drafts
from sandbox.body import UploadedFile
from sandbox.wire import ApiError

ROW = {"type": 1, "components": [{"type": 2, "style": 1, "label": "x", "custom_id": "a"}]}
BUTTON = ROW["components"][0]


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"content": "x" * 2001}, "content"),
        ({"embeds": [{"title": "x" * 257}]}, "embeds.0.title"),
        ({"embeds": [{"description": "x" * 4097}]}, "embeds.0.description"),
        ({"embeds": [{"description": "x" * 3001}, {"description": "x" * 3000}]}, "embeds"),
        ({"embeds": [{"title": "x"}] * 11}, "embeds"),
        ({"embeds": [{"fields": [{"name": "a", "value": ""}]}]}, "embeds.0.fields.0.value"),
        ({"content": "x", "components": [ROW] * 6}, "components"),
        ({"content": "x", "components": [ROW, ROW]}, "components.1.components.0.custom_id"),
        ({"content": "x", "components": [{"type": 1, "components": []}]}, "components.0.components"),
        (
            {"content": "x", "components": [{"type": 1, "components": [{**BUTTON, "label": "x" * 81}]}]},
            "components.0.components.0.label",
        ),
        (
            {"content": "x", "components": [{"type": 1, "components": [{**BUTTON, "custom_id": "x" * 101}]}]},
            "components.0.components.0.custom_id",
        ),
        (
            {
                "content": "x",
                "components": [{"type": 1, "components": [{**BUTTON, "custom_id": str(i)} for i in range(6)]}],
            },
            "components.0.components",
        ),
        ({"content": "x", "components": [{"type": 10, "content": "x"}]}, "components.0"),
        ({"flags": 1 << 15, "components": [{"type": 10, "content": "x"}] * 41}, "components"),
        ({"flags": 1 << 15, "components": [{"type": 10, "content": "x" * 2001}] * 2}, "components"),
        ({"flags": 1 << 15, "components": [{"type": 12, "items": []}]}, "components.0.items"),
        ({"content": "x", "allowed_mentions": {"parse": ["users"], "users": ["1"]}}, "allowed_mentions"),
        ({"content": "x", "attachments": [{"id": 0, "description": "x" * 1025}]}, "attachments.0.description"),
    ],
)
def test_limits_are_refused_where_they_are_broken(body: dict[str, object], path: str) -> None:
    """Each limit is a 50035 whose errors name the field, nested as Discord nests them."""
    uploads = {0: UploadedFile("a.png", b"x")} if "attachments" in body else {}
    with pytest.raises(ApiError) as error:
        drafts.read(body, uploads)
    node = error.value.extra["errors"]
    for part in path.split("."):
        node = node[part]
    assert node["_errors"][0]["code"]
    assert error.value.code == 50035


@settings(max_examples=60, deadline=None)
@given(content=st.integers(0, 2100), titles=st.lists(st.integers(0, 300), max_size=12))
def test_a_message_is_accepted_exactly_within_its_limits(content: int, titles: list[int]) -> None:
    """Length of content and number, size and sum of embeds decide alone."""
    body = {"content": "x" * content, "embeds": [{"title": "x" * size} for size in titles]}
    fits = content <= 2000 and len(titles) <= 10 and all(size <= 256 for size in titles)
    if content or titles:
        try:
            drafts.read(body, {})
        except ApiError as error:
            assert (fits, error.code) == (False, 50035)  # noqa: PT017 - both outcomes are claims
        else:
            assert fits
