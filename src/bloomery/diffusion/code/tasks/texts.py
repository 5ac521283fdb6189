"""Operations on a text and on strings."""

from collections.abc import Callable
from typing import Any

from bloomery.diffusion.code.tasks.families import count_letters, joined, keep_strings, letters, spelled
from bloomery.diffusion.code.tasks.operation import Code, Kind, Operation

ENDLESS = 10_000  # as far as anyone counts: the interpreter allows no list as long
VOWELS, DIGITS = "aeiouAEIOU", "0123456789"


def op(
    name: str,
    takes: Kind,
    gives: Kind,
    mean: Callable[[Any, int], Any],
    code: Code,
    nouns: tuple[str, ...],
    clauses: tuple[str, ...],
) -> Operation:
    return Operation(name=name, takes=takes, gives=gives, mean=mean, code=code, nouns=nouns, clauses=clauses)


def _without(members: str, *, kept: bool = False) -> Callable[[str, int], str]:
    return lambda a, _: "".join(ch for ch in a if (ch in members) == kept)


def _extreme(sign: str) -> Code:
    """The first of the longest, or of the shortest, strings."""
    which = "max" if sign == ">" else "min"
    script = f'const $b = $a.reduce((s, w) => (w.length {sign} s.length ? w : s), $a[0] ?? "");'
    java = f"for (String w : $a) {{\n\tif (w.length() {sign} $b.length()) {{\n\t\t$b = w;\n\t}}\n}}"
    go = f"for i, w := range $a {{\n\tif i == 0 || len(w) {sign} len($b) {{\n\t\t$b = w\n\t}}\n}}"
    return spelled(
        f'$b = {which}($a, key=len, default="")',
        script,
        f'String $b = $a.length > 0 ? $a[0] : "";\n{java}',
        f'$b := ""\n{go}',
    )


T, S, N, NS = Kind.TEXT, Kind.STRINGS, Kind.NUMBER, Kind.NUMBERS
STREAM, ARRAY = "String[] $b = Arrays.stream($a)", "toArray(String[]::new);"
CHARACTERS = "$a.chars().mapToObj(ch -> String.valueOf((char) ch))"

