"""What is asked in each cycle: to learn from, held out to choose or to measure, and what to leave alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from transformers import PreTrainedTokenizerBase

from bloomery.core.errors import ConfigError
from bloomery.forge.baking.anchoring import ThoughtAnchors, prompts_of, thought_anchors
from bloomery.forge.baking.bake import Queries
from bloomery.forge.baking.scoring import ToolExam, tool_exams
from bloomery.forge.baking.tool_completions import ToolTalks
from bloomery.forge.data import training_data
from bloomery.forge.exams import Exam, Part, exams
from bloomery.forge.stages.baking import BakingStageConfig
from bloomery.tasks.splitting import examples
from bloomery.tasks.task import Example
from bloomery.tasks.tools.toolbox import toolbox

A, B = "tools", "personas"


@dataclass(frozen=True)
class Questions:
    """The questions of both cycles; training, selection and test share none."""

    config: BakingStageConfig
    tokenizer: PreTrainedTokenizerBase
    seed: int

    def cycles(self) -> list[str]:
        """Raises: ConfigError where there is none."""
        found = [A] * bool(self.config.tools.tasks) + [B] * self.config.personas()
        if not found:
            raise ConfigError("there is nothing to bake: name tools.tasks, cycles.personas or cycles.given")
        return found

    def asked(self, cycle: str) -> Queries:
        """What a bake learns from, anchored by the controls and the other cycle; held out: selection."""
        others = B if cycle == A else A
        return Queries(
            train=self.trained(cycle)[: self.config.queries],
            held_out=self.held_out(cycle, "selection"),
            anchors=[*self.config.controls[::2], *self.trained(others)[: self.config.anchors]],
            thoughts=self.thoughts,
        )

    def trained(self, cycle: str) -> list[str]:
        if cycle == A:
            return [one.prompt for one in self._tool_examples]
        return self._recipe_prompts if self.config.mixture else []

    def held_out(self, cycle: str, part: Part) -> list[str]:
        """Questions of every task alike."""
        given = self.tool_exams(part) if cycle == A else self.exams(part)
        found = [_prompts(exam) for exam in given.values()]
        each = -(-self.config.probes // max(1, len(found)))
        return [prompt for prompts in found for prompt in _spread(prompts, each)]

    def controls(self, cycle: str) -> list[str]:
        """Held-out questions that a prompt of this cycle does not concern; none where there are none."""
        return list(self.config.controls[1::2]) or self.held_out(B if cycle == A else A, "test")

    def exams(self, part: Part) -> dict[str, Exam]:
        return exams(self.config.mixture, self.config.exam, part, fewer_ok=True)

    def tool_exams(self, part: Part) -> dict[str, ToolExam]:
        tools = self.config.tools
        return tool_exams(
            tools.tasks,
            self.config.exam,
            part,
            max_calls=tools.max_calls,
            max_new_tokens=tools.max_new_tokens,
        )

    def talks(self) -> ToolTalks:
        """Samples conversations about every tool question."""
        held_out = [one for part in ("selection", "test") for exam in self.tool_exams(part).values()
                    for one in exam.examples]  # fmt: skip
        return ToolTalks(
            examples={one.prompt: one for one in (*self._tool_examples, *held_out)},
            tools=toolbox(), max_calls=self.config.tools.max_calls, per_query=self.config.bake.per_query,
            max_new_tokens=self.config.tools.max_new_tokens, temperature=self.config.bake.temperature,
        )  # fmt: skip

    @cached_property
    def thoughts(self) -> ThoughtAnchors:
        """What is thought about as before, whatever is baked."""
        return thought_anchors(self.config, self.tokenizer, self.config.thought_anchors, seed=self.seed)

    @cached_property
    def _tool_examples(self) -> list[Example]:
        found: list[Example] = []
        tasks = self.config.tools.tasks
        each = -(-max(self.config.queries, self.config.anchors) // max(1, len(tasks)))
        for exam in self.tool_exams("selection").values():
            levels = tasks[exam.task.name] or tuple(exam.task.difficulties)[:1]
            found += examples(
                exam.task, "train", count=each, seed=self.seed, difficulties=levels, fewer_ok=True
            )
        return found

    @cached_property
    def _recipe_prompts(self) -> list[str]:
        wanted = max(self.config.queries, self.config.anchors)
        stream = training_data(self.config.fit.on(self.config.mixture), self.tokenizer, seed=self.seed)
        return list(prompts_of(stream, wanted))


def _prompts(exam: Exam | ToolExam) -> list[str]:
    return [one.prompt for one in exam.examples] if isinstance(exam, ToolExam) else exam.prompts()


def _spread(prompts: Sequence[str], count: int) -> list[str]:
    """So many of them, from the first to the last: all difficulties."""
    count = min(count, len(prompts))
    return [prompts[place * len(prompts) // count] for place in range(count)]
