"""Tokens and keys on lines that a change adds."""

from collections.abc import Iterator

from bloomery.core.tokens import tokens_in
from bloomery.optimize.reviewing.checks.sight import Sight
from bloomery.optimize.reviewing.finding import Finding

DO = "take it out, revoke it where it was given, and read it from the environment or a keyring"


def look(sight: Sight) -> Iterator[Finding]:
    for file in sight.change.files:
        for line, kind in tokens_in(file.after or ""):
            if line in file.lines:
                yield Finding("secrets", file.path, line, "error", f"it holds a {kind}", DO)
