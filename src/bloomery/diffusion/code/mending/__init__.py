"""Texts that do not parse, mended by few edits: only what parses is given, with the edits listed.

reading     a text as items of its language, and up to where they begin a program
proposing   edits near there that the grammar admits; marks: of brackets and quotes
habits      which edit is likelier: by what usually stands beside what, or by a code model
mend        the search, fewest edits first
"""
