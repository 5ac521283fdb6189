"""From a plan to a project that runs: it trains at once, and its equations wait as tests that fail."""

from bloomery.papers.scaffolding.scaffolded import FileDone, Scaffolded, render_scaffolded
from bloomery.papers.scaffolding.scaffolding import scaffold

__all__ = ["FileDone", "Scaffolded", "render_scaffolded", "scaffold"]
