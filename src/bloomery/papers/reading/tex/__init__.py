"""Enough of TeX to read a paper: tokens, macros, counters. Nothing is typeset, nothing is run."""
