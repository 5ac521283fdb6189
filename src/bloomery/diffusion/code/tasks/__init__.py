"""Prompts that mean exactly one thing, and programs in five languages that do it.

An operation takes a number, numbers, a text or strings and gives one of these; one to three of them in a
row, whose types fit, are a meaning. A meaning has many wordings, a canonical program in each language, and a
result for each input by the interpreter, which is the oracle. A prompt that is no wording is refused.

Conventions: the largest, smallest, first or last of nothing is 0 (of strings: the empty string); digits are
those of the number without its sign; a vowel is one of aeiou, in either case; strings are ASCII; a word is
what stands between spaces; whole numbers stay below 2**31.
"""
