"""TeX to plain text: accents, dashes and quotes as characters; mathematics stays TeX between dollars."""

import re
from functools import cache
from typing import Any

from bloomery.papers.reading.needing import needed


def plain(latex: str, *, maths: bool = True) -> str:
    """One line of text. Without `maths`, formulas too become characters, as far as there are any."""
    made: str = _converter("verbatim" if maths else "text").latex_to_text(
        _prepared(latex), tolerant_parsing=True
    )
    return " ".join(made.replace("\xa0", " ").split())


@cache
def _converter(math_mode: str) -> Any:
    text = needed("pylatexenc.latex2text", "reading LaTeX")
    return text.LatexNodes2Text(math_mode=math_mode, keep_comments=False)


def _prepared(latex: str) -> str:
    latex = re.sub(r"\\(?:cite\w*|parencite|textcite)\*?\s*(?:\[[^\]]*\]\s*)*\{([^{}]*)\}", r"[\1]", latex)
    latex = re.sub(r"\\(?:vspace|hspace|thispagestyle|pagestyle|vskip)\*?\s*\{[^{}]*\}", " ", latex)
    latex = re.sub(
        r"\\(?:looseness|clearpage|newpage|noindent|centering|small|footnotesize)(?![A-Za-z])", " ", latex
    )
    latex = re.sub(r"\\ensuremath\s*\{([^{}]*)\}", r"\1", latex)
    return re.sub(r"\\\\(?:\[[^\]]*\])?", r" ", latex)
