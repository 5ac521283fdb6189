"""Contexts, code, tests and claims, joined: what of a paper is implemented, tested and reproduced here."""
