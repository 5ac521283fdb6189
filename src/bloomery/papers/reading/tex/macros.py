"""Definitions: what a document's own commands and environments stand for."""

import re
from dataclasses import dataclass

from bloomery.papers.reading.tex.input import Input
from bloomery.papers.reading.tex.tokens import Token, render, tokens

Body = tuple[Token, ...]

COMMANDS = ("\\newcommand", "\\renewcommand", "\\providecommand", "\\DeclareRobustCommand")
ENVIRONMENTS = ("\\newenvironment", "\\renewenvironment", "\\provideenvironment")
DOCUMENT_COMMANDS = tuple(f"\\{verb}DocumentCommand" for verb in ("New", "Renew", "Provide", "Declare"))
DEFS = ("\\def", "\\gdef", "\\edef", "\\xdef", "\\long", "\\global", "\\protected")
KEPT = frozenset(  # what the reader itself goes by: a document's redefinition changes looks only
    [
        "\\part",
        "\\chapter",
        "\\section",
        "\\subsection",
        "\\subsubsection",
        "\\paragraph",
        "\\label",
        "\\ref",
        "\\eqref",
        "\\pageref",
        "\\cref",
        "\\Cref",
        "\\autoref",
        "\\cite",
        "\\citep",
        "\\citet",
        "\\caption",
        "\\title",
        "\\author",
        "\\begin",
        "\\end",
        "\\item",
        "\\tag",
        "\\notag",
        "\\nonumber",
        "\\appendix",
        "\\footnote",
        "\\bibitem",
        "\\maketitle",
        "\\abstract",
        "\\\\",
        "\\[",
        "\\]",
        "\\(",
        "\\)",
        "\\par",
        "\\text",
        "\\frac",
        "\\left",
        "\\right",
        "\\intertext",
        "\\multicolumn",
        "\\multirow",
        "\\State",
        "\\STATE",
        "\\input",
        "\\include",
        "\\date",
        "\\and",
        "\\thanks",
    ]
)


@dataclass(frozen=True)
class Macro:
    """`defaults` holds, for each argument, None where it is mandatory, else what an absent one stands for."""

    body: Body
    defaults: tuple[Body | None, ...] = ()
    star: bool = False  # its first argument tells whether a star follows its name

    def expanded(self, arguments: list[Body], at: Token) -> list[Token]:
        """The body with its arguments; what the body brings stands at the line of the call."""
        found: list[Token] = []
        for token in self.body:
            if re.fullmatch("#[1-9]", token.text) and not token.raw:
                number = int(token.text[1]) - 1
                found += arguments[number] if number < len(arguments) else []
            else:
                text = token.text[1:] if token.text.startswith("##") else token.text
                found.append(Token(text, at.path, at.line, at.depth + 1, token.raw))
        return found


@dataclass
class Macros:
    """All definitions in force."""

    commands: dict[str, Macro]
    environments: dict[str, tuple[Macro, Macro]]

    def define(self, name: str, macro: Macro) -> None:
        if name.startswith("\\") and len(name) > 1 and name not in KEPT:
            self.commands[name] = macro

    def forget(self, token: Token) -> None:
        self.commands.pop(token.text, None)
        self.environments.pop(token.text.partition("{")[2].rstrip("}"), None)


def command(source: Input, at: Token) -> tuple[str, Macro] | None:
    """After \\newcommand and its like."""
    source.takes("*")
    name = source.name()
    defaults = _parameters(source)
    body = source.argument()
    if name is None or body is None:
        _not_understood(source, at)
        return None
    return name, Macro(tuple(body), defaults)


def environment(source: Input, at: Token) -> tuple[str, Macro, Macro] | None:
    source.takes("*")
    name, defaults = source.words(), _parameters(source)
    first, last = source.group(), source.group()
    if not name or first is None or last is None:
        _not_understood(source, at)
        return None
    return name, Macro(tuple(first), defaults), Macro(tuple(last))


def definition(source: Input, at: Token) -> tuple[str, Macro] | None:
    """After \\def: parameters one after the other, nothing between them."""
    name = source.name()
    count = 0
    pattern = []
    while (token := source.pop()) is not None and token.text != "{":
        pattern.append(token)
        if len(pattern) > 50:
            _not_understood(source, at)
            return None
        count += bool(re.fullmatch("#[1-9]", token.text))
    if token is None or name is None:
        _not_understood(source, at)
        return None
    source.push([token])
    body = source.group()
    if body is None:
        return None
    if len([one for one in pattern if one.text != " "]) != count:
        message = f"{name} takes its arguments by a pattern, which is not read: it stays as it is written"
        source.report(at, "macro-pattern", message)
        return None
    return name, Macro(tuple(body), (None,) * count)


def operator(source: Input, at: Token) -> tuple[str, Macro] | None:
    """After \\DeclareMathOperator."""
    star = "*" if source.takes("*") else ""
    name, body = source.name(), source.argument()
    if name is None or body is None:
        _not_understood(source, at)
        return None
    return name, Macro((*_made(f"\\operatorname{star}{{", at), *body, *_made("}", at)))


def document_command(source: Input, at: Token) -> tuple[str, Macro] | None:
    """After \\NewDocumentCommand: of its kinds of argument m, o, O and s."""
    name, kinds, body = source.name(), source.words(), source.argument()
    if name is None or body is None:
        _not_understood(source, at)
        return None
    found = re.findall(r"\+?(s|m|o|O\s*\{[^{}]*\})\s*", kinds)
    if re.sub(r"\+?(s|m|o|O\s*\{[^{}]*\})\s*", "", kinds).strip() or "s" in found[1:]:
        source.report(
            at, "macro-pattern", f"{name} takes arguments {{{kinds}}}, of which m, o, O and s are read"
        )
        return None
    defaults = tuple(None if kind in "sm" else _made(kind[1:].strip()[1:-1], at) for kind in found)
    return name, Macro(tuple(body), defaults, star=found[:1] == ["s"])


def alias(source: Input, macros: Macros) -> None:
    """After \\let."""
    name = source.name()
    source.takes("=")
    source.skip_blanks()
    target = source.pop()
    if name is not None and target is not None:
        macros.define(name, macros.commands.get(target.text, Macro((target,))))


def arguments(source: Input, macro: Macro) -> list[Body] | None:
    """What follows a call; None where something is missing."""
    found: list[Body] = []
    for number, default in enumerate(macro.defaults):
        if macro.star and not number:
            found.append(_made("*", Token("", "", 0)) if source.takes("*") else ())
            continue
        given = source.argument() if default is None else source.optional()
        if given is None and default is None:
            return None
        found.append(tuple(given) if given is not None else default or ())
    return found


def _parameters(source: Input) -> tuple[Body | None, ...]:
    given = source.optional()
    count = render(given or ()).strip()
    if not count.isdigit():
        return ()
    default = source.optional()
    first: tuple[Body | None, ...] = () if default is None else (tuple(default),)
    return (*first, *(None for _ in range(int(count) - len(first))))


def _made(text: str, at: Token) -> Body:
    return tuple(token._replace(line=at.line) for token in tokens(text, at.path))


def _not_understood(source: Input, at: Token) -> None:
    message = f"{at.text} is followed by no name and body: the definition is left out"
    source.report(at, "definition", message, error=True)
