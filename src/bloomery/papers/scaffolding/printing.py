"""Templates, and values as the code of a generated file."""

import json
import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from bloomery.papers.scaffolding.signature import Input

LONGEST = 110
WORDS = 90
ROOM = 60  # for the name of a constant


def quoted(text: str) -> str:
    """A string of Python, in the quotes that a formatter prefers."""
    body = text.replace("\\", "\\\\").replace("\n", "\\n")
    mark = "'" if body.count('"') > body.count("'") else '"'
    return mark + body.replace(mark, f"\\{mark}") + mark


def toml(text: str) -> str:
    """A string of TOML."""
    return json.dumps(text, ensure_ascii=False)


def doc(text: str) -> str:
    """Text that a raw docstring can hold, and that cites nothing."""
    plain = re.sub(r"\bSource:", "Source -", textwrap.dedent(text).replace('"""', "'''"))
    return "\n".join(line.rstrip() for line in plain.split("\n")).rstrip('"\\ \n')


def dimensions(given: Sequence[str] | None) -> str:
    return "of no declared shape" if given is None else f"[{', '.join(given)}]"


def literal(given: Sequence[str] | None) -> str:
    """A tuple of strings."""
    if not given:
        return "()"
    return f"({', '.join(map(quoted, given))}{',' if len(given) == 1 else ''})"


def strings(given: Iterable[str]) -> str:
    return f"[{', '.join(map(quoted, given))}]"


def mapping(given: Mapping[str, Any]) -> str:
    """A dictionary, one entry a line."""
    if not given:
        return "{}"
    lines = [
        f"    {quoted(key)}: {quoted(value) if isinstance(value, str) else value},\n"
        for key, value in given.items()
    ]
    return "{\n" + "".join(lines) + "}"


def declared(inputs: Sequence[Input]) -> str:
    """` = (Input("alpha", ("B",), low=0.0),)`, as a formatter writes it."""
    if not inputs:
        return ": tuple[Input, ...] = ()"
    written = [f"{_input(one)}," for one in inputs]
    if len(written) == 1 and len(written[0]) < LONGEST - ROOM:
        return f" = ({written[0]})"
    return "\n".join([" = (", *(f"    {one}" for one in written), ")"])


def _input(given: Input) -> str:
    domain = given.domain
    words = [quoted(given.name), literal(given.dimensions)]
    words += [f"low={domain.low}"] if domain.low is not None else []
    words += [f"high={domain.high}"] if domain.high is not None else []
    words += [f"closed={domain.closed}"] if any(domain.closed) else []
    words += ["whole=True"] if domain.whole else []
    return f"Input({', '.join(words)})"


def statement(text: str) -> str:
    """`missing = ...`, over as many lines as it needs."""
    short = f"    missing = {quoted(text)}"
    if len(short) <= LONGEST:
        return short
    lines = textwrap.wrap(text, WORDS, break_long_words=False)
    parts = [f"{line} " for line in lines[:-1]] + lines[-1:]
    return "\n".join(["    missing = (", *(f"        {quoted(part)}" for part in parts), "    )"])


def cell(text: str) -> str:
    """Text in a table of Markdown."""
    return text.replace("|", "\\|")


def imported(module: str, names: Iterable[str]) -> str:
    """`from module import names`, as a formatter writes it."""
    ordered = sorted(set(names), key=lambda name: (not name.isupper(), name[:1].islower(), name))
    line = f"from {module} import {', '.join(ordered)}"
    if len(line) <= LONGEST:
        return line
    return "\n".join([f"from {module} import (", *(f"    {name}," for name in ordered), ")"])


FILTERS = (doc, toml, dimensions, literal, strings, mapping, declared, statement, cell, quoted)


def environment() -> Environment:
    """Where the templates are found."""
    found = Environment(
        loader=PackageLoader("bloomery.papers.scaffolding", "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # Python and Markdown, no HTML
    )
    found.filters |= {one.__name__: one for one in FILTERS}
    return found
