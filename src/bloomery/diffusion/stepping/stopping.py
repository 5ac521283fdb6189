"""When a sample may end before its steps do. What it costs in quality: benchmarks/diffusion_samplers.py."""

from torch import Tensor

from bloomery.core.errors import UserError
from bloomery.diffusion.processes.process import Done, Stop


def nothing_masked(mask: int, known: Tensor | None = None) -> Done:
    """No mask is left; costs nothing where decided tokens stay. `known` is true where masks do not count."""

    def done(x: Tensor, t: float) -> bool:
        return not bool(((x == mask) if known is None else (x == mask) & ~known).any())

    return done


def settled(tolerance: float, patience: int = 1) -> Stop:
    """No entry of the guess moved by more than `tolerance` in each of the last steps.

    Of numbers in their unit, of tokens in probability. One object for one sample: it remembers.
    """
    if not tolerance > 0 or patience < 1:
        raise UserError(f"a tolerance is above 0 and patience 1 or more, got {tolerance:g} and {patience}")
    last: list[Tensor] = []
    calm = 0

    def stop(x: Tensor, guess: Tensor, t: float) -> bool:
        nonlocal calm
        now = guess.exp() if not x.is_floating_point() else guess
        moved = float((now - last[0]).abs().max()) if last else float("inf")
        calm = calm + 1 if moved <= tolerance else 0
        last[:] = [now]
        return calm >= patience

    return stop
