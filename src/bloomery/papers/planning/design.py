"""What all phases of a plan are written from."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from bloomery.papers.context import Context
from bloomery.papers.planning.environments import Environment
from bloomery.papers.planning.intents import Group, Intent
from bloomery.papers.planning.judged import Claim
from bloomery.papers.planning.naming import class_name
from bloomery.papers.planning.parts import folders
from bloomery.papers.planning.planned import Part


@dataclass(frozen=True, kw_only=True)
class Design:
    """The choices of a plan and its parts; papers are in the order in which they stand on each other."""

    project: str
    package: str
    intent: Intent
    environment: Environment
    contexts: Mapping[str, Context]
    parts: tuple[Part, ...]
    claims: tuple[Claim, ...]

    @cached_property
    def homes(self) -> dict[str, str]:
        return folders(self.contexts)

    @cached_property
    def of_paper(self) -> dict[str, list[Part]]:
        """The parts of each paper that has any, in the order of papers."""
        found = {paper: [part for part in self.parts if part.paper == paper] for paper in self.contexts}
        return {paper: parts for paper, parts in found.items() if parts}

    def has(self, group: Group) -> bool:
        return group in self.intent.groups

    def source(self, name: str) -> str:
        """The path of a module of the package."""
        return f"src/{self.package}/{name}"

    def model(self, paper: str) -> str:
        """The class that holds a paper's model."""
        return class_name(self.homes[paper])

    def model_test(self, paper: str) -> str:
        return f"tests/test_integration/test_{self.homes[paper]}_model.py"

    def config(self, paper: str) -> str:
        return f"configs/{self.homes[paper]}.yaml"
