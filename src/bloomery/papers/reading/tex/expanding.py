"""A document as one list of tokens: files put in, macros expanded, branches chosen."""

from collections.abc import Callable, Iterable
from pathlib import PurePosixPath

from bloomery.papers.diagnostic import Diagnostic
from bloomery.papers.reading.files import Files
from bloomery.papers.reading.tex import macros as defining
from bloomery.papers.reading.tex.conditions import Conditions
from bloomery.papers.reading.tex.counters import LEVELS
from bloomery.papers.reading.tex.input import Input
from bloomery.papers.reading.tex.macros import Macro, Macros
from bloomery.papers.reading.tex.tokens import END_OF_FILE, Token, environment, render, tokens

Does = Callable[[Token], list[Token] | None]
DEPTH = 60  # macros within macros
EXPANSIONS = 300_000
TOKENS = 2_000_000
COUNTERS = frozenset(("part", "equation", "figure", "table", "algorithm", *LEVELS))


def expand(files: Files, main: str) -> tuple[list[Token], list[Diagnostic]]:
    """The document's tokens; what could not be found or understood is in the diagnostics."""
    reader = _Expander(files, Macros({}, {}))
    reader.open(main, Token("", main, 1))
    found = reader.run()
    return found, reader.source.found


class _Expander:
    def __init__(self, files: Files, macros: Macros) -> None:
        self.files, self.macros = files, macros
        self.source, self.conditions = Input(), Conditions()
        self._open: list[str] = []
        self._expansions = 0
        self._told: set[str] = set()
        self._does: dict[str, Does] = {
            **dict.fromkeys(defining.COMMANDS, self._command),
            **dict.fromkeys(defining.ENVIRONMENTS, self._environment),
            **dict.fromkeys(defining.DOCUMENT_COMMANDS, self._document_command),
            **dict.fromkeys(defining.DEFS[:4], self._definition),
            **dict.fromkeys(defining.DEFS[4:], lambda at: None),
            **dict.fromkeys(("\\input", "\\include", "\\subfile", "\\subfileinclude"), self._input),
            **dict.fromkeys(("\\import", "\\subimport", "\\includefrom"), self._import),
            **dict.fromkeys(("\\usepackage", "\\RequirePackage", "\\documentclass"), self._style),
            **dict.fromkeys(("\\begin", "\\end"), self._edge),
            **dict.fromkeys(("\\makeatletter", "\\makeatother", "\\xspace"), lambda at: None),
            "\\DeclareMathOperator": self._operator,
            "\\let": lambda at: defining.alias(self.source, self.macros),
            "\\newif": lambda at: self.conditions.declare(self.source.name() or ""),
            "\\else": lambda at: self.conditions.skip(self.source, at),
            "\\fi": lambda at: None,
            "\\endinput": self._end_input,
            "\\bibliography": self._bibliography,
            "\\printbibliography": self._bibliography,
            END_OF_FILE: self._end_of_file,
        }

    def run(self) -> list[Token]:
        found: list[Token] = []
        while (token := self.source.pop()) is not None:
            if token.raw:
                found.append(token)
            elif does := self._does.get(token.text):
                found += does(token) or ()
            elif token.text[:1] != "\\" or not self._replaced(token):
                found.append(token)
            if len(found) > TOKENS:
                self.source.report(
                    token, "too-long", f"more than {TOKENS} tokens: the rest is left out", error=True
                )
                break
        return found

    def open(self, name: str, at: Token) -> None:
        """Put a file's tokens next."""
        text = self.files.text(name)
        if text is None:
            message = f"no file {name} among the sources: the rest is read without it"
            self.source.report(at, "missing-input", message, error=True)
        elif name in self._open:
            message = f"{name} is put into itself ({' > '.join([*self._open, name])}): once is enough"
            self.source.report(at, "input-cycle", message, error=True)
        else:
            self._open.append(name)
            self.source.push([*tokens(text, name), Token(END_OF_FILE, name, text.count("\n") + 1)])

    def _replaced(self, token: Token) -> bool:
        """Whether the token was a macro, a branch, a user's environment: then what it stands for is next."""
        name = token.text
        if macro := self.macros.commands.get(name):
            return self._called(token, macro)
        for edge, which in (("begin", 0), ("end", 1)):
            pair = self.macros.environments.get(environment(token, edge) or "")
            if pair is not None:
                return self._called(token, pair[which])
        if self.conditions.opens(name):
            self.conditions.follow(self.source, token)
            return True
        return self.conditions.sets(name)

    def _called(self, token: Token, macro: Macro) -> bool:
        self._expansions += 1
        if token.depth >= DEPTH or self._expansions > EXPANSIONS:
            self.macros.forget(token)
            message = f"{token.text} expands without end: from here it stays as it is written"
            self.source.report(token, "macro-recursion", message, error=True)
            return False
        arguments = defining.arguments(self.source, macro)
        if arguments is None:
            message = (
                f"{token.text} lacks an argument of its {len(macro.defaults)}: it stays as it is written"
            )
            self.source.report(token, "macro-argument", message, error=True)
            return False
        self.source.push(macro.expanded(arguments, token))
        return True

    def _command(self, at: Token) -> list[Token] | None:
        return self._keep(at, defining.command(self.source, at))

    def _definition(self, at: Token) -> list[Token] | None:
        return self._keep(at, defining.definition(self.source, at))

    def _operator(self, at: Token) -> list[Token] | None:
        return self._keep(at, defining.operator(self.source, at))

    def _document_command(self, at: Token) -> list[Token] | None:
        return self._keep(at, defining.document_command(self.source, at))

    def _keep(self, at: Token, made: tuple[str, Macro] | None) -> list[Token] | None:
        """How a counter is printed is passed on: it holds from here, not from where it is used."""
        if made is None:
            return None
        name, macro = made
        if name.startswith("\\the") and name[4:] in COUNTERS:
            return [
                *_written(at._replace(text="\\renewcommand"), [at._replace(text=name)]),
                *_braced(at, macro.body),
            ]
        is_new = at.text != "\\providecommand" or name not in self.macros.commands
        if is_new:
            self.macros.define(name, macro)
        return None

    def _environment(self, at: Token) -> None:
        if made := defining.environment(self.source, at):
            name, first, last = made
            if not _is_known_display(name):
                self.macros.environments[name] = first, last

    def _edge(self, at: Token) -> None:
        """A \\begin whose name came out of a macro."""
        name = self.source.group()
        if name is not None:
            self.source.push([at._replace(text=f"{at.text}{{{render(name).strip()}}}")])

    def _input(self, at: Token) -> None:
        name = (
            self.source.words()
            if self.source.peek() in ("{", " ") and self._has_group()
            else self._bare_name()
        )
        self._open_found([name], at)

    def _has_group(self) -> bool:
        self.source.skip_blanks()
        return self.source.peek() == "{"

    def _bare_name(self) -> str:
        parts = []
        self.source.skip_blanks()
        while self.source.peek() not in ("", " ", "{", "}", END_OF_FILE) and "\n" not in self.source.peek():
            token = self.source.pop()
            assert token is not None
            parts.append(token.text)
        return "".join(parts)

    def _import(self, at: Token) -> None:
        folder, name = self.source.words(), self.source.words()
        self._open_found([f"{folder.rstrip('/')}/{name}"], at)

    def _open_found(self, names: list[str], at: Token) -> None:
        """The first of the names that there is, from the root or beside the file that asks."""
        here = PurePosixPath(at.path).parent
        for name in names:
            for candidate in (name, f"{name}.tex", str(here / name), str(here / f"{name}.tex")):
                if name and not candidate.endswith("/") and self.files.text(candidate) is not None:
                    return self.open(str(PurePosixPath(candidate)), at)
        return self.open(names[0], at)

    def _style(self, at: Token) -> list[Token]:
        """Macros of styles that come with the sources; the words themselves go on to the reader."""
        self.source.optional()
        names = self.source.group()
        ending = "cls" if at.text == "\\documentclass" else "sty"
        for name in render(names or ()).split(","):
            path = f"{name.strip()}.{ending}"
            if path not in self._told and (text := self.files.text(path)) is not None:
                self._told.add(path)
                self._learn(text, path)
        return _written(at, names or ())

    def _learn(self, text: str, path: str) -> None:
        style = _Expander(self.files, Macros({}, {}))
        style.source.push(tokens(text, path))
        style.run()
        for name, macro in style.macros.commands.items():
            if "@" not in name and not any("@" in token.text for token in macro.body):
                self.macros.commands.setdefault(name, macro)

    def _bibliography(self, at: Token) -> None:
        self.source.group()
        for name in self.files.names():
            if name.endswith(".bbl"):
                self.open(name, at)

    def _end_of_file(self, at: Token) -> None:
        self._open.pop()

    def _end_input(self, at: Token) -> None:
        while self.source.peek() not in ("", END_OF_FILE):
            self.source.pop()


def _is_known_display(name: str) -> bool:
    return name.rstrip("*") in ("equation", "align", "gather", "multline", "eqnarray", "subequations")


def _written(at: Token, argument: Iterable[Token]) -> list[Token]:
    return [at, *_braced(at, argument)]


def _braced(at: Token, argument: Iterable[Token]) -> list[Token]:
    return [at._replace(text="{"), *argument, at._replace(text="}")]
