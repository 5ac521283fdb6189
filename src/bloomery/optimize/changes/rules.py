"""The rules for agents as the repository's owner wrote them: `bloomery.toml` at its root.

    [rules]
    protected = ["main", "release/**"]          # branches where a person has to approve

    [rules.everyone]
    paths = ["src/**", "tests/**"]
    denied = ["src/pkg/migrations/**"]

    [rules.agents."language models"]            # a proposer, or an agent of the queue (agent-1)
    network = false

They are those of the tree in which somebody gives a command, else of its last commit: a deleted file counts
until that is committed. In a worktree of an agent those of the main tree's last commit count. No patch may
change the file, so none can change the rules that it is judged by.
"""

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace

from bloomery.core.config import build
from bloomery.core.errors import ConfigError
from bloomery.optimize.changes.access import FILE, MODELS, Access, Rules
from bloomery.optimize.changes.repository import Repository

DEFAULT = Rules(agents={MODELS: Access(network=True)})
"""Whoever gave us a model's key lets it propose; branches named main and master still need a person."""
_OF_AN_AGENT = re.compile(r"bloomery-.+-[0-9a-f]{12}")


@dataclass(frozen=True, kw_only=True)
class Given:
    """What a file says of one agent. What it leaves out is as for everyone; `denied` comes on top of that."""

    paths: tuple[str, ...] | None = None
    denied: tuple[str, ...] = ()
    branches: tuple[str, ...] | None = None
    network: bool | None = None

    def on(self, usual: Access) -> Access:
        names = [one.name for one in fields(self) if one.name != "denied"]
        given = {name: value for name in names if (value := getattr(self, name)) is not None}
        return replace(usual, denied=(*usual.denied, *self.denied), **given)


@dataclass(frozen=True, kw_only=True)
class Written:
    """The table `rules` of a file."""

    protected: tuple[str, ...] = DEFAULT.protected
    everyone: Given = Given()
    agents: Mapping[str, Given] = field(default_factory=dict)

    @property
    def rules(self) -> Rules:
        everyone = self.everyone.on(DEFAULT.everyone)
        models = everyone if self.everyone.network is not None else replace(everyone, network=True)
        usual = {MODELS: models} | {name: everyone for name in self.agents if name != MODELS}
        agents = {name: self.agents.get(name, Given()).on(access) for name, access in usual.items()}
        return Rules(protected=self.protected, everyone=everyone, agents=agents)


@dataclass(frozen=True, kw_only=True)
class File:
    """All that `bloomery.toml` may hold."""

    rules: Written = Written()


def rules_of(repository: Repository) -> Rules:
    """What its file says, `DEFAULT` where it has none. Raises: ConfigError, with the file and key."""
    data, name = _found(repository)
    return DEFAULT if data is None else read(data, name)


def read(data: bytes, name: str) -> Rules:
    """Raises: ConfigError, with the file and key."""
    try:
        return build(File, tomllib.loads(data.decode())).rules.rules
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{name} is no TOML: {error}; mend it, nothing is done without rules") from error
    except ConfigError as error:
        raise ConfigError(f"{name}: {error}") from error


def _found(repository: Repository) -> tuple[bytes | None, str]:
    """The file, and how it is called in messages."""
    if repository.git_dir != repository.common and _OF_AN_AGENT.fullmatch(repository.git_dir.name):
        return _committed(repository, "main-worktree/HEAD")
    path = repository.root / FILE
    if not os.path.lexists(path):
        return _committed(repository, "HEAD")
    if path.is_symlink() or not path.is_file():
        raise ConfigError(f"{path} is no plain file: agents could change what it leads to")
    return path.read_bytes(), str(path)


def _committed(repository: Repository, commit: str) -> tuple[bytes | None, str]:
    tree = repository.object(f"{commit}^{{tree}}", "commit once")
    name = f"{FILE} of {commit}"
    mode, blob = repository.listed(tree, [FILE]).get(FILE, ("", ""))
    if not mode:
        return None, name
    if not mode.startswith("100"):
        raise ConfigError(f"{name} is no plain file: agents could change what it leads to")
    return repository.git("cat-file", "blob", blob), name
