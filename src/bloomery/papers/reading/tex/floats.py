"""Tables and algorithms in their floats: captions, numbers, cells, lines."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from bloomery.papers.reading.tex.extent import contents
from bloomery.papers.reading.tex.grid import TABULAR, Grid, grid
from bloomery.papers.reading.tex.input import Input
from bloomery.papers.reading.tex.tokens import Token, render

_NEW_LINE = re.compile(
    r"\\(State|STATE|Statex|Require|REQUIRE|Ensure|ENSURE|If|IF|ElsIf|ELSIF|Else|ELSE|EndIf|ENDIF|For|FOR|ForAll"
    r"|EndFor|ENDFOR|While|WHILE|EndWhile|ENDWHILE|Repeat|REPEAT|Until|UNTIL|Return|RETURN|Function|EndFunction"
    r"|Procedure|EndProcedure|Input|INPUT|Output|OUTPUT|KwIn|KwOut|KwData|KwResult|Loop|EndLoop|Comment)(?![A-Za-z])"
)


@dataclass
class Found:
    captions: list[tuple[str, str]] = field(default_factory=list)  # number, TeX
    labels: list[tuple[str, str]] = field(default_factory=list)  # label, number
    grids: list[Grid] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)


def read(kind: str, name: str, body: list[Token], step: Callable[[], str]) -> Found:
    """What a float holds; `step` gives the number of its next caption."""
    found, source = Found(), Input()
    if TABULAR.fullmatch(f"\\begin{{{name}}}"):  # one without a float, or one that is its own
        body = _captioned(body, found, step)
        found.grids.append(grid(name, body))
        return found
    rest = _captioned(body, found, step)
    source.push(rest)
    while (token := source.pop()) is not None:
        if match := TABULAR.fullmatch(token.text):
            found.grids.append(grid(match[1], contents(source, match[1], token)[0]))
    if kind == "algorithm":
        found.lines = _lines(render(rest))
    return found


def _captioned(body: list[Token], found: Found, step: Callable[[], str]) -> list[Token]:
    """What is left when captions and labels are taken out."""
    source, rest, number = Input(), [], ""
    source.push(body)
    while (token := source.pop()) is not None:
        if token.text in ("\\caption", "\\captionof"):
            if not source.takes("*"):
                number = step()
            if token.text == "\\captionof":
                source.group()
            source.optional()
            found.captions.append((number, source.words()))
        elif token.text == "\\label":
            found.labels.append((source.words(), number))
        else:
            rest.append(token)
    return rest


def _lines(latex: str) -> list[str]:
    """Pseudocode, line by line: commands of algorithmic, or the \\; and \\\\ of algorithm2e."""
    latex = re.sub(r"\\(begin|end)\{[^{}]*\}(\[[^\]]*\])?", "\n", latex)
    if _NEW_LINE.search(latex):
        latex = " ".join(latex.split())
        latex = _NEW_LINE.sub(lambda match: f"\n{_word(match[1])} ", latex)
    else:
        latex = re.sub(r"\\;|\\\\", "\n", latex)
    lines = (line.strip() for line in latex.split("\n"))
    return [line for line in lines if re.search(r"\w", re.sub(r"\\[A-Za-z]+", "", line)) or line]


def _word(command: str) -> str:
    if command.lower() in ("state", "statex"):
        return ""
    words = re.sub(r"^(End|Els)(?=[A-Z])", r"\1 ", command) if not command.isupper() else command.lower()
    return f"\\textbf{{{words.lower()}}}"
