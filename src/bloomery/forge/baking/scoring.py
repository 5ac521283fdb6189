"""How well a model does under a prompt: in tasks that need tools, and in exams with the prompt in front."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from bloomery.core.errors import Failure
from bloomery.forge.baking.completions import check_window
from bloomery.forge.exams import ChoiceExam, Exam, NumberExam, Part, TaskExam, mean_rate, sit
from bloomery.forge.settings import ExamConfig
from bloomery.tasks.accuracy import Accuracy
from bloomery.tasks.generation import write
from bloomery.tasks.splitting import examples
from bloomery.tasks.task import Example
from bloomery.tasks.tokenizer import encode
from bloomery.tasks.tools.conversation import attempts
from bloomery.tasks.tools.grading import graded
from bloomery.tasks.tools.needing import ToolTask
from bloomery.tasks.tools.registry import tool_task
from bloomery.tasks.tools.toolbox import Toolbox, toolbox


@dataclass(frozen=True)
class ToolExam:
    """Held-out examples of a task that needs a tool, and the tools that there are."""

    task: ToolTask
    examples: Sequence[Example]
    tools: Toolbox
    max_calls: int
    max_new_tokens: int

    def sit(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, prompt: str = "") -> Accuracy:
        """The share that the model solves by calls that are really carried out, under the prompt.

        Raises: UserError where the prompt does not fit the window.
        """
        asked = [((*encode(tokenizer, prompt),), encode(tokenizer, one.prompt)) for one in self.examples]
        check_window(model, prompt, asked, self.max_new_tokens)

        def continued(texts: list[str]) -> list[str]:
            given = [prompt + text for text in texts]
            return write(model, tokenizer, given, max_new_tokens=self.max_new_tokens)

        return graded(
            self.task, self.examples, attempts(continued, self.examples, self.tools, self.max_calls)
        )


def tool_exams(
    names: Mapping[str, Sequence[int]], exam: ExamConfig, part: Part, *, max_calls: int, max_new_tokens: int
) -> dict[str, ToolExam]:
    """An exam for each task by name with its difficulties (none: the lowest); selection and test share no
    prompt."""
    tools = toolbox()
    return {
        name: ToolExam(
            task := tool_task(name), _held_out(task, levels, exam, part), tools, max_calls, max_new_tokens
        )
        for name, levels in names.items()
    }


def tool_success(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    given: Mapping[str, ToolExam],
    prompt: str = "",
) -> float:
    """The mean of the tool tasks' accuracies, by execution."""
    return fmean(exam.sit(model, tokenizer, prompt).rate for exam in given.values())


def prompted_accuracy(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, given: Mapping[str, Exam], prompt: str = ""
) -> float:
    """The mean of the exams' accuracies with the prompt before each question.

    Raises: UserError where the prompt does not fit the window.
    """
    asked = [((*encode(tokenizer, prompt),), encode(tokenizer, question)) for exam in given.values()
             for question in exam.prompts()]  # fmt: skip
    check_window(model, prompt, asked, 1)
    under = {name: _under(prompt, exam) for name, exam in given.items()}
    return mean_rate(sit(model, tokenizer, under))


def _held_out(task: ToolTask, levels: Sequence[int], exam: ExamConfig, part: Part) -> list[Example]:
    """Selection examples come first at each difficulty, and test examples after them."""
    levels = levels or tuple(task.difficulties)[:1]
    count = exam.selection + exam.test
    drawn = examples(task, "test", count=count, seed=exam.seed, difficulties=levels, fewer_ok=True)
    chosen: list[Example] = []
    for level in levels:
        some = [one for one in drawn if one.difficulty == level]
        cut = round(len(some) * exam.selection / count)
        chosen += some[:cut] if part == "selection" else some[cut:]
    return chosen


def _under(prompt: str, exam: Exam) -> Exam:
    match exam:
        case TaskExam() | NumberExam():
            shown = [replace(one, prompt=prompt + one.prompt, worked=()) for one in exam.examples]
            return replace(exam, examples=shown)
        case ChoiceExam():
            return replace(
                exam, questions=[replace(one, prompt=prompt + one.prompt) for one in exam.questions]
            )
    raise Failure(f"no prompt can stand before the questions of a {type(exam).__name__}")
