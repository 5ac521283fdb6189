"""What counts as a difference between two observations of one call."""

from typing import Any

import pytest

from bloomery.optimize.equivalence.comparing import comparable, difference
from bloomery.optimize.equivalence.inside.encoding import Encoder


def returned(value: Any, **other: Any) -> dict[str, Any]:
    empty: dict[str, Any] = {"roots": [], "events": [], "warnings": [], "contents": [], "world": {}}
    return {"state": "returned", "value": Encoder().encode(value), **empty, **other}


def raised(error: Exception, *, said: bool = False, cause: str = "") -> dict[str, Any]:
    told = {"type": type(error).__name__, "args": Encoder().encode(error), "said": said, "cause": cause}
    return {**returned(None), "state": "raised", "error": told}


def test_floats_differ_by_their_last_bit_unless_a_tolerance_is_stated() -> None:
    one, other = returned([0.1 + 0.2]), returned([0.3])
    assert difference(one, other)
    assert difference(one, other, tolerance=1e-12) == ""
    assert difference(returned([0.3]), returned([0.4]), tolerance=1e-12)


def test_a_tolerance_does_not_excuse_another_type() -> None:
    assert difference(returned(1), returned(1.0), tolerance=0.5)


@pytest.mark.parametrize("part", ["roots", "events", "warnings", "contents", "world"])
def test_each_thing_left_behind_is_compared(part: str) -> None:
    assert difference(returned(1), returned(1, **{part: ["x"]}))


def test_errors_differ_by_type_arguments_and_cause() -> None:
    assert difference(raised(IndexError("a")), raised(ValueError("a")))
    assert difference(raised(ValueError("a")), raised(ValueError("b")))
    assert difference(raised(ValueError("a")), raised(ValueError("a"), cause="KeyError"))
    assert difference(raised(ValueError("a")), returned(None))
    assert difference(raised(ValueError("a")), raised(ValueError("a"))) == ""


def test_only_a_raise_statement_makes_the_words_of_a_type_error_a_contract() -> None:
    assert difference(raised(TypeError("a")), raised(TypeError("b"))) == ""
    assert difference(raised(TypeError("a"), said=True), raised(TypeError("b"), said=True))


def test_inputs_outside_of_the_annotations_bind_only_to_errors_that_are_said() -> None:
    assert not comparable(returned(1), loose=True)
    assert not comparable(raised(TypeError("a")), loose=True)
    assert comparable(raised(TypeError("a"), said=True), loose=True)


def test_an_original_that_runs_out_of_stack_or_memory_binds_to_nothing() -> None:
    assert not comparable(raised(RecursionError("deep")), loose=False)
    assert not comparable(raised(MemoryError()), loose=False)
