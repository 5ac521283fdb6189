"""Connections whose other end shows who it is."""

from collections.abc import Iterator

from bloomery.optimize.proposers.robustness.source import Source
from bloomery.optimize.proposers.security.fix import (
    Fix,
    calls,
    dropped,
    fix,
    is_constant,
    is_plain,
    keyword,
    replaced,
)

VERBS = ("get", "post", "put", "delete", "head", "patch", "options", "request")
ASKED = tuple(f"{library}.{verb}" for library in ("requests", "httpx") for verb in VERBS)


def verified(source: Source) -> Iterator[Fix]:
    for call in calls(source, *ASKED):
        if is_plain(call) and is_constant(keyword(call, "verify"), False):
            yield fix(source, call, "anybody could be the other end", dropped(source, call, "verify"))


def unverified(source: Source) -> Iterator[Fix]:
    for call in calls(source, "ssl._create_unverified_context"):
        if not call.args and not call.keywords:
            edit = replaced(source, call, "ssl.create_default_context()")
            yield fix(source, call, "anybody could be the other end", edit, imports="import ssl")
