"""The template `equation`: a frame for each equation that a docstring cites.

What the right-hand side is, only the paper can say: a frame fails until somebody writes it there by hand.
"""

from collections.abc import Mapping, Sequence

from bloomery.source.citing import citations
from bloomery.source.python import Parsed
from bloomery.source.testing.cases import Case, Seen
from bloomery.source.testing.drawing import snake
from bloomery.source.testing.naming import unique
from bloomery.source.testing.writing import Written, inlined

UNWRITTEN = "write the right-hand side by hand, from the paper: not by calling what is tested"


def framed(
    parsed: Parsed, cases: Mapping[str, Sequence[tuple[Case, Seen]]], own: frozenset[str]
) -> list[Written]:
    """A frame for each citation of a function that some case calls."""
    taken: set[str] = set()
    found = []
    for citation in citations(parsed):
        for case, seen in list(cases.get(citation.symbol, ()))[:1]:
            paper, number = citation.equation
            slug = snake(f"{paper}_eq_{number}").replace(".", "_").replace("-", "_")
            name = unique(f"test_{snake(citation.symbol.replace('.', '_'))}_is_{slug}", taken)
            *setup, call = inlined(case, seen, frozenset())
            body = [
                *setup,
                f'expected = pytest.fail("{UNWRITTEN}")',
                f"assert {call} == pytest.approx(expected)",
            ]
            marker = f'@pytest.mark.equation("{paper}", "{number}")'
            text = f"{marker}\ndef {name}():\n" + "".join(f"    {line}\n" for line in body)
            words = own & set(text.replace("(", " ").replace(".", " ").replace(",", " ").split())
            needs = {"pytest": "pytest", **dict(case.needs), **dict.fromkeys(words, "")}
            found.append(Written(name, text, needs, citation.symbol))
    return found
