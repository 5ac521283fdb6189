"""Operations that take numbers and give numbers."""

from collections.abc import Callable
from itertools import accumulate, pairwise
from typing import Any

from bloomery.diffusion.code.tasks.families import each, keep, scan, spelled
from bloomery.diffusion.code.tasks.operation import Code, Kind, Operation


def numbers(
    name: str,
    mean: Callable[[Any, int], Any],
    code: Code,
    nouns: tuple[str, ...],
    clauses: tuple[str, ...],
    given: tuple[str, ...] = (),
) -> Operation:
    return Operation(
        name=name,
        takes=Kind.NUMBERS,
        gives=Kind.NUMBERS,
        mean=mean,
        code=code,
        nouns=nouns,
        clauses=clauses,
        given=given,
    )


def kept(
    name: str, holds: Callable[[int, int], bool], condition: str, word: str, after: str = ""
) -> Operation:
    """A filter: `word` stands before what it keeps, `after` behind it."""
    before, behind = f"{word} " if word else "", f" {after}" if after else ""
    return numbers(
        name,
        lambda a, k: [v for v in a if holds(v, k)],
        keep(condition),
        (f"the {before}ones{behind} among", f"the {before}members{behind} of"),
        (f"keep only the {before}ones{behind}", f"select the {before}numbers{behind}"),
        (f"the {before}numbers{behind}", f"all {before}numbers{behind}"),
    )


ROTATED = "append(slices.Clone($a[min(1, len($a)):]), $a[:min(1, len($a))]...)"
COPY = "$b := slices.Clone($a)\n"
SUMS = scan(
    "sum",
    "$a.slice(0, i + 1).reduce((s, v) => s + v)",
    "Integer::sum",
    "$b, s := []int{}, 0\nfor _, v := range $a {\n\ts += v\n\t$b = append($b, s)\n}",
)
MAXIMA, MINIMA = (
    scan(
        name,
        f"Math.{name}(...$a.slice(0, i + 1))",
        f"Math::{name}",
        f"$b := []int{{}}\nfor i := range $a {{\n\t$b = append($b, slices.{name.title()}($a[:i+1]))\n}}",
    )
    for name in ("max", "min")
)

FILTERS = (
    kept("keep_even", lambda v, _: v % 2 == 0, "v % 2 == 0", "even"),
    kept("keep_odd", lambda v, _: v % 2 != 0, "v % 2 != 0", "odd"),
    kept("keep_positive", lambda v, _: v > 0, "v > 0", "positive"),
    kept("keep_negative", lambda v, _: v < 0, "v < 0", "negative"),
    kept("keep_above", lambda v, k: v > k, "v > $k", "", "greater than %"),
    kept("keep_below", lambda v, k: v < k, "v < $k", "", "less than %"),
    kept("keep_multiples", lambda v, k: v % k == 0, "v % $k == 0", "", "divisible by %"),
    kept("drop_value", lambda v, k: v != k, "v != $k", "", "other than %"),
)

MAPS = (
    numbers(
        "add_each", lambda a, k: [v + k for v in a], each("v + $k"),
        ("% added to each of", "the results of adding % to each of"),
        ("add % to each number", "increase each number by %"),
    ),
    numbers(
        "subtract_each", lambda a, k: [v - k for v in a], each("v - $k"),
        ("% subtracted from each of", "the results of subtracting % from each of"),
        ("subtract % from each number", "decrease each number by %"),
    ),
    numbers(
        "multiply_each", lambda a, k: [v * k for v in a], each("v * $k"),
        ("% times each of", "the products of % and each of"),
        ("multiply each number by %", "scale each number by %"),
    ),
    numbers(
        "negate_each", lambda a, _: [-v for v in a], each("-v"),
        ("the negations of", "the opposites of"),
        ("negate each number", "flip the sign of each number"),
    ),
    numbers(
        "absolute_each", lambda a, _: [abs(v) for v in a],
        each("max(v, -v)", python="abs(v)", script="Math.abs(v)", java="Math.abs(v)"),
        ("the absolute values of", "the magnitudes of"),
        ("take the absolute value of each number", "remove the sign of each number"),
    ),
    numbers(
        "square_each", lambda a, _: [v * v for v in a], each("v * v"),
        ("the squares of", "the second powers of"),
        ("square each number", "multiply each number by itself"),
    ),
    numbers(
        "cap_each", lambda a, k: [min(v, k) for v in a],
        each("min(v, $k)", script="Math.min(v, $k)", java="Math.min(v, $k)"),
        ("the values capped at % of", "the smaller of % and each of"),
        ("cap each number at %", "replace each number above % by %"),
    ),
)  # fmt: skip

