"""TeX to plain text: accents, dashes and quotes as characters; mathematics stays TeX between dollars."""

import re
from functools import cache
from typing import Any

from bloomery.papers.reading.needing import needed


class NotPlain(ValueError):
    """TeX that cannot be made plain: a command without its argument, groups without end."""


def plain(latex: str, *, maths: bool = True) -> str:
    """One line of text. Without `maths`, formulas too become characters, as far as there are any.

    Raises: NotPlain.
    """
    converter = _converter("verbatim" if maths else "text")
    try:
        made: str = converter.latex_to_text(_prepared(latex), tolerant_parsing=True)
    except IndexError as error:
        raise NotPlain("a command lacks its argument") from error
    except RecursionError as error:
        raise NotPlain("its groups are nested too deeply") from error
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
