"""A document's tokens as what a reader sees: headings, paragraphs, displays, floats, each with its number."""

from collections.abc import Callable

from bloomery.papers.reading.tex import floats
from bloomery.papers.reading.tex.counters import LEVELS, Counters
from bloomery.papers.reading.tex.counting import Counting
from bloomery.papers.reading.tex.displays import DISPLAYS
from bloomery.papers.reading.tex.extent import contents
from bloomery.papers.reading.tex.input import Input
from bloomery.papers.reading.tex.items import Body, Float, Heading, Passage
from bloomery.papers.reading.tex.references import COMMANDS, Target, labels_in
from bloomery.papers.reading.tex.showing import Showing
from bloomery.papers.reading.tex.tokens import PAR, Token, environment, render

_FLOATS = {
    **dict.fromkeys(("table", "wraptable", "sidewaystable", "longtable"), "table"),
    **dict.fromkeys(("tabular", "tabularx", "tabulary", "tabu", "NiceTabular"), "table"),
    **dict.fromkeys(("figure", "wrapfigure", "sidewaysfigure"), "figure"),
    **dict.fromkeys(("algorithm", "algorithm2e", "algorithmic"), "algorithm"),
}
_WITH_ARGUMENT = ("thebibliography", "minipage", "multicols", "list", "adjustwidth")
_NO_TEXT = ("bibliographystyle", "graphicspath", "pagestyle", "thispagestyle", "hypersetup", "caption")


