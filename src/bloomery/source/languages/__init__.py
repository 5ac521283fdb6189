"""Source code of several languages as data, by tree-sitter: tree, faults, symbols, holes, complexity, format.

A language is one `Language` value, named once in `registry.LANGUAGES`; everything here takes it from there.
"""
