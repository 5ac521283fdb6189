"""A conversation: what a model writes, the tools it calls, what they answer, and its own answer."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from bloomery.tasks.task import Example
from bloomery.tasks.tools import compact
from bloomery.tasks.tools.tool import Call, CallRefused, ToolFailed, World
from bloomery.tasks.tools.toolbox import Toolbox

Ended = Literal["answered", "out of calls", "unfinished call"]


@dataclass(frozen=True)
class ToolExample(Example):
    """An example with what its tools find, and calls the last of which gives the answer."""

    stored: Mapping[str, str] = field(default_factory=dict, compare=False)
    files: Mapping[str, str] = field(default_factory=dict, compare=False)
    calls: tuple[Call, ...] = field(default=(), compare=False)


@dataclass(frozen=True, kw_only=True)
class Called:
    """One call as it was written, and what came of it; `call` is absent where it could not be read."""

    written: str
    call: Call | None
    state: Literal["returned", "failed", "refused"]
    result: str


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """How a conversation went. `transcript` is all that stands after the prompt; `answer` is what was written
    after the last result, and absent where the conversation ended otherwise."""

    transcript: str
    called: tuple[Called, ...]
    answer: str | None
    ended: Ended

    @property
    def returned(self) -> int:
        """Calls that a tool answered."""
        return sum(one.state == "returned" for one in self.called)


class Conversation:
    """One attempt under way: give `text` to a writer and `take` what it writes, until it has ended."""

    def __init__(self, example: Example, tools: Toolbox, *, max_calls: int) -> None:
        self.prompt, self.tools, self.max_calls = example.prompt, tools, max_calls
        self.session = tools.open(world_of(example))
        self.transcript = ""
        self.called: list[Called] = []
        self.answer: str | None = None
        self.ended: Ended | None = None

    @property
    def text(self) -> str:
        return self.prompt + self.transcript

    def take(self, written: str) -> None:
        """Carries out the first call in what was written and drops what follows it; without one, it ends."""
        try:
            found = compact.first_call(written)
        except CallRefused:
            self._end("unfinished call", written)
            return
        if found is None:
            self.answer = written
            self._end("answered", written)
        elif len(self.called) == self.max_calls:
            self._end("out of calls", "".join(found))
        else:
            self._carry_out(*found)

    def attempt(self) -> Attempt:
        """Raises: RuntimeError where it has not ended."""
        if self.ended is None:
            raise RuntimeError("the conversation goes on; take what is written until it has ended")
        return Attempt(
            transcript=self.transcript, called=tuple(self.called), answer=self.answer, ended=self.ended
        )

    def _carry_out(self, before: str, written: str) -> None:
        self.called.append(self._called(written))
        last = self.called[-1]
        answered = compact.result if last.state == "returned" else compact.failure
        self.transcript += before + written + answered(last.result)

    def _called(self, written: str) -> Called:
        call = None
        try:
            call = compact.read(written, self.tools)
            return Called(written=written, call=call, state="returned", result=self.session.run(call))
        except CallRefused as error:
            return Called(written=written, call=call, state="refused", result=str(error))
        except ToolFailed as error:
            return Called(written=written, call=call, state="failed", result=str(error))

    def _end(self, how: Ended, written: str) -> None:
        self.transcript += written
        self.ended = how


def attempt(write: Callable[[str], str], example: Example, tools: Toolbox, max_calls: int = 4) -> Attempt:
    """Lets `write`, which continues a text, solve an example with tools."""
    return attempts(lambda texts: [write(text) for text in texts], [example], tools, max_calls)[0]


def attempts(
    write: Callable[[list[str]], Sequence[str]],
    examples: Sequence[Example],
    tools: Toolbox,
    max_calls: int = 4,
) -> list[Attempt]:
    """The same for many examples, whose texts `write` continues together, round by round."""
    talks = [Conversation(example, tools, max_calls=max_calls) for example in examples]
    while going := [talk for talk in talks if talk.ended is None]:
        for talk, text in zip(going, write([talk.text for talk in going]), strict=True):
            talk.take(text)
    return [talk.attempt() for talk in talks]


def world_of(example: Example) -> World:
    """What the tools find when an attempt at this example begins."""
    if not isinstance(example, ToolExample):
        return World()
    return World(stored=dict(example.stored), files=example.files)
