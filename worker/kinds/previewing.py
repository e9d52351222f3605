"""Shows what a picture is becoming, every few seconds and off the thread that draws.

Owns when anybody looks and the small files that come of it. Declines to know how a glimpse is made (flux2/previews.py)
and who sees it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager

from PIL import Image

from flux2 import images
from flux2.engine import OnGlimpse
from flux2.errors import ScreeningRefused
from flux2.previews import Look
from worker.kinds.kit import Kit

_log = logging.getLogger(__name__)

_QUALITY = 70
_SHARE = 0.02
"""Of the time that goes by, previews may cost this much: a slow look is followed by a longer pause."""
Show = Callable[[str], None]
"""Called with the hash of a preview in the blobs, from another thread."""


class _Previews:
    def __init__(self, kit: Kit, show: Show, clock: Callable[[], float] = time.monotonic) -> None:
        self._kit = kit
        self._show = show
        self._clock = clock
        self._due = clock() + kit.preview_interval_s
        self._kept: list[str] = []
        self._saving: Future[None] | None = None

    def glimpse(self, look: Look) -> None:
        """Look if it is time and the last preview is on its way; the first comes after one interval."""
        began = self._clock()
        if began < self._due or (self._saving is not None and not self._saving.done()):
            return
        image = look()
        if image is not None:
            cost = self._clock() - began
            self._due = began + max(self._kit.preview_interval_s, cost / _SHARE)
            self._saving = self._kit.saver.submit(self._keep, image)

    def _keep(self, image: Image.Image) -> None:
        try:
            self._kit.screening.check_image(image, "result")
            if self._kit.screening.hides(image):
                return
            sha256 = self._kit.blobs.put(images.encode(image, "webp", _QUALITY))
            self._kept.append(sha256)
            self._show(sha256)
        except ScreeningRefused:
            # Whether the picture itself may be shown is asked once it is there.
            return
        except Exception:  # noqa: BLE001 - the boundary of a courtesy: without its preview the picture is as good
            _log.warning("A preview could not be shown.", exc_info=True)

    def clear(self) -> None:
        """Remove what was kept: whoever wanted to see it has, or will see the picture itself."""
        if self._saving is not None:
            self._saving.exception()
        for sha256 in self._kept:
            try:
                self._kit.blobs.delete(sha256)
            except Exception as error:  # noqa: BLE001 - the same boundary; object stores have errors of their own
                _log.warning("A preview stays in the blobs: %s", error)


@contextmanager
def previewing(kit: Kit, show: Show) -> Iterator[OnGlimpse | None]:
    """Yield what the engine calls after each step; None where previews are off. They are gone when this ends."""
    # A preview nobody was asked about may not be shown, and asking would wait for the drawing.
    if not kit.preview_interval_s or kit.screening.asks_about_images:
        yield None
        return
    previews = _Previews(kit, show)
    try:
        yield previews.glimpse
    finally:
        previews.clear()
