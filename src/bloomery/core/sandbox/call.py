"""Calls an untrusted Python function for given inputs; what it returned is for the caller to compare."""

import sys
import tempfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from bloomery.core.sandbox.entry import USUAL, run
from bloomery.core.sandbox.limits import How, Limits, SandboxResult
from bloomery.core.sandbox.values import decode, encode

HERE = Path(__file__).parent
OURS = "from bloomery."
CALLED = "\n".join(
    line
    for name in ("values.py", "called.py")
    for line in (HERE / name).read_text(encoding="utf-8").splitlines()
    if not line.startswith(OURS)
)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came back for one input.

    `returned` carries the value, of plain built-in types only; `raised` and `lost` (the process ended, was
    killed, or sent nonsense) carry the reason.
    """

    state: Literal["returned", "raised", "lost"]
    value: Any = None
    error: str = ""


def call(
    source: str,
    function: str,
    arguments: Sequence[tuple[Any, ...]],
    *,
    limits: Limits = USUAL,
    require: Collection[str] = (),
    how: How | None = None,
) -> list[Outcome]:
    """One outcome for each tuple of arguments, in their order; the process is the same for all of them.

    Raises: TypeError for arguments that are not plain values; CapabilityMissing as `run` does.
    """
    request = encode([source, function, *map(encode, arguments)])
    with tempfile.TemporaryDirectory(prefix="bloomery-call-") as folder:
        result = run(
            [sys.executable, "-I", "-c", CALLED],
            folder=Path(folder),
            limits=limits,
            stdin=request,
            require=require,
            how=how,
        )
    return _outcomes(result, len(arguments))


def _outcomes(result: SandboxResult, count: int) -> list[Outcome]:
    answers: dict[int, list[Outcome]] = {place: [] for place in range(count)}
    for text in result.stdout.splitlines():
        try:
            place, state, value = decode(text)
            answers[place].append(_outcome(state, value))
        except (ValueError, TypeError, KeyError):
            continue  # a line that is no answer counts as none
    lost = Outcome(state="lost", error=_reason(result))
    return [got[0] if len(got) == 1 else lost for got in answers.values()]


def _outcome(state: object, value: Any) -> Outcome:
    if state == "returned":
        return Outcome(state="returned", value=value)
    if state == "raised" and isinstance(value, str):
        return Outcome(state="raised", error=value)
    raise ValueError(f"no such state: {state!r}")


def _reason(result: SandboxResult) -> str:
    if result.killed_by:
        return f"killed at the limit of {result.killed_by}"
    return f"ended with code {result.returncode} and not exactly one answer: {result.stderr.strip()[-300:]}"
