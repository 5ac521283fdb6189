"""What a provider's error means: whether another attempt can help, and whether the call may be billed."""

from dataclasses import dataclass
from typing import Literal

from pydantic_ai.exceptions import (
    ModelAPIError,
    ModelConnectionError,
    ModelHTTPError,
    ModelOverloadedError,
    ModelQuotaExceededError,
    ModelRateLimitError,
    ModelRequestTimeout,
    ModelServerError,
    ModelUnavailableError,
    UnexpectedModelBehavior,
)

PASSING = (
    ModelConnectionError,
    ModelOverloadedError,
    ModelRateLimitError,
    ModelRequestTimeout,
    ModelServerError,
    ModelUnavailableError,
)
_GATEWAY = (408, 502, 504)  # something between us and the model gave up; the model may have gone on
_NEVER_SENT = ("pool", "connect")


@dataclass(frozen=True)
class Meaning:
    """`again`: another attempt may help; `wait_s`: the pause the provider asks for; `billed`: it may be."""

    again: bool
    billed: Literal["no", "perhaps"]
    wait_s: float | None = None


def meaning(error: BaseException) -> Meaning:
    """What is not known for certain to be free counts as billed."""
    if isinstance(error, ModelQuotaExceededError):
        return Meaning(False, "no")
    if isinstance(error, ModelHTTPError):
        again = isinstance(error, PASSING) or error.status_code >= 500 or error.status_code in (408, 409, 429)
        return Meaning(again, "perhaps" if error.status_code in _GATEWAY else "no", error.retry_after)
    if isinstance(error, ModelConnectionError):
        return Meaning(True, "no" if error.phase in _NEVER_SENT else "perhaps", error.retry_after)
    if isinstance(error, ModelAPIError):
        return Meaning(isinstance(error, PASSING), "perhaps", error.retry_after)
    return Meaning(isinstance(error, UnexpectedModelBehavior | TimeoutError), "perhaps")


def hopeless(error: BaseException) -> bool:
    """Whether this model cannot be asked at all: a wrong key, an unknown name, no credit there."""
    if isinstance(error, ModelQuotaExceededError):
        return True
    return isinstance(error, ModelHTTPError) and error.status_code in (401, 402, 403, 404)
