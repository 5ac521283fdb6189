"""Operations that cut out a part: the same of numbers, of strings, and of a text's characters."""

from collections.abc import Callable
from dataclasses import dataclass

from bloomery.diffusion.code.tasks.families import spelled
from bloomery.diffusion.code.tasks.operation import Code, Kind, Operation


@dataclass(frozen=True, kw_only=True)
class Cut:
    """A part, as Python's slice has it, and how Java and Go bound it; `n` stands for the length."""

    name: str
    place: Callable[[int], slice]
    python: str
    script: str
    java_stream: str
    java_text: str
    go: str
    noun: str
    clauses: tuple[str, str]


CUTS = (
    Cut(
        name="first", place=lambda k: slice(k), python="[:$k]", script="(0, $k)",
        java_stream="limit($k)", java_text="0, Math.min($k, n)", go="[:min($k, n)]",
        noun="the first %", clauses=("keep the first % {}", "take the first % {}"),
    ),
    Cut(
        name="last", place=lambda k: slice(-k, None), python="[-$k:]", script="(-$k)",
        java_stream="skip(Math.max(n - $k, 0))", java_text="Math.max(n - $k, 0)", go="[max(n-$k, 0):]",
        noun="the last %", clauses=("keep the last % {}", "take the last % {}"),
    ),
    Cut(
        name="drop_first", place=lambda k: slice(k, None), python="[$k:]", script="($k)",
        java_stream="skip($k)", java_text="Math.min($k, n)", go="[min($k, n):]",
        noun="all but the first %", clauses=("drop the first % {}", "remove the first % {}"),
    ),
    Cut(
        name="drop_last", place=lambda k: slice(-k), python="[:-$k]", script="(0, -$k)",
        java_stream="limit(Math.max(n - $k, 0))", java_text="0, Math.max(n - $k, 0)", go="[:max(n-$k, 0)]",
        noun="all but the last %", clauses=("drop the last % {}", "remove the last % {}"),
    ),
)  # fmt: skip
NAMES = {
    Kind.NUMBERS: ("numbers", "numbers", "elements"),
    Kind.STRINGS: ("strings", "strings", "items"),
    Kind.TEXT: ("characters", "characters", "characters"),
}


def _cut(cut: Cut, kind: Kind) -> Operation:
    name, word, other = NAMES[kind]
    return Operation(
        name=f"{cut.name}_{name}",
        takes=kind,
        gives=kind,
        mean=lambda a, k: a[cut.place(k)],
        code=_code(cut, kind),
        nouns=(f"{cut.noun} of", f"{cut.noun} {other} of"),
        clauses=tuple(clause.format(word) for clause in cut.clauses),
        given=() if kind is Kind.TEXT else (f"{cut.noun} {word}",),
    )


def _code(cut: Cut, kind: Kind) -> Code:
    typed, array = {Kind.NUMBERS: ("int[]", "()"), Kind.STRINGS: ("String[]", "(String[]::new)")}.get(
        kind, ("", "")
    )
    stream = f"{typed} $b = Arrays.stream($a).{cut.java_stream}.toArray{array};".replace("n -", "$a.length -")
    bounds = cut.java_text.replace("n -", "$a.length() -").replace(", n)", ", $a.length())")
    go = cut.go.replace("n-", "len($a)-").replace(", n)", ", len($a))")
    return spelled(
        f"$b = $a{cut.python}",
        f"const $b = $a.slice{cut.script};",
        f"String $b = $a.substring({bounds});" if kind is Kind.TEXT else stream,
        f"$b := $a{go}",
    )


EVERY = Operation(
    name="every",
    takes=Kind.NUMBERS,
    gives=Kind.NUMBERS,
    mean=lambda a, k: a[::k],
    code=spelled(
        "$b = $a[::$k]",
        "const $b = $a.filter((_, i) => i % $k === 0);",
        "int[] $b = IntStream.range(0, $a.length).filter(i -> i % $k == 0).map(i -> $a[i]).toArray();",
        "$b := []int{}\nfor i, v := range $a {\n\tif i%$k == 0 {\n\t\t$b = append($b, v)\n\t}\n}",
    ),
    nouns=("one in every % from the start of", "the elements at positions divisible by % of"),
    clauses=("keep one in every % from the start", "keep those at positions divisible by %"),
)
SLICES = (*(_cut(cut, kind) for kind in NAMES for cut in CUTS), EVERY)
