"""How an example is solved with tools: calls that are really made, as text to train on."""

from collections.abc import Iterable

from bloomery.core.errors import Failure
from bloomery.tasks.task import Example
from bloomery.tasks.tools import compact
from bloomery.tasks.tools.conversation import Conversation, ToolExample
from bloomery.tasks.tools.tool import Call
from bloomery.tasks.tools.toolbox import Toolbox


def demonstrate(example: ToolExample, tools: Toolbox) -> Example:
    """The same example after its calls: they stand in the prompt as `worked`, their results as given.

    A model trained on it learns to write calls and the answer, and learns no result by heart.

    Raises: CallRefused where a tool is lacking; Failure where the last result is not the answer.
    """
    talk, worked = Conversation(example, tools, max_calls=len(example.calls)), []
    for text in _texts(example.calls, tools):
        begin = len(talk.text)
        talk.take(text)
        worked.append((begin, begin + len(text)))
    last = talk.called[-1] if talk.called else None
    if last is None or last.state != "returned" or last.result != example.answer:
        came = "no call" if last is None else f"{last.state}: {last.result}"
        raise Failure(f"the calls of {example.prompt!r} give {came}, expected {example.answer!r}")
    return Example(talk.text, example.answer, example.difficulty, tuple(worked))


def _texts(calls: Iterable[Call], tools: Toolbox) -> list[str]:
    return [compact.written(call, tools) for call in calls]
