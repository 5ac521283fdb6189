"""What an agent may change: paths by glob, branches, and whether it may use the network."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache

from bloomery.core.errors import UserError

FILE = "bloomery.toml"  # at the repository's root: the rules themselves
MODELS = "language models"  # the proposer of this name
RECEIVED = "received"  # the proposer of every patch that came from elsewhere, whoever is said to have made it
_RULES = re.compile(r"(?i)^(bloomery\.toml|bloome~\d+\.tom)[ .]*$")  # on disks that see no difference, too
_GIT_FOLDER = re.compile(r"(?i)^(\.git|git~\d+)[ .]*$")  # and the names by which other systems reach it


@dataclass(frozen=True, kw_only=True)
class Access:
    """Rules for one agent. In a glob, `*` stays within a folder and `**` crosses folders.

    `denied` wins over `paths`. `branches` are those that a patch of the agent may be applied to.
    """

    paths: tuple[str, ...] = ("**",)
    denied: tuple[str, ...] = (".github/**", "**/.gitmodules", "**/.gitattributes")
    branches: tuple[str, ...] = ("**",)
    network: bool = False


@dataclass(frozen=True, kw_only=True)
class Rules:
    """Rules for all agents: those named in `agents` have their own. Protected branches need a person."""

    protected: tuple[str, ...] = ("main", "master")
    everyone: Access = Access()
    agents: Mapping[str, Access] = field(default_factory=dict)

    def of(self, agent: str) -> Access:
        return self.agents.get(agent, self.everyone)

    def protects(self, branch: str) -> bool:
        return matches(branch, self.protected)


def without_network(rules: Rules) -> Rules:
    """The same rules, but that nobody may use the network."""
    agents = {name: replace(access, network=False) for name, access in rules.agents.items()}
    return replace(rules, everyone=replace(rules.everyone, network=False), agents=agents)


def check_paths(rules: Rules, agent: str, paths: Iterable[str]) -> None:
    """Raises: UserError for the first path that the agent may not change."""
    access = rules.of(agent)
    for path in paths:
        check_path(path)
        if matches(path, access.denied) or not matches(path, access.paths):
            rules_told = f"allowed are {_told(access.paths)}, denied {_told(access.denied)}"
            raise UserError(f"{agent} may not change {path}: {rules_told}")


def check_branch(rules: Rules, agent: str, branch: str) -> None:
    """Raises: UserError for a branch that the agent's patches may not be applied to."""
    allowed = rules.of(agent).branches
    if not matches(branch, allowed):
        raise UserError(f"patches of {agent} may not go to branch {branch}: allowed are {_told(allowed)}")


def check_network(rules: Rules, agent: str) -> None:
    """Raises: UserError if the agent may not use the network."""
    if not rules.of(agent).network:
        raise UserError(f"{agent} may not use the network: allow it in its rules, or share it yourself")


def check_patch(
    rules: Rules, agent: str, paths: Iterable[str], *, network: bool, branch: str | None = None
) -> None:
    """Raises: UserError for the first rule that forbids a patch of the agent."""
    check_paths(rules, agent, paths)
    if network:
        check_network(rules, agent)
    if branch is not None:
        check_branch(rules, agent, branch)


def check_path(path: str) -> None:
    """Raises: UserError for a path that leaves the repository, or names git's own folder or the rules."""
    parts = path.split("/")
    if not path or path.startswith("/") or "\\" in path or any(part in ("", ".", "..") for part in parts):
        raise UserError(f"'{path}' is not a path inside the repository: name it from its root, with '/'")
    if not path.isprintable():
        raise UserError(f"{path!r} has unprintable characters in its name: rename the file first")
    if any(_GIT_FOLDER.match(part) for part in parts):
        raise UserError(f"{path} belongs to git itself and is never changed by a patch")
    if _RULES.match(parts[0]):
        raise UserError(f"{path} holds the rules for agents, which no patch may change: edit it yourself")


def matches(name: str, globs: Iterable[str]) -> bool:
    return any(_compiled(glob).fullmatch(name) for glob in globs)


@cache
def _compiled(glob: str) -> re.Pattern[str]:
    pattern = ""
    for part in re.findall(r"\*\*/|\*\*|\*|\?|[^*?]+", glob):
        pattern += {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}.get(part) or re.escape(part)
    return re.compile(pattern, re.DOTALL)


def _told(globs: tuple[str, ...]) -> str:
    return ", ".join(globs) or "none"
