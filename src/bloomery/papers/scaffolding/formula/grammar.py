"""From LaTeX to an expression, by recursive descent."""

from collections.abc import Collection

from bloomery.papers.scaffolding.formula.letters import LetterReader, equals_signs
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

SAME_NAME = "exp log tanh sinh cosh sin cos sigmoid relu silu softplus softmax sqrt abs sign max min"
FUNCTIONS = {name: name for name in SAME_NAME.split()} | {
    "ln": "log",
    "swish": "silu",
    "sgn": "sign",
    "logistic": "sigmoid",
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
    signs = equals_signs(found)
    if len(signs) != 1:
        raise NotRead("it is not one letter, an equals sign and an expression")
    at = signs[0]
    left = LetterReader(found[:at]).alone()
    return Equality(left, _Reader(found[at + 1 :], frozenset(one.plain for one in functions)).whole())


class _Reader(LetterReader):
    """One pass over the pieces of an expression."""

    def __init__(self, found: list[str], functions: frozenset[Letter]) -> None:
        super().__init__(found)
        self.functions = functions
        self.bars: list[str] = []  # | and \| that are open

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
        node, slashed = self.factor(), False
        while self.begins() or self.next in JOINING or self.next == "/":
            how = "product" if self.begins() else "/" if self.next == "/" else JOINING[self.next]
            if how == "refused":
                raise NotRead(f"the product '{self.next}' has more than one meaning; write \\cdot or \\odot")
            if how == "product" and isinstance(node, Binary) and node.how == "/" and slashed:
                raise NotRead("how far the slash divides is not certain; write \\frac")
            slashed = self.next == "/"
            if how != "product":
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