TEXTS = (
    op(
        "upper", T, T, lambda a, _: a.upper(),
        spelled(
            "$b = $a.upper()", "const $b = $a.toUpperCase();", "String $b = $a.toUpperCase();",
            "$b := strings.ToUpper($a)",
        ),
        ("the upper case of", "the capital form of"), ("convert it to upper case", "capitalize all of it"),
    ),
    op(
        "lower", T, T, lambda a, _: a.lower(),
        spelled(
            "$b = $a.lower()", "const $b = $a.toLowerCase();", "String $b = $a.toLowerCase();",
            "$b := strings.ToLower($a)",
        ),
        ("the lower case of", "the small form of"), ("convert it to lower case", "make all of it small"),
    ),
    op(
        "reverse_text", T, T, lambda a, _: a[::-1],
        spelled(
            "$b = $a[::-1]", 'const $b = [...$a].reverse().join("");',
            "String $b = new StringBuilder($a).reverse().toString();",
            '$b := ""\nfor _, ch := range $a {\n\t$b = string(ch) + $b\n}',
        ),
        ("the mirror image of", "the backward spelling of"), ("reverse it", "spell it backward"),
    ),
    op(
        "repeat", T, T, lambda a, k: a * k,
        spelled(
            "$b = $a * $k", "const $b = $a.repeat($k);", "String $b = $a.repeat($k);",
            "$b := strings.Repeat($a, $k)",
        ),
        ("% copies of", "% repetitions of"), ("repeat it % times", "write it % times in a row"),
    ),
    op(
        "sort_characters", T, T, lambda a, _: "".join(sorted(a)),
        spelled(
            '$b = "".join(sorted($a))', 'const $b = [...$a].sort().join("");',
            f"String $b = {CHARACTERS}.sorted().collect(Collectors.joining());",
            '${b}Parts := strings.Split($a, "")\nslices.Sort(${b}Parts)\n$b := strings.Join(${b}Parts, "")',
        ),
        ("the sorted characters of", "the characters in order of"),
        ("sort its characters", "put its characters in order"),
    ),
    op("no_vowels", T, T, _without(VOWELS), letters(VOWELS, kept=False),
       ("the text without vowels of", "the consonant form of"), ("remove the vowels", "delete all vowels")),
    op("no_spaces", T, T, _without(" "), letters(" ", kept=False),
       ("the text without spaces of", "the unspaced form of"), ("remove the spaces", "delete all spaces")),
    op("no_digits", T, T, _without(DIGITS), letters(DIGITS, kept=False),
       ("the text without digits of", "the digitless form of"), ("remove the digits", "delete all digits")),
    op("only_digits", T, T, _without(DIGITS, kept=True), letters(DIGITS, kept=True),
       ("only the digits of", "just the digits of"), ("keep only the digits", "delete all but the digits")),
    op(
        "length", T, N, lambda a, _: len(a),
        spelled("$b = len($a)", "const $b = $a.length;", "int $b = $a.length();", "$b := len($a)"),
        ("the length of", "the number of characters in"), ("take its length", "count its characters"),
    ),
    op("count_vowels", T, N, lambda a, _: sum(ch in VOWELS for ch in a), count_letters(VOWELS),
       ("the number of vowels in", "the vowel count of"), ("count its vowels", "count the vowels in it")),
    op("count_digits", T, N, lambda a, _: sum(ch in DIGITS for ch in a), count_letters(DIGITS),
       ("the number of digits in", "the digit count of"), ("count its digits", "count the digits in it")),
    op(
        "words", T, S, lambda a, _: a.split(),
        spelled(
            "$b = $a.split()", 'const $b = $a.split(" ").filter((w) => w !== "");',
            f'String[] $b = Arrays.stream($a.split(" ")).filter(w -> !w.isEmpty()).{ARRAY}',
            "$b := strings.Fields($a)",
        ),
        ("the words of", "the words in"), ("split it into words", "take its words"),
    ),
    op(
        "characters", T, S, lambda a, _: list(a),
        spelled(
            "$b = list($a)", "const $b = [...$a];", f"String[] $b = {CHARACTERS}.{ARRAY}",
            '$b := strings.Split($a, "")',
        ),
        ("the characters of", "the single characters in"),
        ("split it into characters", "take its single characters"),
    ),
)  # fmt: skip

