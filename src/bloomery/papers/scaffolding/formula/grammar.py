"""From LaTeX to an expression, by recursive descent."""

from collections.abc import Collection, Iterator

from bloomery.papers.scaffolding.formula.tokens import pieces
from bloomery.papers.scaffolding.formula.tree import (
    Applied,
    Binary,
    Call,
    Equality,
    Letter,
    Minus,
    Name,
    Node,
    NotRead,
    Number,
    Power,
    Sum,
    Transposed,
)
from bloomery.papers.symbols import DECORATIONS, LETTERS, WORDS

FUNCTIONS = {
    **{
        name: name
        for name in [
            "exp",
            "log",
            "tanh",
            "sinh",
            "cosh",
            "sin",
            "cos",
            "sigmoid",
            "relu",
            "silu",
            "softplus",
            "softmax",
        ]
    },
    **{name: name for name in ("sqrt", "abs", "sign")},
    **{"ln": "log", "swish": "silu", "sgn": "sign", "logistic": "sigmoid"},
}
JOINING = {
    "*": "refused",
    r"\times": "refused",
    r"\cdot": "dot",
    r"\odot": "hadamard",
    r"\circ": "hadamard",
    r"\otimes": "outer",
}
OPENING = {"(": ")", "[": "]", r"\{": r"\}", r"\|": r"\|", "|": "|"}
TRANSPOSED = ({r"\top"}, {"T"}, {r"\intercal"}, {r"\mathrm", "{", "T", "}"})


def read(latex: str, functions: Collection[Letter] = ()) -> Equality:
    """`letter = expression`; `functions` are the letters that stand for functions.

    Raises: NotRead with what stands in the way.
    """
    if r"\\" in latex:
        raise NotRead("it has more than one line")
    found = pieces(latex)
    signs = _equals(found)
    if len(signs) != 1:
        raise NotRead("it is not one letter, an equals sign and an expression")
    at = signs[0]
    left = _Reader(found[:at], frozenset()).alone()
    return Equality(left, _Reader(found[at + 1 :], frozenset(one.plain for one in functions)).whole())


def letters_in(latex: str) -> tuple[list[Letter], list[Letter]]:
    """The letters left and right of the first equals sign, also of a formula that cannot be read."""
    found = pieces(latex.replace(r"\\", " "))
    at = next(iter(_equals(found)), 0)
    return list(_loose(found[:at])), list(_loose(found[at + 1 :] if at else found))


def _equals(found: list[str]) -> list[int]:
    """Where the equals signs stand that are in no group, such as that of a sum's bound."""
    depth, places = 0, []
    for at, piece in enumerate(found):
        depth += {"{": 1, "}": -1}.get(piece, 0)
        if piece == "=" and not depth:
            places.append(at)
    return places


def _loose(found: list[str]) -> Iterator[Letter]:
    reader = _Reader(found, frozenset())
    while reader.at < len(found):
        before = reader.at
        try:
            letter = reader.letter()
        except NotRead:
            letter = None
        if letter is not None:
            yield letter
        elif reader.at == before:
            reader.at += 1


