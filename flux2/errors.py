"""The error tree of flux2. Torch-free, so that the bot can word every refusal.

Flux2Error
  InvalidRequest          the member can mend it; the text names the limit and the value
  ScreeningRefused        prompt or picture is not allowed
  UpsamplingFailed        no rewritten prompt or caption came back
  OutOfMemory             a smaller picture might work
  CheckpointUnavailable   the operator must act
GenerationCancelled       a BaseException: not an error, and no `except Exception` may swallow it
"""


class Flux2Error(Exception):
    """Base of all errors whose text a member or an operator may read: one sentence that says what to do."""


class InvalidRequest(Flux2Error):
    """A value is outside what the model takes; the text says which, the limit, and what to send instead."""


class ScreeningRefused(Flux2Error):
    """The prompt or a picture was refused by a screen; never retried."""


class UpsamplingFailed(Flux2Error):
    """A language model gave nothing that can be used; the text says why, as a sentence for the member."""


class OutOfMemory(Flux2Error):
    """The accelerator ran out of memory; a smaller picture or fewer references might fit."""


class CheckpointUnavailable(Flux2Error):
    """Weights are missing, incomplete or gated; the text says what the operator has to do."""


class GenerationCancelled(BaseException):
    """Raised at a step boundary when the caller asked to stop."""


def loses_the_device(error: BaseException) -> bool:
    """Whether the accelerator's context is dead after `error`, so that nothing later in this process can succeed."""
    words = str(error)
    return isinstance(error, RuntimeError) and any(
        sign in words for sign in ("CUDA error", "CUDNN_STATUS", "HIP error")
    )
