"""Block by block from left to right; within a block by any stepper."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from bloomery.core.errors import UserError
from bloomery.diffusion.processes.process import Done, Net, Process, Step, Stepper, Stop
from bloomery.diffusion.processes.sampling import sample

Prepare = Callable[[Tensor, int, int], Net]  # tokens, begin and end of the block -> the net to fill it with


def sample_blocks(
    process: Process,
    net: Net,
    x_T: Tensor,
    *,
    block: int,
    steps: int,
    generator: torch.Generator,
    stepper: Stepper,
    begin: int = 0,
    prepare: Prepare | None = None,
    stop: Stop | None = None,
    done: Done | None = None,
    **options: Any,
) -> Tensor:
    """Tokens from `begin` on, a block at a time, each in so many steps from t = 1 to 0.

    The net sees all tokens, masks of later blocks too. `prepare` gives a net for each block, which may have
    kept what tokens outside of it cost (keys and values); without it the net is the same for all.

    Shapes: x_T (B, L) -> (B, L)
    Source: arXiv 2502.09992 (LLaDA), semi-autoregressive remasking; arXiv 2505.22618 (Fast-dLLM)
    """
    if block < 1:
        raise UserError(f"a block has 1 token or more, not {block}")
    x = x_T
    for start in range(begin, x.shape[1], block):
        end = min(start + block, x.shape[1])
        x = sample(
            process,
            net if prepare is None else prepare(x, start, end),
            x,
            steps=steps,
            generator=generator,
            stepper=within(stepper, start, end),
            stop=None if stop is None else _stop_within(stop, start, end),
            done=None if done is None else _done_within(done, start, end),
            **options,
        )
    return x


def within(stepper: Stepper, start: int, end: int) -> Stepper:
    """A stepper that sees and moves the tokens from start to end."""

    def begin(process: Process) -> Step:
        step = stepper(process)

        def inside(x: Tensor, guess: Tensor, t: Tensor, s: Tensor, generator: torch.Generator) -> Tensor:
            moved = step(x[:, start:end], guess[:, start:end], t, s, generator)
            return torch.cat([x[:, :start], moved, x[:, end:]], 1)

        return inside

    return begin


def _stop_within(stop: Stop, start: int, end: int) -> Stop:
    return lambda x, guess, t: stop(x[:, start:end], guess[:, start:end], t)


def _done_within(done: Done, start: int, end: int) -> Done:
    return lambda x, t: done(x[:, start:end], t)