class Walk:
    """One pass over the expanded tokens."""

    def __init__(self, tokens: list[Token]) -> None:
        self.source, self.counters, self.body = Input(), Counters(), Body()
        self.source.push(tokens)
        self._counting = Counting(self.source, self.counters)
        self._showing = Showing(self._counting, self.body, set(labels_in(render(tokens))))
        self._text: list[Token] = []
        self._scopes: list[tuple[str, Target | None]] = []
        self._is_body = not any(token.text == "\\begin{document}" for token in tokens)
        self._ends_left = sum(token.text == "\\end{document}" for token in tokens)
        self._does = {**self._counting.commands(), **self._commands()}

    def run(self) -> Body:
        while (token := self.source.pop()) is not None:
            if token.raw or not (self._edge(token) or self._obeyed(token)):
                self._word(token)
        self._flush()
        return self.body

    def _commands(self) -> dict[str, Callable[[Token], None]]:
        return {
            **dict.fromkeys((PAR, "\\par", "\\item"), lambda at: self._flush()),
            **dict.fromkeys((f"\\{name}" for name in _NO_TEXT), self._ignore),
            **dict.fromkeys(("\\title", "\\icmltitle"), self._keep(self.body.titles)),
            **dict.fromkeys(("\\author", "\\icmlauthor"), self._keep(self.body.authors)),
            **dict.fromkeys((f"\\{level}" for level in LEVELS), self._heading),
            **dict.fromkeys(COMMANDS, self._reference),
            "\\date": self._keep(self.body.dates),
            "\\abstract": self._abstract,
            "\\maketitle": lambda at: None,
            "\\documentclass": self._class,
            "\\label": self._label,
            "\\refstepcounter": self._step,
            "\\bibitem": self._bibitem,
            "\\ensuremath": self._maths,
            "\\[": self._bracket,
        }

    def _obeyed(self, token: Token) -> bool:
        does = self._does.get(token.text)
        if does is not None:
            does(token)
        return does is not None

    def _word(self, token: Token) -> None:
        if not self._is_body:
            return
        if token.text == "$" and self.source.peek() == "$" and not token.raw:
            self._flush()
            self._showing.dollars(token)
        elif self._text or token.text != " ":
            self._text.append(token)

    def _flush(self) -> None:
        text = render(self._text).strip()
        if self._is_body and text:
            self.body.items.append(Passage(text, self._text[0]))
        self._text = []

    def _edge(self, token: Token) -> bool:
        """Whether the token began or ended an environment."""
        name, closed = environment(token, "begin"), environment(token, "end")
        if name is not None:
            self._begin(name, token)
        elif closed is not None:
            self._end(closed, token)
        return name is not None or closed is not None

    def _begin(self, name: str, at: Token) -> None:
        bare = name.rstrip("*")
        if name == "document":
            self._is_body, self._text = True, []
        elif name in DISPLAYS:
            self._flush()
            self._showing.environment(name, at)
        elif bare in _FLOATS:
            self._float(_FLOATS[bare], name, at)
        elif name == "abstract":
            self.body.abstract = render(contents(self.source, name, at)[0])
        elif bare in ("comment", "filecontents"):
            contents(self.source, name, at)
        else:
            self._open_scope(name)

    def _open_scope(self, name: str) -> None:
        self._scopes.append((name, self.body.here))
        self.source.optional()
        if name in _WITH_ARGUMENT:
            self.source.group()
        if name in ("appendices", "appendix"):
            self.counters.appendix()
        elif name == "subequations":
            self._showing.begin_subequations()
        elif counter := self._counting.theorems.get(name):
            self.body.here = Target(name, self.counters.step(counter))

    def _end(self, name: str, at: Token) -> None:
        if name == "document":
            self._end_document()
        elif any(name == opened for opened, _ in self._scopes):
            self._close_scopes(name)
        else:
            message = f"\\end{{{name}}} ends nothing that was begun: take it out or add its \\begin"
            self.source.report(at, "unbalanced", message, error=True)

    def _end_document(self) -> None:
        """The last one: a file that is put in may be a document of its own."""
        self._flush()
        self._ends_left -= 1
        if not self._ends_left:
            self.source.end()

    def _close_scopes(self, name: str) -> None:
        while True:
            opened, self.body.here = self._scopes.pop()
            if opened == "subequations":
                self._showing.end_subequations()
            if opened == name:
                return

    def _float(self, kind: str, name: str, at: Token) -> None:
        """Its text is no part of the paragraphs around it."""
        found = floats.read(kind, name, contents(self.source, name, at)[0], lambda: self.counters.step(kind))
        for label, number in found.labels:
            self._showing.name(label, Target(kind, number), at)
        for _, caption in found.captions:
            self._showing.refer(caption, at)
        self.body.items.append(Float(kind, found, at))

    def _bracket(self, at: Token) -> None:
        self._flush()
        self._showing.brackets(at)

    def _heading(self, at: Token) -> None:
        self._flush()
        level = LEVELS.index(at.text[1:])
        is_numbered = not self.source.takes("*") and level <= self.counters.depth
        self.source.optional()
        title = self.source.words()
        number = self.counters.step(LEVELS[level]) if is_numbered else ""
        if is_numbered:
            self.body.here = Target("section", number)
        self.body.items.append(Heading(level, number, title, at))

    def _label(self, at: Token) -> None:
        label = self.source.words()
        if self.body.here is None:
            self.source.report(at, "label", f"\\label{{{label}}} stands where nothing has a number")
        else:
            self._showing.name(label, self.body.here, at)

    def _reference(self, at: Token) -> None:
        star = "*" if self.source.takes("*") else ""
        latex = f"{at.text}{star}{{{self.source.words()}}}"
        self._showing.refer(latex, at)
        self._text.append(at._replace(text=latex, raw=True))

    def _step(self, at: Token) -> None:
        name = self.source.words()
        self.body.here = Target(name, self.counters.step(name))

    def _bibitem(self, at: Token) -> None:
        self._flush()
        self.source.optional()
        key, taken = self.source.words(), []
        while self.source.peek() not in ("", "\\bibitem", "\\end{thebibliography}", "\\end{document}"):
            taken.append(self.source.pop() or at)
        self.body.bibliography.append((key, render(taken)))

    def _maths(self, at: Token) -> None:
        """After \\ensuremath: between dollars where there are none yet."""
        group = self.source.group() or []
        is_inside = sum(token.text == "$" for token in self._text) % 2
        dollar = at._replace(text="$")
        self.source.push(group if is_inside else [dollar, *group, dollar])

    def _abstract(self, at: Token) -> None:
        self.body.abstract = self.source.words()

    def _ignore(self, at: Token) -> None:
        self.source.takes("*")
        self.source.optional()
        self.source.group()

    def _keep(self, into: list[str]) -> Callable[[Token], None]:
        def keep(at: Token) -> None:
            self.source.optional()
            into.append(self.source.words())

        return keep

    def _class(self, at: Token) -> None:
        """Also that of a file which is a document of its own and was put into this one: its preamble ends."""
        name = self.source.words()
        if not self._is_body:
            self._counting.use_class(name)
        while self._is_body and self.source.peek() not in ("", "\\begin{document}"):
            self.source.pop()
