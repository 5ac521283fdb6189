"""Whether an equation draws at random, or lacks a derivative somewhere: by its operators or a note.

Words of the prose say neither: a round that improves an answer rounds nothing, "on one sample" draws none.
"""

import re

from bloomery.papers.context import Equation

_UPRIGHT = r"\\(?:operatorname\*?|mathrm|mathsf|mathop|text|textrm)\s*\{{\s*(?:{0})\s*\}}"
_CALLED = r"(?<![A-Za-z\\])(?:{0})(?=\s*[({{_]|\s*\\left)"
_NAMED = f"{_UPRIGHT}|{_CALLED}"
_STEPS = "sign|sgn|argmax|argmin|round|floor|ceil"
_DRAWS = "dropout|sample|Bernoulli|Bern|Uniform|Categorical"
ROUGH = re.compile(
    _NAMED.format(_STEPS) + r"|\\(?:lfloor|lceil|arg\b|sgn\b|sign\b|mathds\s*\{?1|math(?:bb|bf)\s*\{?1)"
)
DRAWN = re.compile(_NAMED.format(_DRAWS) + r"|\\sim(?![A-Za-z])|\\mathcal\s*\{?\s*[NU]\b")
NOT_DIFFERENTIABLE, RANDOM = "not differentiable", "random"  # how a note begins that says so


def rough(latex: str, equation: Equation) -> str:
    """What keeps a formula from having a derivative everywhere; empty where nothing is seen."""
    return _told(ROUGH, latex, equation, NOT_DIFFERENTIABLE)


def drawn(latex: str, equation: Equation) -> str:
    """What of a formula is drawn at random; empty where nothing is seen."""
    return _told(DRAWN, latex, equation, RANDOM)


def _told(pattern: re.Pattern[str], latex: str, equation: Equation, note: str) -> str:
    own = {word for one in equation.variables for word in re.findall(r"[A-Za-z]{2,}", one.symbol)}
    for found in pattern.finditer(latex):
        if not own & set(re.findall(r"[A-Za-z]+", found[0])):  # else it is a function of the paper's own
            return found[0]
    return next((one for one in equation.notes if re.match(rf"{note}\b\s*(?::|$)", one, re.I)), "")