STRINGS = (
    op(
        "sort_strings", S, S, lambda a, _: sorted(a),
        spelled("$b = sorted($a)", "const $b = [...$a].sort();", f"{STREAM}.sorted().{ARRAY}",
                "$b := slices.Clone($a)\nslices.Sort($b)"),
        ("the alphabetical order of", "the dictionary order of"),
        ("sort them alphabetically", "put them in dictionary order"),
    ),
    op(
        "sort_by_length", S, S, lambda a, _: sorted(a, key=len),
        spelled(
            "$b = sorted($a, key=len)", "const $b = [...$a].sort((x, y) => x.length - y.length);",
            f"{STREAM}.sorted((x, y) -> x.length() - y.length()).{ARRAY}",
            "$b := slices.Clone($a)\nslices.SortStableFunc($b, func(x, y string) int {\n"
            "\treturn len(x) - len(y)\n})",
        ),
        ("the order by length of", "the shortest to longest order of"),
        ("sort them by length", "order them from shortest to longest"),
    ),
    op(
        "reverse_strings", S, S, lambda a, _: a[::-1],
        spelled(
            "$b = $a[::-1]", "const $b = [...$a].reverse();",
            "String[] $b = IntStream.range(0, $a.length).mapToObj(i -> $a[$a.length - 1 - i])"
            f".{ARRAY}",
            "$b := slices.Clone($a)\nslices.Reverse($b)",
        ),
        ("the reverse of", "the backward order of"), ("reverse them", "put them in backward order"),
    ),
    op(
        "distinct_strings", S, S, lambda a, _: list(dict.fromkeys(a)),
        spelled(
            "$b = list(dict.fromkeys($a))", "const $b = [...new Set($a)];", f"{STREAM}.distinct().{ARRAY}",
            "$b := []string{}\nfor _, w := range $a {\n\tif !slices.Contains($b, w) {\n"
            "\t\t$b = append($b, w)\n\t}\n}",
        ),
        ("the distinct members of", "the members without repeats of"),
        ("remove duplicates", "keep each string only once"),
    ),
    op(
        "longer_than", S, S, lambda a, k: [w for w in a if len(w) > k],
        keep_strings("len(w) > $k", script="w.length > $k", java="w.length() > $k", go="len(w) > $k"),
        ("the ones longer than % among", "the members longer than % of"),
        ("keep only those longer than %", "select those longer than %"),
    ),
    op(
        "upper_each", S, S, lambda a, _: [w.upper() for w in a],
        spelled(
            "$b = [w.upper() for w in $a]", "const $b = $a.map((w) => w.toUpperCase());",
            f"{STREAM}.map(w -> w.toUpperCase()).{ARRAY}",
            "$b := []string{}\nfor _, w := range $a {\n\t$b = append($b, strings.ToUpper(w))\n}",
        ),
        ("the upper case forms of", "the capital forms of"),
        ("convert each to upper case", "capitalize each of them"),
    ),
    op(
        "lengths", S, NS, lambda a, _: [len(w) for w in a],
        spelled(
            "$b = [len(w) for w in $a]", "const $b = $a.map((w) => w.length);",
            "int[] $b = Arrays.stream($a).mapToInt(w -> w.length()).toArray();",
            "$b := []int{}\nfor _, w := range $a {\n\t$b = append($b, len(w))\n}",
        ),
        ("the lengths of", "the character counts of"),
        ("replace each by its length", "take the length of each"),
    ),
    op(
        "count_strings", S, N, lambda a, _: len(a),
        spelled("$b = len($a)", "const $b = $a.length;", "int $b = $a.length;", "$b := len($a)"),
        ("the count of", "how many there are of"), ("count them", "take how many there are"),
    ),
    op("join_spaces", S, T, lambda a, _: " ".join(a), joined(" "),
       ("the joining by spaces of", "the spaced line of"),
       ("join them with spaces", "write them with spaces between")),
    op("join_dashes", S, T, lambda a, _: "-".join(a), joined("-"),
       ("the joining by dashes of", "the dashed line of"),
       ("join them with dashes", "write them with dashes between")),
    op("concatenate", S, T, lambda a, _: "".join(a), joined(""),
       ("the concatenation of", "the gapless line of"),
       ("concatenate them", "write them without gaps")),
    op("longest", S, T, lambda a, _: max(a, key=len, default=""), _extreme(">"),
       ("the longest of", "the string with most characters of"),
       ("take the longest", "take the string with most characters")),
    op("shortest", S, T, lambda a, _: min(a, key=len, default=""), _extreme("<"),
       ("the shortest of", "the string with fewest characters of"),
       ("take the shortest", "take the string with fewest characters")),
)  # fmt: skip

CONVERSIONS = (
    op(
        "digits", N, NS, lambda a, _: [int(ch) for ch in str(abs(a))],
        spelled(
            "$b = [int(ch) for ch in str(abs($a))]", "const $b = [...String(Math.abs($a))].map(Number);",
            "int[] $b = String.valueOf(Math.abs($a)).chars().map(ch -> ch - '0').toArray();",
            "$b := []int{}\nfor _, ch := range strconv.Itoa(max($a, -$a)) {\n"
            "\t$b = append($b, int(ch-'0'))\n}",
        ),
        ("the digits of", "the list of digits of"), ("split it into digits", "take its digits"),
    ),
    op(
        "up_to", N, NS, lambda a, _: list(range(1, min(a, ENDLESS) + 1)),
        spelled(
            "$b = list(range(1, $a + 1))",
            "const $b = Array.from({ length: Math.max($a, 0) }, (_, i) => i + 1);",
            "int[] $b = IntStream.rangeClosed(1, $a).toArray();",
            "$b := []int{}\nfor i := 1; i <= $a; i++ {\n\t$b = append($b, i)\n}",
        ),
        ("the numbers from 1 to", "the count from 1 to"),
        ("list the numbers from 1 to it", "count from 1 to it"),
    ),
    op(
        "decimal", N, T, lambda a, _: str(a),
        spelled("$b = str($a)", "const $b = String($a);", "String $b = String.valueOf($a);",
                "$b := strconv.Itoa($a)"),
        ("the decimal text of", "the written form of"), ("write it as text", "turn it into text"),
    ),
)  # fmt: skip
WRITTEN = (*TEXTS, *STRINGS, *CONVERSIONS)