ORDERS = (
    numbers(
        "sort_up", lambda a, _: sorted(a),
        spelled(
            "$b = sorted($a)", "const $b = [...$a].sort((x, y) => x - y);",
            "int[] $b = Arrays.stream($a).sorted().toArray();", COPY + "slices.Sort($b)",
        ),
        ("the ascending order of", "the sorted order of"),
        ("sort them in ascending order", "sort them from smallest to largest"),
    ),
    numbers(
        "sort_down", lambda a, _: sorted(a, reverse=True),
        spelled(
            "$b = sorted($a, reverse=True)", "const $b = [...$a].sort((x, y) => y - x);",
            "int[] $b = Arrays.stream($a).map(v -> -v).sorted().map(v -> -v).toArray();",
            COPY + "slices.Sort($b)\nslices.Reverse($b)",
        ),
        ("the descending order of", "the reverse sorted order of"),
        ("sort them in descending order", "sort them from largest to smallest"),
    ),
    numbers(
        "reverse", lambda a, _: a[::-1],
        spelled(
            "$b = $a[::-1]", "const $b = [...$a].reverse();",
            "int[] $b = IntStream.range(0, $a.length).map(i -> $a[$a.length - 1 - i]).toArray();",
            COPY + "slices.Reverse($b)",
        ),
        ("the reverse of", "the backward order of"),
        ("reverse them", "put them in backward order"),
    ),
    numbers(
        "distinct", lambda a, _: list(dict.fromkeys(a)),
        spelled(
            "$b = list(dict.fromkeys($a))", "const $b = [...new Set($a)];",
            "int[] $b = Arrays.stream($a).distinct().toArray();",
            "$b := []int{}\nfor _, v := range $a {\n\tif !slices.Contains($b, v) {\n"
            "\t\t$b = append($b, v)\n\t}\n}",
        ),
        ("the distinct values of", "the values without repeats of"),
        ("remove duplicates", "keep each value only once"),
        ("the distinct numbers", "the unique numbers"),
    ),
    numbers(
        "rotate", lambda a, _: a[1:] + a[:1],
        spelled(
            "$b = $a[1:] + $a[:1]", "const $b = [...$a.slice(1), ...$a.slice(0, 1)];",
            "int[] $b = IntStream.range(0, $a.length).map(i -> $a[(i + 1) % $a.length]).toArray();",
            f"$b := {ROTATED}",
        ),
        ("the left rotation of", "the rotation by one place of"),
        ("rotate them left by one", "move the first number to the end"),
    ),
    numbers(
        "append", lambda a, k: [*a, k],
        spelled(
            "$b = $a + [$k]", "const $b = [...$a, $k];",
            "int[] $b = IntStream.concat(Arrays.stream($a), IntStream.of($k)).toArray();",
            "$b := append(slices.Clone($a), $k)",
        ),
        ("the extension by % of", "the list with % after"),
        ("append %", "put % at the end"),
    ),
)  # fmt: skip

SCANS = (
    numbers(
        "prefix_sums", lambda a, _: list(accumulate(a)), SUMS,
        ("the prefix sums of", "the running totals of"),
        ("compute the prefix sums", "replace them by their running totals"),
    ),
    numbers(
        "running_maximum", lambda a, _: list(accumulate(a, max)), MAXIMA,
        ("the running maxima of", "the largest values so far of"),
        ("compute the running maxima", "replace each number by the largest so far"),
    ),
    numbers(
        "running_minimum", lambda a, _: list(accumulate(a, min)), MINIMA,
        ("the running minima of", "the smallest values so far of"),
        ("compute the running minima", "replace each number by the smallest so far"),
    ),
    numbers(
        "differences", lambda a, _: [after - before for before, after in pairwise(a)],
        spelled(
            "$b = [$a[i] - $a[i - 1] for i in range(1, len($a))]",
            "const $b = $a.slice(1).map((v, i) => v - $a[i]);",
            "int[] $b = IntStream.range(1, $a.length).map(i -> $a[i] - $a[i - 1]).toArray();",
            "$b := []int{}\nfor i := 1; i < len($a); i++ {\n\t$b = append($b, $a[i]-$a[i-1])\n}",
        ),
        ("the differences between neighbours of", "the successive differences of"),
        ("compute the differences between neighbours", "subtract from each number the one before it"),
    ),
)  # fmt: skip
LISTS = (*FILTERS, *MAPS, *ORDERS, *SCANS)
