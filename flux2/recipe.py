"""Recipes as a file: what pictures were drawn from, written so that one can be drawn again. Torch-free."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from flux2.errors import InvalidRequest
from flux2.language import _
from flux2.provenance import Asked, Provenance
from flux2.request import OutputFormat

_KEY = "recipes"
"""What tells such a file from a JSON prompt, which has no such key of its own."""


class Recipe(Provenance):
    """One picture's making, with what a picture's own file does not say. Unknown fields are passed over."""

    count: Annotated[int, Field(ge=1, le=10)] = 1
    """Pictures; number i was drawn with seed + i, unless lists in the prompt made them."""
    output_format: OutputFormat | None = None
    output_quality: Annotated[int, Field(ge=0, le=100)] | None = None
    upsample: Literal["none", "local", "openrouter"] = "none"
    region: tuple[str, ...] = ()
    """Cells of the first reference image that were changed alone."""
    is_masked: bool = False
    """Whether a part was changed alone: those cells, or what a painted mask named."""
    has_mask: bool = False
    """Whether there was such a mask; the file does not hold it."""
    creativity: Annotated[float, Field(ge=0, le=1)] | None = None
    """Of a picture that was enlarged."""
    version: int | None = None
    """Among the pictures it came from."""
    id: Annotated[str, Field(max_length=40)] | None = None
    drawn_at: datetime | None = None

    @property
    def draws_anew(self) -> bool:
        """Whether a picture was drawn over, which is none of the references."""
        return self.strength not in (None, 1)

    @property
    def needs_mask(self) -> bool:
        """Whether it cannot be drawn without a mask: none of the first files said more than `is_masked`."""
        return self.has_mask or (self.is_masked and not self.region)

    @property
    def pictures(self) -> int:
        """How many it takes to draw it: the one that is drawn over comes first."""
        return self.reference_images + self.draws_anew


def recipe_of(request: Asked, seed: int, *, version: int | None = None, id: str, drawn_at: datetime) -> Recipe:
    """The recipe of what `request` drew from `seed`; what its kind does not have is left out."""
    made = Provenance.of(request, seed).model_dump()
    own = {name: getattr(request, name) for name in _OWN if getattr(request, name, None) is not None}
    own["has_mask"] = getattr(request, "mask_image", None) is not None
    return Recipe(**made, **own, version=version, id=id, drawn_at=drawn_at)


_OWN = ("count", "output_format", "output_quality", "upsample", "region", "is_masked", "creativity")


def write(recipes: Sequence[Recipe]) -> str:
    """The file's text; the first recipe is the one that is drawn from it."""
    dumped = [one.model_dump(mode="json", exclude_none=True, exclude_defaults=True) for one in recipes]
    whole = [
        {"kind": one.kind, "software": one.software, **values} for one, values in zip(recipes, dumped, strict=True)
    ]
    return json.dumps({_KEY: whole}, indent=1, ensure_ascii=False)


def read(text: str) -> Recipe | None:
    """The first recipe of such a file; None where the text is none. Raises InvalidRequest for one that is damaged."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict) or _KEY not in document:
        return None
    found = document[_KEY]
    try:
        return Recipe.model_validate(found[0] if isinstance(found, list) and found else None)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or _KEY
        told = _("The recipe in that file is damaged at “{where}”; export it anew.").format(where=where)
        raise InvalidRequest(told) from None
