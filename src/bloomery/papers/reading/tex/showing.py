"""Displays in the walk: each row gets its number or none, and its place among the items."""

from bloomery.papers.reading.tex import displays
from bloomery.papers.reading.tex.counting import Counting
from bloomery.papers.reading.tex.displays import Row
from bloomery.papers.reading.tex.extent import contents
from bloomery.papers.reading.tex.input import Input
from bloomery.papers.reading.tex.items import Body, Passage, Shown
from bloomery.papers.reading.tex.references import Target, labels_in
from bloomery.papers.reading.tex.tokens import PAR, Token, render


class Showing:
    """`cited` are all labels that the document refers to: some packages number nothing else."""

    def __init__(self, counting: Counting, body: Body, cited: set[str]) -> None:
        self.source, self.counters, self.body = counting.source, counting.counters, body
        self._counting, self._cited = counting, cited
        self._displays = 0
        self._parents: list[tuple[int, str]] = []

    def environment(self, name: str, at: Token) -> None:
        body, is_whole = contents(self.source, name, at)
        if name.rstrip("*") == "empheq":
            name, body = _within_empheq(body)
        reasons = () if is_whole else (f"its {name} is never ended in the source",)
        self._show(displays.rows(name, body, at), displays.is_numbered(name), reasons)

    def brackets(self, at: Token) -> None:
        """After \\[: numbered by a \\tag only."""
        taken = []
        while self.source.peek() not in ("", "\\]", PAR, "\\end{document}"):
            taken.append(self._next())
        if not self.source.takes("\\]"):
            message = "\\[ has no \\] before the paragraph ends: add it"
            self.source.report(at, "unbalanced", message, error=True)
        self._show(displays.rows("equation*", taken, at), False)

    def dollars(self, at: Token) -> None:
        """After the first of $$."""
        self.source.pop()
        taken: list[Token] = []
        while self.source.peek() not in ("", PAR, "\\end{document}"):
            token = self._next()
            if token.text == "$" and self.source.peek() == "$":
                self.source.pop()
                break
            taken.append(token)
        else:
            message = "$$ has no second $$ before the paragraph ends: add it"
            self.source.report(at, "unbalanced", message, error=True)
        self._show(displays.rows("equation*", taken, at), False)

    def begin_subequations(self) -> None:
        """Numbers 3a, 3b, ... for what would have been 3."""
        number = self.counters.step("equation")
        values, formats = self.counters.values, self.counters.formats
        self._parents.append((values["equation"], formats["equation"]))
        formats["parentequation"] = number
        values["equation"], formats["equation"] = 0, "\\theparentequation\\alph{equation}"
        self.body.here = Target("equation", number)

    def end_subequations(self) -> None:
        self.counters.values["equation"], self.counters.formats["equation"] = self._parents.pop()

    def name(self, label: str, target: Target, at: Token) -> None:
        """Let a label stand for what has a number."""
        if label in self.body.labels:
            message = f"label '{label}' is given twice; references go to the last one, as in LaTeX"
            self.source.report(at, "label-twice", message)
        self.body.labels[label] = target

    def refer(self, latex: str, at: Token) -> None:
        self.body.used += [(label, at) for label in labels_in(latex)]

    def _next(self) -> Token:
        token = self.source.pop()
        assert token is not None  # its text was seen
        return token

    def _show(self, rows: list[Row], is_numbered: bool, reasons: tuple[str, ...] = ()) -> None:
        self._displays += 1
        found = False
        for row in rows:
            for words in row.words:
                self.body.items.append(Passage(render(words), row.at))
            found |= self._row(row, is_numbered, reasons)
        self.body.unnumbered += not found

    def _row(self, row: Row, numbered: bool, reasons: tuple[str, ...]) -> bool:
        """Whether a formula was shown with a number."""
        if self._counting.shows_cited_only:
            numbered = numbered and bool(self._cited.intersection(row.labels))
        if row.tag is None and (row.is_silenced or not numbered):
            return False
        number = row.tag if row.tag is not None else self.counters.step("equation")
        for label in row.labels:
            self.name(label, Target("equation", number), row.at)
        if not row.latex:
            message = f"number ({number}) is printed on an empty line: a \\\\ too many"
            self.source.report(row.at, "empty-row", message)
            return False
        if row.imbalance:
            message = f"equation ({number}) has {row.imbalance}: complete the pairs"
            self.source.report(row.at, "unbalanced", message, error=True)
            reasons = (*reasons, f"unbalanced: {row.imbalance}")
        self.refer(row.latex, row.at)
        self.body.items.append(Shown(number, row, self._displays, reasons))
        return True


def _within_empheq(body: list[Token]) -> tuple[str, list[Token]]:
    inner = Input()
    inner.push(body)
    inner.optional()
    name = inner.words().partition("=")[0]
    return name, list(iter(inner.pop, None))
