"""A calculator for fractions: exact, of bounded size, without Python's `eval`.

    sum     = product (("+" | "-") product)*
    product = signed (("*" | "/" | "//" | "%") signed)*
    signed  = "-" signed | power
    power   = atom ["**" signed]
    atom    = number | "(" sum ")"

Numbers are decimal, with or without a point. Precedence, and the signs of `//` and `%`, are Python's.
"""

import re
from collections.abc import Callable
from fractions import Fraction

from bloomery.tasks.tools.tool import Tool, ToolFailed, World, arguments

MOST_CHARACTERS = 200
MOST_BITS = 4096
MOST_NESTED = 32
TOKEN = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?|\.[0-9]+|\*\*|//|[-+*/%()])")
SUMS = ("+", "-")
PRODUCTS = ("*", "/", "//", "%")


def calculator() -> Tool:
    """Results are exact: an integer, a finite decimal, or a fraction like 1/3."""
    expression = {"type": "string", "minLength": 1, "maxLength": MOST_CHARACTERS}
    return Tool(
        name="calculator",
        letter="c",
        description="The exact value of an expression of numbers, + - * / // % ** and parentheses.",
        parameters=arguments({"expression": expression}),
        start=_start,
    )


def calculate(expression: str) -> Fraction:
    """Raises: ToolFailed for what is no expression, has no value, or one of more than 4,096 bits."""
    reader = _Reader(_tokens(expression))
    value = reader.sum(0)
    if reader.next() is not None:
        raise ToolFailed(f"'{reader.next()}' is not expected there")
    return _bounded(value)


def exact(value: Fraction) -> str:
    """The one text of a fraction: without a point, with one where that is exact, or as n/d."""
    if value.denominator == 1:
        return str(value.numerator)
    places = _decimal_places(value.denominator)
    if places is None:
        return f"{value.numerator}/{value.denominator}"
    digits = str(abs(value) * 10**places).rjust(places + 1, "0")
    return f"{'-' * (value < 0)}{digits[:-places]}.{digits[-places:]}"


def _start(_: World) -> Callable[..., str]:
    return _answer


def _answer(expression: str) -> str:
    return exact(calculate(expression))


def _tokens(expression: str) -> list[str]:
    found, place = [], 0
    text = expression.rstrip()
    if len(text) > MOST_CHARACTERS:
        raise ToolFailed(f"the expression has {len(text)} characters, at most {MOST_CHARACTERS}")
    while place < len(text):
        match = TOKEN.match(text, place)
        if match is None:
            raise ToolFailed(f"'{text[place:].lstrip()[:10]}' is not arithmetic")
        found.append(match[1])
        place = match.end()
    return found


class _Reader:
    """Reads tokens from left to right; `deep` is how much encloses the place."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens, self.place = tokens, 0

    def next(self) -> str | None:
        return self.tokens[self.place] if self.place < len(self.tokens) else None

    def take(self) -> str:
        token = self.next()
        if token is None:
            raise ToolFailed("the expression ends too early")
        self.place += 1
        return token

    def sum(self, deep: int) -> Fraction:
        value = self.product(deep)
        while self.next() in SUMS:
            value = _applied(self.take(), value, self.product(deep))
        return value

    def product(self, deep: int) -> Fraction:
        value = self.signed(deep)
        while self.next() in PRODUCTS:
            value = _applied(self.take(), value, self.signed(deep))
        return value

    def signed(self, deep: int) -> Fraction:
        if deep > MOST_NESTED:
            raise ToolFailed(f"the expression is nested deeper than {MOST_NESTED}")
        if self.next() == "-":
            self.take()
            return -self.signed(deep + 1)
        base = self.atom(deep)
        if self.next() != "**":
            return base
        self.take()
        return _power(base, self.signed(deep + 1))

    def atom(self, deep: int) -> Fraction:
        token = self.take()
        if token == "(":
            value = self.sum(deep + 1)
            if self.next() != ")":
                raise ToolFailed(f"expected ')', came {self.next() or 'the end'}")
            self.take()
            return value
        if not token[-1].isdigit():
            raise ToolFailed(f"expected a number, came '{token}'")
        return Fraction(token)


def _applied(operator: str, left: Fraction, right: Fraction) -> Fraction:
    if operator in SUMS:
        return left + right if operator == "+" else left - right
    if operator == "*":
        return left * right
    if right == 0:
        raise ToolFailed("division by zero")
    if operator == "/":
        return left / right
    return Fraction(left // right) if operator == "//" else left % right


def _power(base: Fraction, exponent: Fraction) -> Fraction:
    if exponent.denominator != 1:
        raise ToolFailed(f"the exponent is {exact(exponent)}, expected an integer")
    if base == 0 and exponent < 0:
        raise ToolFailed("division by zero")
    longest = max(abs(base.numerator), base.denominator)
    if longest > 1 and (longest.bit_length() - 1) * abs(exponent.numerator) > MOST_BITS:
        raise ToolFailed(f"the value needs more than {MOST_BITS} bits")
    return Fraction(base**exponent.numerator)


def _bounded(value: Fraction) -> Fraction:
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > MOST_BITS:
        raise ToolFailed(f"the value needs more than {MOST_BITS} bits")
    return value


def _decimal_places(denominator: int) -> int | None:
    """How many decimals a fraction in lowest terms has, if they end."""
    twos = (denominator & -denominator).bit_length() - 1
    rest, fives = denominator >> twos, 0
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    return max(twos, fives) if rest == 1 else None
