"""Requests that do not hold a service for ever."""

from collections.abc import Iterator

from bloomery.optimize.proposers.robustness.source import Source
from bloomery.optimize.proposers.robustness.timeouts import NETWORK_S
from bloomery.optimize.proposers.security.certificates import VERBS
from bloomery.optimize.proposers.security.fix import Fix, added, calls, fix, is_plain, keyword


def timed(source: Source) -> Iterator[Fix]:
    for call in calls(source, *(f"requests.{verb}" for verb in VERBS)):
        if is_plain(call) and keyword(call, "timeout") is None:
            yield fix(source, call, "it waits for ever", added(source, call, f"timeout={NETWORK_S}"))
