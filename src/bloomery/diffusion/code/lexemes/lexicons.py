"""The words and signs of five languages, and where a line's end is a token of its own."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

from bloomery.core.errors import UnknownName
from bloomery.source.languages.registry import LANGUAGES

_WORD = r"[A-Za-z_$\x80-\xff][\w$\x80-\xff]*"
_STRING = r"\"(?:[^\"\\\n]|\\[\s\S])*\"|'(?:[^'\\\n]|\\[\s\S])*'"
_NUMBER = (
    r"(?:0[xX][\w.]+|\d[\d_]*(?:\.(?!\.)[\d_]*)?(?:[eEpP][+-]?\d[\d_]*)?\w*|\.\d[\d_]*(?:[eE][+-]?\d+)?\w*)"
)
_C_REMARKS = r"(?P<comment>//[^\n\r]*)|(?P<block>/\*[\s\S]*?\*/)"


@dataclass(frozen=True, kw_only=True)
class Lexicon:
    """lexeme: one lexeme by its shape's name. words: what is never a name. soft: words that may be one.

    ends: signs and words after which a line's end may be a token, as after names and literals, unless what
    `restricts` comes next; None: it never is one.
    """

    language: str
    lexeme: re.Pattern[str]
    words: frozenset[str]
    soft: frozenset[str] = frozenset()
    signs: frozenset[str]
    ends: frozenset[str] | None = None
    restricts: frozenset[str] = frozenset()
    indents: bool = False


def _split(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _lexeme(signs: frozenset[str], *others: str) -> re.Pattern[str]:
    ordered = "|".join(map(re.escape, sorted(signs, key=len, reverse=True)))
    return re.compile("|".join([*others, f"(?P<sign>{ordered})"]), re.ASCII)


_PY_SIGNS = _split(
    "** //= **= >>= <<= ... -> := += -= *= /= %= @= &= |= ^= // >> << == != <= >= < > + - * / % @ & | ^ ~ "
    "= ( ) [ ] { } , : . ;"
)
_PY_LONG = r"\"\"\"(?:[^\\]|\\[\s\S])*?\"\"\"|'''(?:[^\\]|\\[\s\S])*?'''"
_PY_PREFIX = r"(?i:rb|br|b|rf|fr|f|r|u)?"
PYTHON = Lexicon(
    language="python",
    lexeme=_lexeme(
        _PY_SIGNS,
        r"(?P<comment>#[^\n\r]*)",
        rf"(?P<string>{_PY_PREFIX}(?:{_PY_LONG}|(?!\"\"\"|''')(?:{_STRING})))",
        rf"(?P<word>{_WORD.replace('$', '')})",
        r"(?P<number>0[xXoObB][0-9a-fA-F_]+|(?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:[eE][+-]?\d[\d_]*)?[jJ]?)",
    ),
    words=_split(
        "False None True and as assert async await break class continue def del elif else except "
        "finally for from global if import in is lambda nonlocal not or pass raise return try "
        "while with yield"
    ),
    soft=_split("match case"),
    signs=_PY_SIGNS,
    indents=True,
)
_JS_SIGNS = _split(
    "{ } ( ) [ ] ; , < > <= >= == != === !== + - * / % ** ++ -- << & | ^ ! ~ && || ?? ? ?. : = += -= *= /= "
    "%= **= <<= >>= >>>= &= |= ^= &&= ||= ??= => . ... @"
)
_JS_WORDS = (
    "break case catch class const continue debugger default delete do else export extends false finally for "
    "function if import in instanceof new null return super switch this throw true try typeof var void while "
    "with enum await yield let"
)
_JS_LEXEME = _lexeme(
    _JS_SIGNS, _C_REMARKS, rf"(?P<string>{_STRING})", rf"(?P<word>#?{_WORD})", f"(?P<number>{_NUMBER})"
)
_JS_ENDS = _split(") ] } ++ -- this super true false null break continue return debugger")
_JS_RESTRICTS = _split(
    "( [ + - * / % ** < > <= >= == != === !== << & | ^ && || ?? ? ?. : = += -= *= /= %= **= "
    "<<= >>= >>>= &= |= ^= &&= ||= ??= => . , ; ) ] in instanceof ..."
)
JAVASCRIPT = Lexicon(
    language="javascript",
    lexeme=_JS_LEXEME,
    words=frozenset(_JS_WORDS.split()),
    soft=_split("async of get set static from as"),
    signs=_JS_SIGNS,
    ends=_JS_ENDS,
    restricts=_JS_RESTRICTS,
)
TYPESCRIPT = Lexicon(
    language="typescript",
    lexeme=_JS_LEXEME,
    words=frozenset(_JS_WORDS.split()),
    soft=_split(
        "async of get set static from as type interface namespace module declare abstract "
        "readonly public private protected keyof typeof infer is asserts unique any unknown never "
        "string number boolean symbol object undefined bigint override satisfies implements "
        "global out"
    )
    - {"typeof"},
    signs=_JS_SIGNS,
    ends=_JS_ENDS,
    restricts=_JS_RESTRICTS | {"as", "satisfies", "is"},
)
_JAVA_SIGNS = _split(
    "( ) { } [ ] ; , . ... @ :: = > < ! ~ ? : -> == >= <= != && || ++ -- + - * / & | ^ % << += -= *= /= "
    "&= |= ^= %= <<= >>= >>>="
)
JAVA = Lexicon(
    language="java",
    lexeme=_lexeme(
        _JAVA_SIGNS,
        _C_REMARKS,
        rf"(?P<string>\"\"\"[\s\S]*?\"\"\"|{_STRING})",
        rf"(?P<word>{_WORD})",
        f"(?P<number>{_NUMBER})",
    ),
    words=_split(
        "abstract assert boolean break byte case catch char class const continue default do "
        "double else enum extends final finally float for goto if implements import instanceof "
        "int interface long native new package private protected public return short static "
        "strictfp super switch synchronized this throw throws transient try void volatile while "
        "yield true false null _"
    ),
    soft=_split("var record sealed permits non when module open with to"),
    signs=_JAVA_SIGNS,
)
_GO_SIGNS = _split(
    "+ - * / % & | ^ << >> &^ += -= *= /= %= &= |= ^= <<= >>= &^= && || <- ++ -- == < > = ! ~ != <= >= := "
    "... ( ) [ ] { } , ; . :"
)
GO = Lexicon(
    language="go",
    lexeme=_lexeme(
        _GO_SIGNS,
        _C_REMARKS,
        rf"(?P<string>`[^`]*`|{_STRING})",
        rf"(?P<word>{_WORD.replace('$', '')})",
        f"(?P<number>{_NUMBER})",
    ),
    words=_split(
        "make new break case chan const continue default defer else fallthrough for func go goto if import "
        "interface map package range return select struct switch type var"
    ),
    signs=_GO_SIGNS,
    ends=_split("break continue fallthrough return ++ -- ) ] }"),
)
LEXICONS = {known.language: known for known in (PYTHON, JAVASCRIPT, TYPESCRIPT, JAVA, GO)}


@functools.cache
def lexicon(language: str) -> Lexicon:
    """Raises: UnknownName."""
    if language not in LEXICONS or language not in LANGUAGES:
        raise UnknownName("language with a lexicon", language, LEXICONS)
    return LEXICONS[language]
