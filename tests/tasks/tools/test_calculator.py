"""The calculator computes what Python computes with fractions, and nothing else."""

import re
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bloomery.tasks.tools.calculator import calculate, calculator, exact
from bloomery.tasks.tools.tool import ToolFailed, World

OPERATORS = ["+", "-", "*", "/", "//", "%", " - ", " **"]
numbers = st.integers(0, 99).map(str) | st.sampled_from(["0.5", "1.25", ".1", "007"])
expressions = st.recursive(
    numbers,
    lambda inner: st.one_of(
        st.builds("{}{}{}".format, inner, st.sampled_from(OPERATORS), inner),
        st.builds("({})".format, inner),
        st.builds("-{}".format, inner),
    ),
    max_leaves=8,
)


def by_python(text):
    """The same expression over `Fraction`, by Python's own parser."""
    wrapped = re.sub(r"\d+\.?\d*|\.\d+", lambda match: f"F('{match[0]}')", text)
    return eval(wrapped, {"F": Fraction})


@given(expressions)
def test_values_are_those_of_python_over_fractions(text):
    try:
        ours = calculate(text)
    except ToolFailed as error:
        ours = str(error)
    assume("bits" not in str(ours) and "exponent" not in str(ours))  # Python has floats there
    if ours == "division by zero":
        with pytest.raises(ZeroDivisionError):
            by_python(text)
    else:
        assert ours == by_python(text)


@given(st.fractions())
def test_the_text_of_a_value_is_the_value(value):
    assert Fraction(exact(value)) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [("-2**2", "-4"), ("2**3**2", "512"), ("7//-2", "-4"), ("-7%3", "2"), ("1/3", "1/3"), ("-1/8", "-0.125"),
     ("0.1+0.2", "0.3"), ("2**-1", "0.5"), ("12*(3-5)", "-24"), (" 1 + 1 ", "2")],
)  # fmt: skip
def test_known_values(text, value):
    assert calculator().start(World())(expression=text) == value


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("__import__('os').system('true')", "not arithmetic"),
        ("9**9**9", "more than 4096 bits"),
        ("(9**999)*(9**999)", "more than 4096 bits"),
        ("1/0", "division by zero"),
        ("0**-1", "division by zero"),
        ("5%(2-2)", "division by zero"),
        ("2**0.5", "exponent is 0.5"),
        ("1+", "ends too early"),
        ("", "ends too early"),
        ("(1+2", "expected '\\)', came the end"),
        ("1 2", "'2' is not expected"),
        ("*3", "expected a number"),
        ("x+1", "not arithmetic"),
        ("1e5", "not arithmetic"),
        ("1_000", "not arithmetic"),
        ("(" * 99, "nested deeper"),
        ("-" * 150 + "1", "nested deeper"),
        ("1" * 201, "at most 200"),
    ],
)
def test_what_is_no_arithmetic_or_too_much_of_it_is_refused(text, said):
    with pytest.raises(ToolFailed, match=said):
        calculate(text)


@pytest.mark.parametrize("text", ["٣+٤", "²", "1\x002"])
def test_only_ascii_digits_are_digits(text):
    with pytest.raises(ToolFailed, match="not arithmetic"):
        calculate(text)
