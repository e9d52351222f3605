"""How a canvas too large for the model is cut into overlapping tiles, and how these are put together without a seam.

Torch-free arithmetic on lengths in tokens of 16 pixels. The weights of all tiles add up to one everywhere, so blending
is a weighted sum and a single tile is left exactly as it is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Weights = NDArray[np.float32]


@dataclass(frozen=True)
class Span:
    """A tile along one axis, in tokens."""

    start: int
    size: int

    @property
    def end(self) -> int:
        """One past its last token."""
        return self.start + self.size

    def scaled(self, scale: int) -> slice:
        """The span as a slice of an axis with `scale` samples per token."""
        return slice(self.start * scale, self.end * scale)


@dataclass(frozen=True)
class Tile:
    """One tile of a layout."""

    rows: Span
    columns: Span


@dataclass(frozen=True)
class Layout:
    """All tiles of a canvas, row by row."""

    rows: tuple[Span, ...]
    columns: tuple[Span, ...]

    @property
    def tiles(self) -> tuple[Tile, ...]:
        """In the order they are worked on."""
        return tuple(Tile(row, column) for row in self.rows for column in self.columns)

    def edges(self, scale: int) -> tuple[tuple[Weights, Weights], ...]:
        """The weights of every tile down and across; their product is its window."""
        down, across = profiles(self.rows, scale), profiles(self.columns, scale)
        return tuple((row, column) for row in down for column in across)

    def windows(self, scale: int) -> tuple[Weights, ...]:
        """The weight of every sample of every tile, shape (height, width) at `scale` samples per token."""
        return tuple(np.outer(row, column) for row, column in self.edges(scale))


def layout(height: int, width: int, side: int, overlap: int) -> Layout:
    """Cover `height` x `width` tokens with tiles of at most `side`, neighbours sharing at least `overlap` tokens."""
    return Layout(spans(height, side, overlap), spans(width, side, overlap))


def spans(length: int, side: int, overlap: int) -> tuple[Span, ...]:
    """Cover one axis; the tiles are equally long and as evenly spread as whole tokens allow."""
    if length <= side:
        return (Span(0, length),)
    count = math.ceil((length - overlap) / (side - overlap))
    return tuple(Span(round(i * (length - side) / (count - 1)), side) for i in range(count))


def profiles(axis: Sequence[Span], scale: int) -> tuple[Weights, ...]:
    """Weights along one axis: each tile fades in and out over what it shares with its neighbours; they sum to one."""
    raw = []
    for before, span, after in zip((None, *axis), axis, (*axis[1:], None), strict=False):
        weights = np.ones(span.size * scale)
        if before is not None and before.end > span.start:
            fade = _fade((before.end - span.start) * scale)
            weights[: len(fade)] *= fade
        if after is not None and span.end > after.start:
            fade = _fade((span.end - after.start) * scale)
            weights[-len(fade) :] *= fade[::-1]
        raw.append(weights)
    total = np.zeros(axis[-1].end * scale)
    for span, weights in zip(axis, raw, strict=True):
        total[span.scaled(scale)] += weights
    return tuple(
        (weights / total[span.scaled(scale)]).astype(np.float32) for span, weights in zip(axis, raw, strict=True)
    )


def _fade(samples: int) -> NDArray[np.float64]:
    """A raised cosine from 0 to 1: no kink where it begins, which the eye would find."""
    return (1 - np.cos(np.pi * (np.arange(samples) + 0.5) / samples)) / 2
