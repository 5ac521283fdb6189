"""A pytest plugin that writes down what marked expressions of tests are worth while they run.

Marked are calls of `bloomery_seen_(key, value)`, which gives back the value, and of `bloomery_raised_(key,
manager)`, around `pytest.raises(...)`. See bloomery_outcomes for how events are told.
"""

import builtins
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bloomery_expressions import Speaker, Unspeakable
from bloomery_outcomes import tell


def seen(key: str, value: Any) -> Any:
    speaker = Speaker("")
    try:
        tell(event="seen", key=key, text=speaker.say(value), needs=speaker.needs)
    except Unspeakable:
        tell(event="seen", key=key, text=None, needs={})
    return value


@contextmanager
def raised(key: str, manager: Any) -> Iterator[Any]:
    with manager as info:
        yield info
    tell(
        event="seen",
        key=key,
        text=info.type.__qualname__,
        needs={info.type.__qualname__: info.type.__module__},
    )


builtins.bloomery_seen_ = seen  # type: ignore[attr-defined]
builtins.bloomery_raised_ = raised  # type: ignore[attr-defined]
