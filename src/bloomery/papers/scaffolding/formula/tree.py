"""What a formula is made of."""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

from bloomery.core.errors import UserError


class NotRead(UserError):
    """A formula, or a part of one, that cannot be interpreted; says why."""


@dataclass(frozen=True)
class Letter:
    """A decorated letter with what stands beneath and above it."""

    name: str  # "M", "alpha"
    decorations: tuple[str, ...] = ()  # "tilde", "prime"
    below: str = ""  # "t-1", "ij"
    above: str = ""  # "(l)"

    @property
    def plain(self) -> "Letter":
        """Without indices; a subscript that is a word belongs to the name."""
        word = len(self.below) > 1 and self.below.isalpha() and not set(self.below) <= set("ijklmn")
        return replace(self, below=self.below if word else "", above="")

    def __str__(self) -> str:
        marked = "".join(f"{one} " for one in self.decorations) + self.name
        below = f"_{{{self.below}}}" if self.below else ""
        return marked + below + (f"^{{{self.above}}}" if self.above else "")


@dataclass(frozen=True)
class Number:
    text: str


@dataclass(frozen=True)
class Name:
    letter: Letter


@dataclass(frozen=True)
class Minus:
    inner: "Node"


@dataclass(frozen=True)
class Binary:
    """`how`: +, -, /, product (as written side by side), dot (\\cdot), hadamard, outer."""

    how: str
    left: "Node"
    right: "Node"


@dataclass(frozen=True)
class Power:
    base: "Node"
    exponent: "Node"


@dataclass(frozen=True)
class Transposed:
    inner: "Node"


@dataclass(frozen=True)
class Call:
    """A function by its name; `index`: what it runs over, as in softmax_j."""

    function: str
    given: tuple["Node", ...]
    index: str = ""


@dataclass(frozen=True)
class Applied:
    """A function that the table of symbols declares."""

    letter: Letter
    given: tuple["Node", ...]


@dataclass(frozen=True)
class Sum:
    """Over one index; a mean has no sign of its own."""

    index: str
    body: "Node"


Node = Number | Name | Minus | Binary | Power | Transposed | Call | Applied | Sum


@dataclass(frozen=True)
class Equality:
    """What is defined, and by what."""

    left: Letter
    right: Node


def nodes(node: Node) -> Iterator[Node]:
    """A node and all below it, in the order of the text."""
    yield node
    for entry in fields(node):
        held = getattr(node, entry.name)
        for inner in held if isinstance(held, tuple) else (held,):
            if isinstance(inner, Node):
                yield from nodes(inner)


def letters(node: Node) -> list[Letter]:
    """Each letter once, in the order of the text, without the functions."""
    return list(dict.fromkeys(one.letter for one in nodes(node) if isinstance(one, Name)))
