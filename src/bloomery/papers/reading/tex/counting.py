"""The commands that steer numbers: which class, what is counted within what, counters that are set."""

import re
from collections.abc import Callable

from bloomery.papers.reading.tex.counters import Counters
from bloomery.papers.reading.tex.input import Input
from bloomery.papers.reading.tex.tokens import Token, render

_CLASSES_WITH_CHAPTERS = ("book", "report", "scrbook", "scrreprt", "memoir")


class Counting:
    """Obeys these commands; theorems share the counters."""

    def __init__(self, source: Input, counters: Counters) -> None:
        self.source, self.counters = source, counters
        self.theorems: dict[str, str] = {}  # environment to counter; "" is never numbered
        self.shows_cited_only = False

    def commands(self) -> dict[str, Callable[[Token], None]]:
        return {
            **dict.fromkeys(("\\numberwithin", "\\counterwithin", "\\@addtoreset"), self._within),
            **dict.fromkeys(("\\setcounter", "\\addtocounter"), self._set),
            **dict.fromkeys(("\\usepackage", "\\RequirePackage", "\\mathtoolsset"), self._package),
            "\\stepcounter": self._step,
            "\\newcounter": self._new,
            "\\renewcommand": self._format,
            "\\newtheorem": self._theorem,
            "\\appendix": lambda at: self.counters.appendix(),
        }

    def use_class(self, name: str) -> None:
        if name in _CLASSES_WITH_CHAPTERS:
            self.counters.use_chapters()

    def _package(self, at: Token) -> None:
        words = self.source.words()
        if "autonum" in words or "showonlyrefs" in words:
            self.shows_cited_only = True

    def _within(self, at: Token) -> None:
        keeps_format = self.source.takes("*") or at.text == "\\@addtoreset"
        inner, outer = self.source.words(), self.source.words()
        if keeps_format:
            self.counters.within[inner] = outer
        else:
            self.counters.number_within(inner, outer)

    def _set(self, at: Token) -> None:
        name, value = self.source.words(), self.source.words()
        if not re.fullmatch(r"-?\d+", value):
            message = f"{name} is set to {value}, which is no number: it stays as it was"
            self.source.report(at, "counter", message)
            return
        base = self.counters.values.get(name, 0) if at.text == "\\addtocounter" else 0
        self.counters.put(name, base + int(value))

    def _step(self, at: Token) -> None:
        self.counters.step(self.source.words())

    def _new(self, at: Token) -> None:
        name = self.source.words()
        self.counters.new(name, render(self.source.optional() or ()).strip())

    def _format(self, at: Token) -> None:
        """Only \\the<counter> comes here; macros are expanded already."""
        name, text = self.source.words(), self.source.words()
        self.counters.formats[name.removeprefix("\\the")] = text

    def _theorem(self, at: Token) -> None:
        is_numbered = not self.source.takes("*")
        name, shared = self.source.words(), self.source.optional()
        self.source.group()
        within = render(self.source.optional() or ()).strip()
        counter = name if shared is None else render(shared).strip()
        self.theorems[name] = self.theorems.get(counter, counter) if is_numbered else ""
        if shared is None and is_numbered:
            self.counters.new(name)
            if within:
                self.counters.number_within(name, within)
