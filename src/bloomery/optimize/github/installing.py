"""The workflows for a repository, written into it as files to be read and committed."""

import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import get_args

import yaml
from jinja2 import Environment, StrictUndefined

from bloomery.core.disk import write_atomically
from bloomery.core.errors import UserError
from bloomery.optimize.changes.access import check_path
from bloomery.optimize.proposal import Goal

GOALS = get_args(Goal)
TEMPLATES = Path(__file__).with_name("workflows")
NAMES = ("bloomery-optimize.yml", "bloomery-approve.yml")
_CRON = re.compile(r"[\d*]\S*( [\d*A-Za-z]\S*){4}")
_PLAIN = re.compile(r"[\w./-]+")


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What a repository may have its own way: what is optimized, when (cron, UTC), by which Python, and the
    command that installs bloomery and what the repository's tests need."""

    target: str = "src"
    goal: str = "speed"
    schedule: str = "17 3 * * 1"
    python: str = "3.11"
    install: str = 'python -m pip install "bloomery[optimize,github]"'


def workflows(wishes: Wishes) -> dict[str, str]:
    """The text of each workflow, by its path in the repository. Raises: UserError for unfit wishes."""
    _check(wishes)
    pages = Environment(
        variable_start_string="[[", variable_end_string="]]", undefined=StrictUndefined, autoescape=False,
        keep_trailing_newline=True,
    )  # fmt: skip
    texts = {name: pages.from_string((TEMPLATES / name).read_text()).render(asdict(wishes)) for name in NAMES}
    for text in texts.values():
        _check_installs(text, wishes.install)
    return {f".github/workflows/{name}": text for name, text in texts.items()}


def install(root: Path, wishes: Wishes, *, force: bool = False) -> list[Path]:
    """Write the workflows; those that are there as they should be stay. The paths that were written.

    Raises: UserError, with nothing written, for one that was changed, unless `force`.
    """
    texts = {root / path: text for path, text in workflows(wishes).items()}
    changed = {path: text for path, text in texts.items() if not path.exists() or path.read_text() != text}
    if not force and (there := [str(path.relative_to(root)) for path in changed if path.exists()]):
        raise UserError(f"{', '.join(there)} is there and different: --force writes it anew")
    for path, text in changed.items():
        write_atomically(path, text.encode())
    return list(changed)


def _check(wishes: Wishes) -> None:
    check_path(wishes.target)
    if not _PLAIN.fullmatch(wishes.target) or wishes.target.startswith("-"):
        raise UserError(f"'{wishes.target}' is no plain path: letters, digits, dots, dashes and '/'")
    if wishes.goal not in GOALS:
        raise UserError(f"'{wishes.goal}' is no goal: {', '.join(GOALS)}")
    if not _CRON.fullmatch(wishes.schedule) or set(wishes.schedule) & set("\"'\\{}"):
        raise UserError(f"'{wishes.schedule}' is no schedule: five fields as of cron, such as '17 3 * * 1'")
    if not re.fullmatch(r"3\.\d+", wishes.python):
        raise UserError(f"'{wishes.python}' is no version of Python: 3.11, for example")


def _check_installs(text: str, command: str) -> None:
    """That YAML reads the command as it was given. Raises: UserError."""
    try:
        jobs = yaml.safe_load(text)["jobs"].values()
    except yaml.YAMLError:
        jobs = []
    done = [step.get("run") for job in jobs for step in job["steps"]]
    if command not in done or "${{" in command:
        raise UserError(
            f"'{command}' cannot stand in a workflow as it is: one plain line, without ': ' and ' #'"
        )
