"""Where tokens wait to be read: macros put theirs back on top, arguments are taken from it."""

from collections.abc import Iterable

from bloomery.papers.diagnostic import Diagnostic
from bloomery.papers.reading.tex.tokens import END_OF_FILE, PAR, Token, render

_NEVER_IN_A_GROUP = (END_OF_FILE, "\\begin{document}", "\\end{document}")


class Input:
    """Tokens in the order in which TeX would meet them."""

    def __init__(self) -> None:
        self._stack: list[Token] = []
        self.found: list[Diagnostic] = []

    def push(self, tokens: Iterable[Token]) -> None:
        self._stack.extend(reversed(list(tokens)))

    def pop(self) -> Token | None:
        return self._stack.pop() if self._stack else None

    def end(self) -> None:
        """Nothing more is read."""
        self._stack.clear()

    def peek(self) -> str:
        return self._stack[-1].text if self._stack else ""

    def report(self, at: Token, code: str, message: str, *, error: bool = False) -> None:
        self.found.append(Diagnostic(at.path, at.line, "error" if error else "warning", code, message))

    def skip_blanks(self) -> None:
        while self._stack and self._stack[-1].text == " ":
            self._stack.pop()

    def takes(self, text: str) -> bool:
        """Whether the next token, blanks aside, is this one, which is then gone."""
        self.skip_blanks()
        if self.peek() != text:
            return False
        self._stack.pop()
        return True

    def group(self) -> list[Token] | None:
        """What stands in braces next; None, with nothing taken, where no group begins or it never ends."""
        return self._between("{", "}")

    def optional(self) -> list[Token] | None:
        """What stands in brackets next."""
        return self._between("[", "]")

    def argument(self) -> list[Token] | None:
        """A group, or one token: of a word its first letter."""
        self.skip_blanks()
        text = self.peek()
        if text == "{":
            return self.group()
        if text in ("", PAR, "}", *_NEVER_IN_A_GROUP):
            return None
        token = self._stack.pop()
        if len(token.text) > 1 and token.text[0] not in "\\#" and not token.raw:
            self._stack.append(token._replace(text=token.text[1:]))
            token = token._replace(text=token.text[0])
        return [token]

    def name(self) -> str | None:
        """The control sequence next, bare or in braces."""
        self.skip_blanks()
        if self.peek().startswith("\\"):
            return self._stack.pop().text
        group = self.group()
        return None if group is None else render(group).strip()

    def words(self) -> str:
        """The text of a group, or `""`."""
        group = self.group()
        return "" if group is None else render(group).strip()

    def _between(self, first: str, last: str) -> list[Token] | None:
        self.skip_blanks()
        if self.peek() != first:
            return None
        taken, depth, braces = [self._stack.pop()], 1, 0
        while self._stack and self._stack[-1].text not in _NEVER_IN_A_GROUP:
            token = self._stack.pop()
            taken.append(token)
            if token.raw:
                continue
            if token.text == last and not braces:
                depth -= 1
            elif token.text == first and not braces:
                depth += 1
            elif first != "{":
                braces += {"{": 1, "}": -1}.get(token.text, 0)
            if not depth:
                return taken[1:-1]
        self.push(taken)
        if first == "{":
            message = "this { is never closed: add its }; it is read as if it were not there"
            self.report(taken[0], "unbalanced", message, error=True)
        return None
