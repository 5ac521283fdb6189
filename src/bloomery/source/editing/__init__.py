"""Edits of Python texts by libcst: what an edit is not about stays as it was, to the byte.

`functions.replace_function`, `imports.add_import`, `imports.remove_import`, `renaming.rename_local`; each
takes a text and gives the text after.
"""
