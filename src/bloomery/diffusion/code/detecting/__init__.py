"""In which of the five languages a text is written, or that it is in none.

marks     words and signs that only some languages have
detect    by name, first line, syntax tree and marks
"""