class _Reader:
    """One pass over the pieces of an expression."""

    def __init__(self, found: list[str], functions: frozenset[Letter]) -> None:
        self.found, self.functions = found, functions
        self.at = 0
        self.bars: list[str] = []  # | and \| that are open

    @property
    def next(self) -> str:
        return self.found[self.at] if self.at < len(self.found) else ""

    def take(self, expected: str = "") -> str:
        piece = self.next
        if not piece or (expected and piece != expected):
            raise NotRead(f"'{expected or 'more'}' was expected, and '{piece or 'the end'}' came")
        self.at += 1
        return piece

    def alone(self) -> Letter:
        """Nothing but a letter."""
        letter = self.letter()
        if letter is None or self.next:
            raise NotRead("what stands left of the equals sign is more than a letter")
        return letter

    def whole(self) -> Node:
        node = self.sum()
        if self.next:
            raise NotRead(f"'{self.next}' is not in the grammar here")
        return node

    def sum(self) -> Node:
        sign = self.take() if self.next in ("+", "-") else ""
        node = self.product()
        node = Minus(node) if sign == "-" else node
        while self.next in ("+", "-"):
            how = self.take()
            node = Binary(how, node, self.product())
        return node

    def product(self) -> Node:
        node = self.factor()
        while self.begins() or self.next in JOINING or self.next == "/":
            how = "product" if self.begins() else "/" if self.next == "/" else JOINING[self.next]
            if how == "refused":
                raise NotRead(f"the product '{self.next}' has more than one meaning; write \\cdot or \\odot")
            if not self.begins():
                self.take()
            node = Binary(how, node, self.factor())
        return node

    def begins(self) -> bool:
        """Whether a factor begins here."""
        piece = self.next
        if piece in ("|", r"\|"):
            return not self.bars or self.bars[-1] != piece
        return piece in ("{", "(", "[", r"\{", r"\frac", r"\sqrt", r"\sum") or (
            piece[:1].isdigit() or piece[:1] == "." or self._names(piece)
        )

    def _names(self, piece: str) -> bool:
        word = piece.removeprefix("\\")
        known = {*LETTERS, *DECORATIONS, *WORDS, *FUNCTIONS} - {"mathop"}
        return (len(piece) == 1 and piece.isalpha()) or (piece.startswith("\\") and word in known)

    def factor(self) -> Node:
        node = self.base()
        while self.next in ("^", "_"):
            if self.take() == "_":
                if isinstance(node, Call) and node.function == "norm":
                    node = self._norm(node, "".join(self.script()))
                    continue
                raise NotRead("a subscript of an expression is not in the grammar")
            node = self._raised(node)
        return node

    def _raised(self, node: Node) -> Node:
        script = self.script()
        if set(script) in TRANSPOSED:
            return Transposed(node)
        exponent = _Reader(script, self.functions).whole()
        if isinstance(node, Name) and node.letter == Letter("e"):
            return Call("exp", (exponent,))
        return Power(node, exponent)

    def _norm(self, node: Call, order: str) -> Node:
        if order not in ("1", "2", "F"):
            raise NotRead(f"a norm of order {order} is not in the grammar")
        return Call("norm1", node.given) if order == "1" else node

    def script(self) -> list[str]:
        """The pieces of a group or the one piece after ^ or _."""
        if self.next != "{":
            return [self.take()]
        return self.group()

    def group(self) -> list[str]:
        self.take("{")
        start, depth = self.at, 1
        while depth:
            depth += {"{": 1, "}": -1}.get(self.take(), 0)
        return self.found[start : self.at - 1]

    def base(self) -> Node:
        piece = self.next
        if piece[:1].isdigit() or (piece[:1] == "." and len(piece) > 1):
            return Number(self.take())
        if piece == "{":
            return _Reader(self.group(), self.functions).whole()
        if piece in OPENING:
            return self.enclosed()
        if piece == r"\frac":
            self.take()
            above = _Reader(self.script(), self.functions).whole()
            return Binary("/", above, _Reader(self.script(), self.functions).whole())
        if piece == r"\sqrt":
            return self.root()
        if piece == r"\sum":
            return self.summed()
        if name := self.function():
            return self.call(name)
        return self.named()

    def enclosed(self) -> Node:
        opened = self.take()
        bars = opened in ("|", r"\|")
        if bars:
            self.bars.append(opened)
        outer, self.bars = (self.bars, self.bars if bars else [])
        node = self.sum()
        self.bars = outer
        self.take(OPENING[opened])
        if bars:
            self.bars.pop()
        return Call({"|": "abs", r"\|": "norm"}[opened], (node,)) if bars else node

    def root(self) -> Node:
        self.take(r"\sqrt")
        if self.next == "[":
            raise NotRead("a root with a degree is not in the grammar")
        return Call("sqrt", (_Reader(self.script(), self.functions).whole(),))

    def summed(self) -> Node:
        self.take(r"\sum")
        scripts: dict[str, str] = {}
        while self.next in ("_", "^"):
            sign = self.take()
            scripts[sign] = "".join(self.script())
        index = scripts.get("_", "").split("=")[0]
        if len(index) != 1 or not index.isalpha() or scripts["_"] not in (index, f"{index}=1"):
            raise NotRead("a sum names one index, and runs over all of it")
        return Sum(index, self.product())

    def function(self) -> str:
        """The name of a known function that stands here, taken."""
        word = self.next.removeprefix("\\")
        if self.next.startswith("\\") and word in FUNCTIONS and word not in ("sqrt",):
            self.take()
            return FUNCTIONS[word]
        if self.next.startswith("\\") and word in WORDS:
            before = self.at
            self.take()
            name = "".join(self.script()).lower()
            if name in FUNCTIONS:
                return FUNCTIONS[name]
            self.at = before
        return ""

    def call(self, name: str) -> Node:
        index = ""
        if self.next == "_":
            self.take()
            index = "".join(self.script())
        if self.next == "^":
            raise NotRead(f"a power of the function {name} is not in the grammar")
        return Call(name, self.given(), index)

    def given(self) -> tuple[Node, ...]:
        """What a function is given: in parentheses, or the one factor after it."""
        if self.next in ("(", "["):
            closing = OPENING[self.take()]
            outer, self.bars = self.bars, []
            found = [self.sum()]
            while self.next == ",":
                self.take()
                found.append(self.sum())
            self.bars = outer
            self.take(closing)
            return tuple(found)
        argument = self.factor()
        if self.begins():
            raise NotRead("where the argument of a function without parentheses ends is not certain")
        return (argument,)

    def named(self) -> Node:
        letter = self.letter()
        if letter is None:
            raise NotRead(f"'{self.next or 'the end'}' is not in the grammar here")
        if letter.plain in self.functions:
            return Applied(letter, self.given())
        return Name(letter)

    def letter(self) -> Letter | None:
        """A letter with its decorations and indices; a superscript in parentheses is one."""
        decorations: list[str] = []
        while self.next.removeprefix("\\") in DECORATIONS and self.next.startswith("\\"):
            decorations.append(DECORATIONS[self.take().removeprefix("\\")])
        if self.next == "{" and decorations:
            inner = _Reader(self.group(), frozenset()).alone()
            name, below = inner.name, inner.below
            decorations += inner.decorations
        else:
            name, below = self._name(), ""
        if not name:
            if decorations:
                raise NotRead("a decoration without a letter")
            return None
        above = ""
        while self.next in ("_", "'") or (self.next == "^" and self._is_index()):
            sign = self.take()
            if sign == "'":
                decorations.append("prime")
            elif sign == "_":
                below += _index(self.script())
            else:
                above = "".join(self.script())
        if r"\prime" in above or "*" in above:
            decorations.append("prime" if r"\prime" in above else "star")
            above = ""
        return Letter(name, tuple(decorations), below, above)

    def _name(self) -> str:
        piece = self.next
        if len(piece) == 1 and piece.isalpha():
            return self.take()
        word = piece.removeprefix("\\")
        if piece.startswith("\\") and word in LETTERS:
            self.take()
            return word
        if piece.startswith("\\") and word in WORDS:
            before = self.at
            self.take()
            name = "".join(self.script()) if self.next else ""
            if name.isalpha():
                return name
            self.at = before
        return ""

    def _is_index(self) -> bool:
        """Whether a superscript belongs to the name: `(l)`, a prime, a star."""
        after = self.found[self.at + 1 : self.at + 6]
        named = after[:2] == ["{", "("] and after[3:] == [")", "}"]
        return after[:1] in (["*"], [r"\prime"]) or after[:3] == ["{", r"\prime", "}"] or named


def _index(script: list[str]) -> str:
    """The text of a subscript, without fonts."""
    return "".join(
        piece.removeprefix("\\")
        for piece in script
        if piece not in ("{", "}", ",") and piece[1:] not in WORDS
    )
