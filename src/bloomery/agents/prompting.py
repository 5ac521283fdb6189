"""Prompts as files: what they need is declared in their head, and nothing is left out or made up.

---
skill: code                       which kind of work it is
variables:
  source: the function as it is   each one is given when the prompt is made, and used
---
{% block system %}...{% endblock %}
{% block user %}...{{ source | fenced }}...{% endblock %}
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast, get_args

import yaml
from jinja2 import Environment, StrictUndefined, Template, meta

from bloomery.agents.settings import Skill
from bloomery.core.errors import ConfigError, UnknownName, UserError

FOLDER = Path(__file__).parent / "prompts"
_PARTS = re.compile(r"---\n(?P<head>.*?)\n---\n(?P<body>.*)", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """A question with its place in the usage record and the skill that it wants."""

    purpose: str
    skill: Skill
    system: str
    user: str


@dataclass(frozen=True, kw_only=True)
class PromptFile:
    """A template; `variables` tells what each of its variables is."""

    name: str
    skill: Skill
    variables: Mapping[str, str]
    body: str

    def fill(self, **values: Any) -> Prompt:
        """Raises: UserError for a variable that is missing or that the prompt does not have."""
        missing = sorted(set(self.variables) - set(values))
        strange = sorted(set(values) - set(self.variables))
        if missing:
            told = "; ".join(f"{name} ({self.variables[name]})" for name in missing)
            raise UserError(f"the prompt '{self.name}' needs {told}")
        if strange:
            known = ", ".join(sorted(self.variables))
            raise UserError(f"the prompt '{self.name}' has no {', '.join(strange)}; its variables: {known}")
        template = _environment().from_string(self.body)
        return Prompt(
            purpose=self.name,
            skill=self.skill,
            system=_block(template, "system", values),
            user=_block(template, "user", values),
        )


@cache
def prompt(name: str) -> PromptFile:
    """A packaged prompt. Raises: UnknownName."""
    if name not in prompt_names():
        raise UnknownName("prompt", name, prompt_names())
    return read_prompt(FOLDER / f"{name}.j2")


def prompt_names() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("*.j2"))


def read_prompt(path: Path) -> PromptFile:
    """Raises: ConfigError where a file declares other variables than it uses, or lacks a part."""
    parts = _PARTS.fullmatch(path.read_text())
    head = yaml.safe_load(parts["head"]) if parts else None
    if not parts or not isinstance(head, dict) or set(head) != {"skill", "variables"}:
        raise ConfigError(f"{path}: a prompt begins with '---', its skill and variables, and '---'")
    if head["skill"] not in get_args(Skill):
        raise ConfigError(f"{path}: skill is one of {', '.join(get_args(Skill))}; got {head['skill']!r}")
    tree = _environment().parse(parts["body"])
    used, declared = meta.find_undeclared_variables(tree), set(head["variables"])
    if used != declared:
        raise ConfigError(f"{path}: declares {sorted(declared)} and uses {sorted(used)}; make them equal")
    if not {"system", "user"} <= set(_environment().from_string(parts["body"]).blocks):
        raise ConfigError(f"{path}: a prompt has the blocks 'system' and 'user'")
    return PromptFile(
        name=path.stem,
        skill=cast(Skill, head["skill"]),
        variables={name: str(told) for name, told in head["variables"].items()},
        body=parts["body"],
    )


def fenced(text: object, kind: str = "") -> str:
    """A text between fences that do not occur in it: what it says cannot end it."""
    told = str(text).rstrip("\n")
    longest = max((len(run) for run in re.findall(r"`+", told)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{kind}\n{told}\n{fence}"


@cache
def _environment() -> Environment:
    environment = Environment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False
    )
    environment.filters["fenced"] = fenced
    return environment


def _block(template: Template, name: str, values: Mapping[str, Any]) -> str:
    return "".join(template.blocks[name](template.new_context(dict(values)))).strip()
