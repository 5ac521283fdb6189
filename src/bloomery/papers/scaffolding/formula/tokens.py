"""LaTeX in pieces, without what changes only its look."""

import re
import unicodedata

from bloomery.papers.symbols import GREEK, NUMBERING

PIECE = re.compile(r"\\[A-Za-z]+|\\.|\d+(?:\.\d+)?|\.\d+|\S")
FONTS = (
    "mathbf mathit mathcal mathscr mathfrak mathsf boldsymbol bm bf it rm cal pmb mathnormal displaystyle "
    "textstyle limits nolimits left right bigl bigr big Big Bigl Bigr bigg biggl biggr middle mathopen "
    "mathclose quad qquad nonumber hspace"
)
LOOK = {f"\\{word}" for word in FONTS.split()} | {r"\,", r"\;", r"\:", r"\!", r"\ ", "~", "&", "$"}
ENDS = re.compile(r"[\s.,;]+$")
SAME = {
    r"\lVert": r"\|",
    r"\rVert": r"\|",
    r"\Vert": r"\|",
    r"\lvert": "|",
    r"\rvert": "|",
    r"\vert": "|",
    r"\dfrac": r"\frac",
    r"\tfrac": r"\frac",
    r"\lbrace": r"\{",
    r"\rbrace": r"\}",
    r"\lbrack": "[",
    r"\rbrack": "]",
    r"\leftarrow": "=",
    r"\gets": "=",
    r"\coloneqq": "=",
    r"\triangleq": "=",
    r"\doteq": "=",
    r"\ast": "*",
    "−": "-",
    "⊙": r"\odot",
    "·": r"\cdot",
    "√": r"\sqrt",
    "∑": r"\sum",
}
CHARACTERS = {f"\\{name}": f"\\{name}" for name in GREEK.split()}


def pieces(latex: str) -> list[str]:
    """Commands, letters, numbers and signs; `:=` is `=`, fonts and spaces are gone."""
    text = NUMBERING.sub(" ", latex.strip().strip("$"))
    text = re.sub(r"\\begin\{(equation|align|aligned|gather|split)\*?\}|\\end\{\w+\*?\}", " ", text)
    text = ENDS.sub("", text.replace(":=", "=").replace(r"\!", ""))
    found = [SAME.get(piece, piece) for piece in PIECE.findall("".join(map(_plain, text)))]
    return [
        piece.replace(r"\var", "\\", 1) if _variant(piece) else piece for piece in found if piece not in LOOK
    ]


def _variant(piece: str) -> bool:
    return piece.startswith(r"\var") and piece[4:] in GREEK.split()


def _plain(letter: str) -> str:
    """A Greek character as its macro."""
    if letter == "ℓ":
        return r"\ell "
    match = re.fullmatch(r"GREEK (SMALL|CAPITAL) LETTER (?:FINAL )?(\w+)", unicodedata.name(letter, ""))
    if not match:
        return letter
    name = match[2].lower().replace("lamda", "lambda")
    return f"\\{name if match[1] == 'SMALL' else name.title()} "
