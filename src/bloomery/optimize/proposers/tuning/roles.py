"""What a name that holds a number is used for: a role where every use is of it, else none."""

import ast
import re
from collections.abc import Sequence

from bloomery.optimize.proposers.tuning.flowing import Parents, flows
from bloomery.optimize.proposers.tuning.knob import Role

_READS = {"read", "read1", "recv", "readlines", "recv_into"}
_SIZED = {"buffering", "length", "bufsize", "buffer_size", "bufsiz"}
_CHUNKED = {"chunksize", "chunk_size", "batch_size", "itersize"}
_SWITCH = re.compile(r"(?i)threshold|cutoff|crossover|switch[ _-]?(?:point|over)")
_ORDERS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)


def role(uses: Sequence[ast.Name], parents: Parents, declared: str) -> tuple[Role, str] | None:
    """The role, and what was checked; `declared`: the line that sets the number, and the comment above."""
    found = {_role(use, parents) for use in uses}
    if found == {"buffer"}:
        return "buffer", "it is only the size of reads and of buffers"
    if found and found <= {"step", "end"} and "step" in found and "end" in found:
        return "chunk", "it is only how far a loop steps and how long the slice of each step is"
    if found == {"chunk"}:
        return "chunk", "it is only the size of batches that are given to a library"
    if found == {"bound"} and _SWITCH.search(declared):
        return "threshold", "it is declared to be where one way gives over to another, and only compared"
    return None


def _role(use: ast.Name, parents: Parents) -> str:
    up = parents[use]
    if isinstance(up, ast.Call):
        return _of_argument(up, up.args.index(use), parents) if use in up.args else ""
    if isinstance(up, ast.keyword):
        return "buffer" if up.arg in _SIZED else "chunk" if up.arg in _CHUNKED else ""
    if isinstance(up, ast.BinOp) and isinstance(up.op, ast.Add) and isinstance(parents[up], ast.Slice):
        whole = parents[up]
        assert isinstance(whole, ast.Slice)
        other = up.left if up.right is use else up.right
        same = whole.lower is not None and ast.dump(whole.lower) == ast.dump(other)
        piece = parents[whole]
        cut = whole.upper is up and whole.step is None and same
        return "end" if cut and isinstance(piece, ast.Subscript) and flows(piece, parents) else ""
    if isinstance(up, ast.Compare) and len(up.ops) == 1 and isinstance(up.ops[0], _ORDERS):
        return "bound" if isinstance(parents[up], ast.If | ast.IfExp) else ""
    return ""


def _of_argument(call: ast.Call, at: int, parents: Parents) -> str:
    function = call.func
    if isinstance(function, ast.Attribute):
        if function.attr in _READS and at == 0 and len(call.args) == 1:
            return "buffer" if flows(call, parents) else ""
        return "buffer" if function.attr == "copyfileobj" and at == 2 else ""
    if isinstance(function, ast.Name):
        if function.id == "range" and at == 2:
            return "step"
        return "buffer" if function.id == "open" and at == 2 else ""
    return ""
