"""How often one of k tries passes, estimated from n >= k tries.

Source: Chen et al. 2021 (arXiv:2107.03374), section 2.1: pass@k = 1 - C(n - c, k) / C(n, k), unbiased, where
c of n samples pass; 1 - (1 - c/n)^k is not.
"""

from collections.abc import Iterable
from fractions import Fraction
from math import comb

from bloomery.core.errors import ConfigError


def pass_at_k(tries: int, passed: int, k: int) -> float:
    """The chance that at least one of k, drawn without return from all tries, passed.

    Raises: ConfigError where there are fewer tries than k: nothing is known then.
    """
    if not 0 <= passed <= tries:
        raise ConfigError(f"of {tries} tries 0 to {tries} pass, not {passed}")
    if not 1 <= k <= tries:
        raise ConfigError(f"pass@{k} needs at least {max(k, 1)} tries of each problem; there are {tries}")
    return float(1 - Fraction(comb(tries - passed, k), comb(tries, k)))


def mean_pass_at_k(counts: Iterable[tuple[int, int]], k: int) -> float:
    """Over problems, each with its tries and how many of them passed.

    Raises: ConfigError without problems.
    """
    chances = [pass_at_k(tries, passed, k) for tries, passed in counts]
    if not chances:
        raise ConfigError("pass@k is a mean over problems; there are none")
    return sum(chances) / len(chances)
