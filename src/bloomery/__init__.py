"""Bloomery turns research papers into small, verified, shippable models.

Anything may propose; only evidence decides.
"""

__version__ = "0.1.0"
