"""What gives a language away on a line, and how much: 1 is a line that hardly any other language has."""

import re
from collections.abc import Sequence

Marks = Sequence[tuple[re.Pattern[str], float]]


def _marks(*rows: tuple[str, float]) -> Marks:
    return [(re.compile(pattern), weight) for pattern, weight in rows]


_SCRIPT = (
    (r"^\s*(const|let|var)\s+[\w$\[{]", 1.0),
    (r"===|!==|=>", 1.0),
    (r"\bfunction\b\s*\*?\s*[\w$]*\s*\(", 1.0),
    (r"\bconsole\.\w+\(|\bmodule\.exports\b|\brequire\(|\bundefined\b|\btypeof\b", 1.0),
    (r"\b(Math|JSON|Object|Array|Number)\.\w+\(|\.length\b(?!\()|\bof\s+\w+\)", 0.5),
    (r"^\s*(if|for|while|switch)\s*\(.*\)\s*\{?\s*$|^\s*\}?\s*else\b.*\{\s*$", 0.4),
    (r"^\s*(return\b.*;|\}\s*;?|[\w$.]+\(.*\);)\s*$", 0.2),
    (
        r"^\s*(async\s+)?\w+\s*\([^()]*\)\s*\{\s*$|^\s*(import|export)\b.*\b(from|default|const|function)\b",
        0.5,
    ),
)
TYPED = _marks(
    (r"[\w)\]?]\s*:\s*(string|number|boolean|any|void|unknown|never|object)\b(\[\])*", 1.0),
    (r"^\s*(export\s+)?(interface|type|enum|namespace|declare|abstract class)\s+\w+", 1.0),
    (r"\bas\s+(string|number|boolean|any|const|unknown)\b|\b(private|public|readonly)\s+\w+\s*:", 0.8),
)
MARKS: dict[str, Marks] = {
    "python": _marks(
        (r"^\s*(async\s+)?def\s+\w+\s*\(", 1.0),
        (r"^\s*(if|elif|for|while|with|try|except|finally|else|class)\b.*:\s*(#.*)?$", 1.0),
        (r"^\s*(from\s+[\w.]+\s+)?import\s+[\w.*, ()]+(\s+as\s+\w+)?\s*$", 0.8),
        (r"\bself\.|\bNone\b|\bTrue\b|\bFalse\b|\blambda\b[^>]*:|\belif\b|__\w+__", 1.0),
        (r"\bprint\(|\bnot\s+in\b|\bis\s+not\b|\blen\(|\brange\(|\[[^\]]*\bfor\b\s+\w+.*\bin\b", 0.7),
        (r"^\s*(>>>|\"\"\"|'''|#(?!!|include|define)|@\w)|^\s*(return|yield|assert|raise)\b[^;{}]*$", 0.4),
        (r"^\s*[\w.,\[\] ]+\s*(=|\+=)\s*[^;{}]*[^;{},]$", 0.3),
    ),
    "javascript": _marks(*_SCRIPT),
    "typescript": (*_marks(*_SCRIPT), *TYPED),
    "java": _marks(
        (r"^\s*(public|private|protected|static|final|abstract)\b.*[{;(,]\s*$", 1.0),
        (r"^\s*(import\s+(static\s+)?java|package\s+[\w.]+;)|\bSystem\.out\.", 1.0),
        (
            r"\b(String|List|Map|Set|Integer|Boolean|ArrayList|HashMap|Object)\b\s*(<[\w<>, \[\]?]*>)?\s+\w+",
            1.0,
        ),
        (r"^\s*(final\s+)?(int|long|double|boolean|char|float|byte|short)(\[\])*\s+\w+\s*[=;(,)]", 1.0),
        (r"\bnew\s+\w+\s*(<[^>]*>)?\s*[\[(]|\bfor\s*\(\s*(?!let|const|var)\w+(<.*>|\[\])?\s+\w+\s*[:=]", 0.6),
        (r"\.(get|size|add|put|charAt|length|equals|contains|append|stream)\(|\bthrows?\b|@Override", 0.6),
        (r"^\s*(if|for|while|switch)\s*\(.*\)\s*\{?\s*$|^\s*\}?\s*else\b.*\{\s*$", 0.4),
        (r"^\s*(return\b.*;|\}|[\w.]+\(.*\);)\s*$", 0.2),
    ),
    "go": _marks(
        (r"^\s*func\s*(\(\w*\s*\*?\w+\)\s*)?\w*\s*\(|\bfunc\(", 1.0),
        (r":=|\brange\s+\w|\bnil\b|\bchan\b|\bdefer\b|\bgo\s+func\b|\bfmt\.\w+\(|\bmake\(|\bappend\(", 1.0),
        (r"^\s*package\s+\w+\s*$|^\s*import\s+(\(\s*$|\"[\w/.]+\")|^\s*\"[\w/.]+\"\s*$", 1.0),
        (r"^\s*(if|for|switch)\b[^()]*[^:;)]\{\s*$|^\s*for\s*\{\s*$|^\s*(var|type)\s+\w+\s+[\w\[\]*]+", 0.9),
        (
            r"\[\](int|string|float64|bool|byte|rune|interface|\[\])|\bmap\[\w+\]|\b(int64|float64|rune)\b",
            0.9,
        ),
        (r"\b(strings|strconv|math|sort|errors|slices)\.[A-Z]\w*", 0.9),
        (r"^\s*(return\b[^;]*[^;{]|\}|case\b.*:)\s*$", 0.2),
    ),
}
