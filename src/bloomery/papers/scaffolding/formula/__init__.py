"""Formulas as expressions: a small grammar of LaTeX, typed by declared shapes, written as NumPy in float64.

Sympy's grammars read most display equations not at all, and `M_t q_t` as a product that commutes; what this
grammar reads it reads by the shapes of the symbols, and what it does not read it refuses with the reason.
"""
