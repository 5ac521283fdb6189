"""Log lines: for people on stderr, as JSON lines in a run's file, never on stdout, never with a secret.

Nothing here touches structlog's global configuration: a program that embeds Bloomery keeps its own.

Redacted are values under a key that is named like a secret, at any depth of mappings, lists and dataclasses,
passwords in URLs, and tokens of a known form anywhere in a text. Numbers under `*token*` and `*key*` stay:
they are counts. Not covered: a secret of no known form in a sentence or in the `repr` of an object.
"""

import dataclasses
import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, WrappedLogger

from bloomery.core.tokens import mask

Level = Literal["debug", "info", "warning", "error", "silent"]
LEVELS: dict[str, int] = {"debug": 10, "info": 20, "warning": 30, "error": 40, "silent": 100}
REDACTED = "[redacted]"

_SECRET = re.compile(r"secret|passw|credential|authorization|cookie|private", re.IGNORECASE)
_SECRET_UNLESS_NUMBER = re.compile(r"token|key", re.IGNORECASE)
LEAST_TOKEN = 16  # characters of a user's name in a URL that has digits, too: no login, but a token
_URL_LOGIN = re.compile(r"(?<=://)([^/\s:@]*)(:[^/\s@]+)?@")


def get_log(name: str, /, **context: Any) -> FilteringBoundLogger:
    """A logger that adds `log=name` and the given context to each of its lines."""
    return structlog.wrap_logger(
        _SINKS,
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            redact,
            _whole,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS["debug"]),
        log=name,
        **context,
    )


def set_level(level: Level) -> None:
    """The least level that is shown on stderr; a run's file always has every line."""
    _SINKS.stderr_level = LEVELS[level]


@contextmanager
def log_to(file: Path, **context: Any) -> Iterator[None]:
    """Also appends every line to `file` as JSON, with the given context (a run's id), while the block runs.

    Many processes may append to one file: each line is one write.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
    _SINKS.files.append(descriptor)
    try:
        with structlog.contextvars.bound_contextvars(**context):
            yield
    finally:
        _SINKS.files.remove(descriptor)
        os.close(descriptor)


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Takes the secrets out of a line."""
    return {key: _redacted(key, value) for key, value in event.items()}


def _redacted(key: str, value: Any) -> Any:
    number = value is None or isinstance(value, int | float)
    if _SECRET.search(key) or (_SECRET_UNLESS_NUMBER.search(key) and not number):
        return REDACTED
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {inner: _redacted(str(inner), item) for inner, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_redacted("", item) for item in value]
    return mask(without_passwords(value)) if isinstance(value, str) else value


def without_passwords(text: str) -> str:
    """The text with the passwords in its URLs taken out, and tokens that stand there as a user's name."""
    return _URL_LOGIN.sub(_masked, text)


def _masked(login: re.Match[str]) -> str:
    user = REDACTED if _is_token(login[1]) else login[1]
    return f"{user}:{REDACTED}@" if login[2] else f"{user}@"


def _is_token(user: str) -> bool:
    random = len(user) >= LEAST_TOKEN and any(map(str.isdigit, user)) and any(map(str.isalpha, user))
    return random or mask(user) != user


def _whole(_logger: WrappedLogger, _method: str, event: EventDict) -> tuple[tuple[EventDict], dict[str, Any]]:
    """Hands the line to the sinks as a mapping: each renders it in its own way."""
    return (event,), {}


class _Sinks:
    """Where lines go: stderr (as it is at that moment, so that a progress bar may redirect it) and files."""

    def __init__(self) -> None:
        self.stderr_level = LEVELS["info"]
        self.files: list[int] = []

    def write(self, event: EventDict) -> None:
        for descriptor in self.files:
            _write_whole(descriptor, (json.dumps(event, default=str) + "\n").encode())
        if LEVELS.get(event["level"], LEVELS["error"]) >= self.stderr_level:
            render = _console(sys.stderr.isatty())
            sys.stderr.write(render(None, event["level"], dict(event)) + "\n")

    debug = info = warning = error = critical = write


def _write_whole(descriptor: int, data: bytes) -> None:
    """The system may write less than it is given: on a disk that is nearly full, or after a signal."""
    while data:
        data = data[os.write(descriptor, data) :]


def _console(colors: bool) -> Callable[[Any, str, EventDict], str]:
    # plain tracebacks: rich ones show local variables, secrets too
    return structlog.dev.ConsoleRenderer(
        colors=colors, exception_formatter=structlog.dev.plain_traceback, pad_event_to=0
    )


_SINKS = _Sinks()
