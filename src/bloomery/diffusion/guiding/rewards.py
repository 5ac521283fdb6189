"""Asking a reward that others wrote: what it says is checked before anything is decided by it."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from bloomery.core.errors import UserError

Reward = Callable[[Tensor], Tensor | Sequence[float]]  # samples (B, ...) -> (B,), the higher the better


def asked(reward: Reward, samples: Tensor, timeout_s: float | None = None) -> Tensor:
    """One finite number for each sample, in double precision on the samples' device.

    A reward that takes too long is left behind in a thread of its own, which ends with the process.

    Shapes: samples (B, ...) -> (B,)
    Raises: UserError where the reward raises, takes longer than `timeout_s`, or says anything else
    """
    said = _called(reward, samples, timeout_s)
    try:
        found = torch.as_tensor(said, dtype=torch.float64, device=samples.device)
    except (TypeError, ValueError, RuntimeError) as error:
        raise UserError(f"a reward gives one number for each sample, not {type(said).__name__}") from error
    if found.shape != (len(samples),):
        raise UserError(
            f"a reward gives one number for each of {len(samples)} samples, not {tuple(found.shape)}"
        )
    wrong = ~torch.isfinite(found)
    if bool(wrong.any()):
        first = int(wrong.nonzero()[0])
        raise UserError(
            f"the reward of {int(wrong.sum())} of {len(found)} samples is no finite number, first of sample"
            f" {first}: {float(found[first])}; give what cannot be judged a low number"
        )
    return found


def discerning(reward: Reward, samples: Tensor, timeout_s: float | None = None) -> Tensor:
    """As `asked`, of samples that differ.

    Raises: UserError where the reward says the same of all of them: nothing can be learned or chosen by it
    """
    found = asked(reward, samples, timeout_s)
    if len(found) < 2 or bool((found == found[0]).all()):
        raise UserError(
            f"the reward is {float(found[0]):g} for all {len(found)} samples: nothing can be told by it;"
            " use one that differs between good and bad samples, or more samples"
        )
    return found


def _called(reward: Reward, samples: Tensor, timeout_s: float | None) -> Any:
    if timeout_s is None:
        return _or_error(reward, samples)
    said: list[Any] = []
    grad = torch.is_grad_enabled()

    def run() -> None:
        with torch.set_grad_enabled(grad):  # a thread begins with gradients on
            try:
                said.append(_or_error(reward, samples))
            except UserError as error:
                said.append(error)

    thread = threading.Thread(target=run, daemon=True, name="reward")
    thread.start()
    thread.join(timeout_s)
    if not said:
        raise UserError(
            f"the reward of {len(samples)} samples took longer than {timeout_s:g} s; nothing waits for it"
        )
    if isinstance(said[0], UserError):
        raise said[0]
    return said[0]


def _or_error(reward: Reward, samples: Tensor) -> Any:
    try:
        return reward(samples)
    except UserError:
        raise
    except Exception as error:  # edge: a function of the user's
        raise UserError(f"the reward raised {type(error).__name__}: {error}") from error
