"""Operations that give a number, or take one."""

import math
from collections.abc import Callable
from typing import Any

from bloomery.diffusion.code.tasks.families import fold, scalar, spelled
from bloomery.diffusion.code.tasks.operation import Code, Kind, Operation


def folded(
    name: str, mean: Callable[[Any, int], int], code: Code, nouns: tuple[str, ...], clauses: tuple[str, ...]
) -> Operation:
    return Operation(
        name=name, takes=Kind.NUMBERS, gives=Kind.NUMBER, mean=mean, code=code, nouns=nouns, clauses=clauses
    )


def counted(
    name: str, mean: Callable[[Any, int], int], code: Code, nouns: tuple[str, ...], clauses: tuple[str, ...]
) -> Operation:
    return Operation(
        name=name, takes=Kind.NUMBER, gives=Kind.NUMBER, mean=mean, code=code, nouns=nouns, clauses=clauses
    )


def _extreme(which: str) -> Code:
    go = f"$b := 0\nif len($a) > 0 {{\n\t$b = slices.{which.title()}($a)\n}}"
    return spelled(
        f"$b = {which}($a, default=0)",
        f"const $b = $a.length > 0 ? Math.{which}(...$a) : 0;",
        f"int $b = Arrays.stream($a).{which}().orElse(0);",
        go,
    )


def _at(python: str, index: str, go: str) -> Code:
    return spelled(
        f"$b = $a[{python}] if $a else 0",
        f"const $b = $a.length > 0 ? $a[{index}] : 0;",
        f"int $b = $a.length > 0 ? $a[{index}] : 0;",
        f"$b := 0\nif len($a) > 0 {{\n\t$b = $a[{go}]\n}}",
    )


FOLDS = (
    folded(
        "sum", lambda a, _: sum(a),
        {
            **fold("0", "$b + v"), "python": "$b = sum($a)", "java": "int $b = Arrays.stream($a).sum();",
        },
        ("the sum of", "the total of"), ("add them up", "sum them"),
    ),
    folded(
        "product", lambda a, _: math.prod(a), fold("1", "$b * v"),
        ("the product of", "the multiplied total of"), ("multiply them all together", "take their product"),
    ),
    folded(
        "largest", lambda a, _: max(a, default=0), _extreme("max"),
        ("the largest of", "the maximum of"), ("take the largest", "find their maximum"),
    ),
    folded(
        "smallest", lambda a, _: min(a, default=0), _extreme("min"),
        ("the smallest of", "the minimum of"), ("take the smallest", "find their minimum"),
    ),
    folded(
        "count", lambda a, _: len(a),
        spelled("$b = len($a)", "const $b = $a.length;", "int $b = $a.length;", "$b := len($a)"),
        ("the count of", "how many there are of"), ("count them", "take how many there are"),
    ),
    folded(
        "count_of", lambda a, k: a.count(k),
        spelled(
            "$b = $a.count($k)", "const $b = $a.filter((v) => v === $k).length;",
            "int $b = (int) Arrays.stream($a).filter(v -> v == $k).count();",
            "$b := 0\nfor _, v := range $a {\n\tif v == $k {\n\t\t$b++\n\t}\n}",
        ),
        ("the number of times % occurs in", "the occurrences of % in"),
        ("count how often % occurs", "count the occurrences of %"),
    ),
    folded(
        "count_above", lambda a, k: sum(v > k for v in a),
        spelled(
            "$b = sum(v > $k for v in $a)", "const $b = $a.filter((v) => v > $k).length;",
            "int $b = (int) Arrays.stream($a).filter(v -> v > $k).count();",
            "$b := 0\nfor _, v := range $a {\n\tif v > $k {\n\t\t$b++\n\t}\n}",
        ),
        ("the number of values above % in", "how many values exceed % in"),
        ("count the values above %", "count how many exceed %"),
    ),
    folded(
        "first_number", lambda a, _: a[0] if a else 0, _at("0", "0", "0"),
        ("the first of", "the first element of"), ("take the first", "take the element at the start"),
    ),
    folded(
        "last_number", lambda a, _: a[-1] if a else 0, _at("-1", "$a.length - 1", "len($a)-1"),
        ("the last of", "the last element of"), ("take the last", "take the element at the end"),
    ),
    folded(
        "alternating_sum", lambda a, _: sum(a[::2]) - sum(a[1::2]),
        spelled(
            "$b = sum($a[::2]) - sum($a[1::2])",
            "const $b = $a.reduce((s, v, i) => (i % 2 === 0 ? s + v : s - v), 0);",
            "int $b = IntStream.range(0, $a.length).map(i -> i % 2 == 0 ? $a[i] : -$a[i]).sum();",
            "$b := 0\nfor i, v := range $a {\n\tif i%2 == 0 {\n\t\t$b += v\n\t} else {\n\t\t$b -= v\n\t}\n}",
        ),
        ("the alternating sum of", "the sum with alternating signs of"),
        ("add and subtract them in turn", "take their alternating sum"),
    ),
)  # fmt: skip

SCALARS = (
    counted(
        "plus", lambda a, k: a + k, scalar("$a + $k"),
        ("% plus", "% more than"), ("add % to it", "increase it by %"),
    ),
    counted(
        "minus", lambda a, k: a - k, scalar("$a - $k"),
        ("% less than", "% below"), ("subtract % from it", "decrease it by %"),
    ),
    counted(
        "times", lambda a, k: a * k, scalar("$a * $k"),
        ("% times", "% multiplied by"), ("multiply it by %", "scale it by %"),
    ),
    counted(
        "negative", lambda a, _: -a, scalar("-$a"),
        ("the negative of", "the opposite of"), ("negate it", "flip its sign"),
    ),
    counted(
        "absolute", lambda a, _: abs(a),
        scalar("max($a, -$a)", python="abs($a)", script="Math.abs($a)", java="Math.abs($a)"),
        ("the absolute value of", "the magnitude of"), ("take its absolute value", "remove its sign"),
    ),
    counted(
        "square", lambda a, _: a * a, scalar("$a * $a"),
        ("the square of", "the second power of"), ("square it", "multiply it by itself"),
    ),
    counted(
        "digit_sum", lambda a, _: sum(map(int, str(abs(a)))),
        spelled(
            "$b = sum(int(ch) for ch in str(abs($a)))",
            "const $b = [...String(Math.abs($a))].reduce((s, ch) => s + Number(ch), 0);",
            "int $b = String.valueOf(Math.abs($a)).chars().map(ch -> ch - '0').sum();",
            "$b := 0\nfor _, ch := range strconv.Itoa(max($a, -$a)) {\n\t$b += int(ch - '0')\n}",
        ),
        ("the digit sum of", "the added digits of"), ("add up its digits", "take its digit sum"),
    ),
)  # fmt: skip
FOLDED = (*FOLDS, *SCALARS)
