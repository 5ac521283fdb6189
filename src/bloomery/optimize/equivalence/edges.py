"""Values at which implementations part, as expressions, and the kinds that open parameters are tried with."""

from bloomery.optimize.equivalence.kinds import Kind

INTS = (
    "0", "1", "-1", "2", "-2", "3", "5", "True", "False", "7", "10", "-10", "12", "100", "255",
)  # fmt: skip
BIG_INTS = (
    "1000", "700", "2**31", "2**53 + 1", "-(2**53) - 1", "10**20 + 1", "(10**17 + 3)**2 - 1", "-(10**30)",
)  # fmt: skip
# 700 frames deep a recursion still has an answer, unless something else stands between two of them.
FLOATS = (
    "0.0", "-0.0", "1.0", "-1.5", "0.1", "nan", "inf", "-inf", "0.5", "1.5", "2.5", "-2.5", "3", "True",
    "1e16", "1e308", "5e-324", "0.3", "-0.7", "1e-9", "361.5", "-400.0",
)  # fmt: skip
STRINGS = (
    "''", "'a'", "'ab'", "'aa'", "' '", "'A b'", "'\\n'", "'a\\n'", "'abc\\n'", "'a\\r\\nb\\n'",
    "'a,b;c'", "'straße'", "'STRASSE'", "'İı'", "'ſ'", "'cafe\\u0301'", "'日本'", "'😀x'", "'²'", "'٣'",
    "'\\x00'", "'\\ud800'", "'0'", "'12'", "'-3'", "'1_000'", "' 12 '", "'a  b'", "'\\ta\\x0bb\\x0cc'",
    "'abcba'", "Tagged('ab')", "'é'", "'None'", "'aBc9_-'", "'a\\u2028b'", "'x.txt.txt'",
    "'text'",
)  # fmt: skip
BYTES = (
    "b''", "b'a'", "b'ab\\n'", "b'\\x00\\xff'", "bytearray(b'ab')",
)  # fmt: skip
WAYS = (
    "positive", "same", "count", "odd", "third", "fresh", "seven",
)  # fmt: skip
OUTSIDE = (
    "None", "'x'", "5", "[None]", "2.5", "object", "{}", "b'q'",
)  # fmt: skip
OPEN_KINDS = (
    Kind("int"), Kind("str"), Kind("float"), Kind("None"), Kind("bool"), Kind("bytes"),
    Kind("list", (Kind("int"),)), Kind("list", (Kind("str"),)), Kind("list", (Kind("float"),)),
    Kind("list", (Kind("list", (Kind("int"),)),)), Kind("list", (Kind("mixed"),)),
    Kind("list", (Kind("tuple", (Kind("str"), Kind("int")), "each"),)), Kind("list", (Kind("same"),)),
    Kind("list", (Kind("dict", (Kind("str"), Kind("int"))),)),
    Kind("tuple", (Kind("int"),), "many"), Kind("dict", (Kind("str"), Kind("int"))),
    Kind("dict", (Kind("int"), Kind("int"))), Kind("dict", (Kind("str"), Kind("list", (Kind("int"),)))),
    Kind("dict", (Kind("str"), Kind("list", (Kind("str"),)))), Kind("set", (Kind("int"),)),
    Kind("Iterable", (Kind("int"),)), Kind("Callable"),
)  # fmt: skip
