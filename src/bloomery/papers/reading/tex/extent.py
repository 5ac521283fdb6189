"""Where an environment ends, also in a source that never says so."""

from bloomery.papers.reading.tex.displays import DISPLAYS
from bloomery.papers.reading.tex.input import Input
from bloomery.papers.reading.tex.tokens import PAR, Token, environment

_HEADINGS = ("\\chapter", "\\section", "\\subsection", "\\subsubsection", "\\paragraph", "\\appendix")


def contents(source: Input, name: str, at: Token) -> tuple[list[Token], bool]:
    """All up to \\end{name}, and whether it is there; what else ends it is reported and left to be read."""
    taken: list[Token] = []
    inner: list[str] = []
    while source.peek() and not _ends_anyway(source.peek(), name, inner):
        token = source.pop()
        assert token is not None
        if (opened := environment(token, "begin")) is not None:
            inner.append(opened)
        elif (closed := environment(token, "end")) is not None:
            if closed == name and name not in inner:
                if inner:
                    source.report(at, "unbalanced", f"{name} ends before {inner[-1]} in it does", error=True)
                return taken, True
            if closed not in inner:
                source.push([token])
                break
            while inner.pop() != closed:
                source.report(
                    token, "unbalanced", f"\\end{{{closed}}} ends what {closed} did not begin", error=True
                )
        taken.append(token)
    return _up_to_blank_line(source, taken, name, at), False


def _ends_anyway(text: str, name: str, inner: list[str]) -> bool:
    """A display holds no heading and no other display; no environment outlasts the document."""
    if text in ("\\end{document}", "\\begin{document}"):
        return True
    is_display = name in DISPLAYS
    return is_display and (text in _HEADINGS or (text[7:-1] in DISPLAYS and text.startswith("\\begin{")))


def _up_to_blank_line(source: Input, taken: list[Token], name: str, at: Token) -> list[Token]:
    ends = next((index for index, token in enumerate(taken) if token.text == PAR), None)
    if ends is not None:
        source.push(taken[ends:])
        taken = taken[:ends]
    message = f"\\begin{{{name}}} has no \\end{{{name}}}: it is read up to the next blank line; add its end"
    source.report(at, "unbalanced", message, error=True)
    return taken
