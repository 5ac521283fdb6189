"""Tokens that nobody can foresee."""

from collections.abc import Iterator

from bloomery.optimize.proposers.robustness.source import Source
from bloomery.optimize.proposers.security.fix import Fix, calls, fix, replaced, says

DRAWS = ("choice", "choices", "sample", "randint", "randrange", "getrandbits", "random", "randbytes")
SECRET = (
    r"tokens?|passwords?|passwd|secrets?|nonces?|salts?|otp|csrf|session id|api key|pin|passphrase|captcha"
)


def drawn(source: Source) -> Iterator[Fix]:
    """Draws for what is named as a secret, where no seed is set: the same calls of the system's generator."""
    if any(source.calls("random.seed")):
        return
    for call in calls(source, *(f"random.{name}" for name in DRAWS)):
        if says(source, call, SECRET):
            name = source.full_name(call.func).rpartition(".")[2]
            edit = replaced(source, call.func, f"secrets.SystemRandom().{name}")
            yield fix(source, call, "random can be foreseen", edit, imports="import secrets")
