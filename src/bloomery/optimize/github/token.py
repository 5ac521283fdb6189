"""The token: from the environment (the names that gh reads), never written down, never shown."""

import os
from collections.abc import Mapping

from bloomery.agents.keys import Key
from bloomery.optimize.github.errors import TokenMissing

NAMES = ("GH_TOKEN", "GITHUB_TOKEN")  # as gh: the first that is set


def find_token(environment: Mapping[str, str] = os.environ) -> Key | None:
    """The token of the environment, if there is one."""
    values = (environment.get(name, "").strip() for name in NAMES)
    return next((Key(value) for value in values if value), None)


def need_token(environment: Mapping[str, str] = os.environ) -> Key:
    """Raises: TokenMissing."""
    token = find_token(environment)
    if token is None:
        raise TokenMissing(f"no token: set {' or '.join(NAMES)} (`GH_TOKEN=$(gh auth token)` takes gh's)")
    return token
