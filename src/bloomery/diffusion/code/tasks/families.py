"""Code that many operations share: only an expression differs, nearly the same in each language."""

from bloomery.diffusion.code.tasks.operation import Code


def strict(expression: str) -> str:
    """JavaScript's equality."""
    return expression.replace(" == ", " === ").replace(" != ", " !== ")


def keep(condition: str) -> Code:
    """Numbers `v` for which the condition holds."""
    script = f"const $b = $a.filter((v) => {strict(condition)});"
    body = f"if {condition} {{\n\t\t$b = append($b, v)\n\t}}"
    return {
        "python": f"$b = [v for v in $a if {condition}]",
        "javascript": script,
        "typescript": script,
        "java": f"int[] $b = Arrays.stream($a).filter(v -> {condition}).toArray();",
        "go": f"$b := []int{{}}\nfor _, v := range $a {{\n\t{body}\n}}",
    }


def each(expression: str, *, python: str = "", script: str = "", java: str = "") -> Code:
    """An expression of each number `v`; the first is Go's and everyone's who has none of its own."""
    mapped = f"const $b = $a.map((v) => {script or expression});"
    return {
        "python": f"$b = [{python or expression} for v in $a]",
        "javascript": mapped,
        "typescript": mapped,
        "java": f"int[] $b = Arrays.stream($a).map(v -> {java or expression}).toArray();",
        "go": f"$b := []int{{}}\nfor _, v := range $a {{\n\t$b = append($b, {expression})\n}}",
    }


def scalar(expression: str, *, python: str = "", script: str = "", java: str = "") -> Code:
    """An expression of the number `$a`."""
    told = f"const $b = {script or expression};"
    return {
        "python": f"$b = {python or expression}",
        "javascript": told,
        "typescript": told,
        "java": f"int $b = {java or expression};",
        "go": f"$b := {expression}",
    }


def fold(start: str, expression: str, *, script: str = "") -> Code:
    """Each number `v` is taken into the result `$b`."""
    body = f"$b = {expression}"
    reduced = f"const $b = $a.reduce((s, v) => {script or expression.replace('$b', 's')}, {start});"
    return {
        "python": f"$b = {start}\nfor v in $a:\n\t{body}",
        "javascript": reduced,
        "typescript": reduced,
        "java": f"int $b = {start};\nfor (int v : $a) {{\n\t{body};\n}}",
        "go": f"$b := {start}\nfor _, v := range $a {{\n\t{body}\n}}",
    }


def scan(python: str, script: str, java: str, go: str) -> Code:
    """Each place holds a fold of the numbers up to it: by Python's function of this name, JavaScript's
    expression, Java's operator, and Go's statements."""
    told = f"const $b = $a.map((_, i) => {script});"
    return {
        "python": f"$b = [{python}($a[:i + 1]) for i in range(len($a))]",
        "javascript": told,
        "typescript": told,
        "java": f"int[] $b = $a.clone();\nArrays.parallelPrefix($b, {java});",
        "go": go,
    }


def letters(members: str, *, kept: bool) -> Code:
    """The characters of a text that are, or are not, among the members."""
    test, no = ("in", "") if kept else ("not in", "!")
    script = f'const $b = [...$a].filter((ch) => {no}"{members}".includes(ch)).join("");'
    body = f'if {no}strings.ContainsRune("{members}", ch) {{\n\t\t$b += string(ch)\n\t}}'
    return {
        "python": f'$b = "".join(ch for ch in $a if ch {test} "{members}")',
        "javascript": script,
        "typescript": script,
        "java": f'String $b = $a.replaceAll("[{"^" if kept else ""}{members}]", "");',
        "go": f'$b := ""\nfor _, ch := range $a {{\n\t{body}\n}}',
    }


def count_letters(members: str) -> Code:
    script = f'const $b = [...$a].filter((ch) => "{members}".includes(ch)).length;'
    body = f'if strings.ContainsRune("{members}", ch) {{\n\t\t$b++\n\t}}'
    return {
        "python": f'$b = sum(ch in "{members}" for ch in $a)',
        "javascript": script,
        "typescript": script,
        "java": f'int $b = (int) $a.chars().filter(ch -> "{members}".indexOf(ch) >= 0).count();',
        "go": f"$b := 0\nfor _, ch := range $a {{\n\t{body}\n}}",
    }


def keep_strings(condition: str, *, script: str, java: str, go: str) -> Code:
    """Strings `w` for which the condition holds, as each language has it."""
    told = f"const $b = $a.filter((w) => {script});"
    return {
        "python": f"$b = [w for w in $a if {condition}]",
        "javascript": told,
        "typescript": told,
        "java": f"String[] $b = Arrays.stream($a).filter(w -> {java}).toArray(String[]::new);",
        "go": f"$b := []string{{}}\nfor _, w := range $a {{\n\tif {go} {{\n\t\t$b = append($b, w)\n\t}}\n}}",
    }


def joined(separator: str) -> Code:
    script = f'const $b = $a.join("{separator}");'
    return {
        "python": f'$b = "{separator}".join($a)',
        "javascript": script,
        "typescript": script,
        "java": f'String $b = String.join("{separator}", $a);',
        "go": f'$b := strings.Join($a, "{separator}")',
    }


def spelled(python: str, script: str, java: str, go: str, *, typescript: str = "") -> Code:
    """Written out; TypeScript as JavaScript where it has no types of its own."""
    told = typescript or script
    return {"python": python, "javascript": script, "typescript": told, "java": java, "go": go}
