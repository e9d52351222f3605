"""Where a picture is to change: cells A1 to C3 of a grid laid over it. Names and arithmetic only; torch-free.

Columns are letters from the left, rows are numbers from the top, as in a spreadsheet.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Annotated

from pydantic import Field

from flux2 import sizing
from flux2.errors import InvalidRequest
from flux2.language import _
from flux2.models import Model

COLUMNS, ROWS = "ABC", "123"
PLACES: dict[str, str] = {
    "A1": "top left", "B1": "top", "C1": "top right",
    "A2": "left", "B2": "middle", "C2": "right",
    "A3": "bottom left", "B3": "bottom", "C3": "bottom right",
}  # fmt: skip
"""Every cell, row by row, and where it lies."""
Cell = Annotated[str, Field(pattern=f"^[{COLUMNS}][{ROWS}]$")]
Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels, the last two outside."""

_LIKENESS = 0.02
"""How far the shapes of mask and picture may differ: a few pixels lost in scaling, not another picture."""
_RANGE = re.compile(r"\s*(?:-|–|—|:|\bto\b)\s*", re.I)
_BETWEEN = re.compile(r"[\s,;+&]+")


def parse(text: str) -> tuple[str, ...]:
    """Return the cells that `A1-B2` (the rectangle between), `A1,B2` or any mix of them names, row by row.

    Raises InvalidRequest.
    """
    chosen: set[str] = set()
    for part in filter(None, _BETWEEN.split(_RANGE.sub("-", text.strip()))):
        first, *rest = (_cell(name) for name in part.split("-"))
        last = rest[-1] if rest else first
        columns, rows = sorted((first[0], last[0])), sorted((first[1], last[1]))
        chosen |= {cell for cell in PLACES if columns[0] <= cell[0] <= columns[1] and rows[0] <= cell[1] <= rows[1]}
    if not chosen:
        raise InvalidRequest(_("The region is empty; name cells such as A1-B2, or leave it out."))
    return ordered(chosen)


def _cell(name: str) -> str:
    cell = name.strip().upper()
    if cell not in PLACES:
        raise InvalidRequest(
            _(
                "There is no cell “{name}”; cells are A1 (top left) to C3 (bottom right), such as A1-B2 or A1,C3."
            ).format(name=name.strip()[:20])
        )
    return cell


def ordered(cells: Iterable[str]) -> tuple[str, ...]:
    """The cells row by row, each once."""
    chosen = set(cells)
    return tuple(cell for cell in PLACES if cell in chosen)


def told(cells: Iterable[str]) -> str:
    """The cells as short as `parse` reads them: a full rectangle by its corners, others one by one."""
    chosen = ordered(cells)
    if len(chosen) > 1 and parse(corners := f"{chosen[0]}-{chosen[-1]}") == chosen:
        return corners
    return ",".join(chosen)


def boxes(cells: Iterable[str], width: int, height: int) -> list[Box]:
    """Where the cells lie in a picture of that size; neighbours leave no pixel between them."""
    across = [round(width * i / len(COLUMNS)) for i in range(len(COLUMNS) + 1)]
    down = [round(height * i / len(ROWS)) for i in range(len(ROWS) + 1)]
    found = []
    for cell in cells:
        column, row = COLUMNS.index(cell[0]), ROWS.index(cell[1])
        found.append((across[column], down[row], across[column + 1], down[row + 1]))
    return found


def drawing_size(model: Model, width: int, height: int) -> tuple[int, int]:
    """The size `model` draws a part of such a picture at: its own in multiples of 16, reduced to `masked_pixels`.

    Raises InvalidRequest for a model that cannot.
    """
    if not model.masked_pixels:
        raise InvalidRequest(
            _(
                "{model} cannot change a part of a picture alone; choose another model, or leave region and mask out."
            ).format(model=model.name)
        )
    scale = max(min(1.0, math.sqrt(model.masked_pixels / (width * height))), model.min_side / min(width, height))
    size = sizing.snap(width * scale), sizing.snap(height * scale)
    return size if size[0] * size[1] <= model.masked_pixels else sizing.fit(width / height, model.masked_pixels)


def require_likeness(mask: tuple[int, int], picture: tuple[int, int]) -> None:
    """Raise InvalidRequest where a mask of that size cannot have been painted over the picture."""
    if abs(math.log(mask[0] / mask[1] / (picture[0] / picture[1]))) > _LIKENESS:
        raise InvalidRequest(
            _(
                "The mask is {mask} and the picture {picture}; "
                "paint the mask over the picture itself, so that both have the same shape."
            ).format(mask=f"{mask[0]}x{mask[1]}", picture=f"{picture[0]}x{picture[1]}")
        )
