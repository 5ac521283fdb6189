"""What kind of value builtins, methods and operators give."""

import ast

from bloomery.optimize.proposers.rewrites.kinds import (
    BOOL,
    FLOAT,
    INT,
    STR,
    UNKNOWN,
    Kind,
    listing,
)

NUMBERS = {"int": 1, "bool": 0, "float": 2}
STR_TO_STR = "lower upper strip lstrip rstrip replace title casefold join format zfill translate capitalize"
TEXTS = dict.fromkeys(STR_TO_STR.split(), STR)
TEXTS |= dict.fromkeys(
    ("startswith", "endswith", "isdigit", "isalpha", "isalnum", "isspace", "isupper"), BOOL
)
TEXTS |= {"split": listing(STR), "splitlines": listing(STR), "count": INT, "find": INT, "index": INT}
FIXED = {
    "len": INT,
    "int": INT,
    "str": STR,
    "repr": STR,
    "bool": BOOL,
    "ord": INT,
    "chr": STR,
    "float": FLOAT,
}
FIXED |= {"isinstance": BOOL, "any": BOOL, "all": BOOL, "bin": STR, "hex": STR, "callable": BOOL, "hash": INT}
FIXED |= {"range": Kind("range"), "input": STR, "format": STR, "id": INT}
IN_LIBRARY = {"isqrt": INT, "gcd": INT, "bisect_left": INT, "bisect_right": INT}


def arithmetic(left: Kind, right: Kind, node: ast.BinOp) -> Kind:
    if isinstance(node.op, ast.Div):
        return FLOAT
    if isinstance(node.op, ast.Pow):
        power = node.right.value if isinstance(node.right, ast.Constant) else None
        whole = left.name != "float" and isinstance(power, int) and power >= 0
        return INT if whole else UNKNOWN
    if isinstance(node.op, ast.BitAnd | ast.BitOr | ast.BitXor) and left == right == BOOL:
        return BOOL
    return FLOAT if FLOAT in (left, right) else INT
