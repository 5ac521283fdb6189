"""Improvements of source text as diffs; each parses, and is of higher quality than what was there.

infilling   statements that a code model finds unlikely, written anew
repairing   what qualities of text object to, and what does not parse
suggest     both, kept where the quality rises
"""
