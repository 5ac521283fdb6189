"""What a method works with: it counts, remembers what was judged, and lets nothing past its task."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from bloomery.core.closure import code_version
from bloomery.core.errors import CapabilityMissing
from bloomery.core.evidence import Bar, Check, judge
from bloomery.core.tokens import mask
from bloomery.optimize.asking import Streams
from bloomery.optimize.changes import Ledger
from bloomery.optimize.methods.method import Judged
from bloomery.optimize.noting import SECURITY, insecure, note
from bloomery.optimize.proposal import NOTHING, Goal, Known, Proposal
from bloomery.optimize.remembering import Memory, key_of, verdict_from_plain, verdict_to_plain
from bloomery.optimize.surveying import Survey
from bloomery.optimize.targets import is_test
from bloomery.optimize.task import OptimizationTask
from bloomery.optimize.validating.caching import circumstances
from bloomery.optimize.validating.verdict import Level, Verdict

SCOPE = Check(
    name="scope",
    bar=Bar(op="==", value=0),
    unit="files",
    meaning="files that it changes and the task does not name",
)
JUDGING = "judging"
VERDICT = "verdict"
Watch = Callable[[str, int, int, str], None]
_PLAIN = (str, int, float, bool, type(None))


class Validate(Protocol):
    """What decides about a proposal: `validating.validate`, or one like it."""

    def __call__(
        self,
        repository_root: Path,
        proposal: Proposal,
        *,
        goal: Goal,
        level: Level,
        tests: Sequence[str] = (),
        seed: int = 0,
    ) -> Verdict: ...


@dataclass
class Workbench:
    """A run's bench. `judged`: all that was validated, in order; `remembered`: how much of it earlier."""

    task: OptimizationTask
    survey: Survey
    ledger: Ledger
    streams: Streams
    memory: Memory
    decide: Validate
    watch: Watch
    judged: list[Judged] = field(default_factory=list)
    remembered: int = 0
    given: int = 0
    looked: bool = False
    _seen: set[str] = field(default_factory=set)
    _known: dict[str, Verdict] = field(default_factory=dict)
    _version: str = ""

    def propose(
        self,
        *,
        proposer: str | None = None,
        path: str | None = None,
        known: Known = NOTHING,
        without: Collection[str] = (),
    ) -> Iterator[Proposal]:
        """From one proposer or from all of the task's in turn, for one path or for all; none twice."""
        self._look()
        asked = [name for name in self.streams.proposers if proposer in (None, name)]
        names = [name for name in asked if name not in without]
        paths = self.task.paths if path is None else (path,)
        waiting = [self.streams.of(name, one, known) for one in paths for name in names]
        while waiting and self.given < self.task.most:
            stream = waiting.pop(0)
            found = next((one for one in stream if self._is_new(one)), None)
            if found is not None:
                self.given += 1
                waiting.append(stream)
                yield found

    def asks(self, proposer: str) -> bool:
        return proposer in self.streams.proposers

    def validate(self, proposal: Proposal, *, level: Level | None = None) -> Verdict:
        """At the task's level, unless another is named; what was judged in this tree before is remembered."""
        asked = level or self.task.level
        key = self._key(proposal, asked)
        if key not in self._known:
            self.watch(JUDGING, len(self._known), max(self.given, len(self._known) + 1), _told(proposal))
            kept = self.memory.recall(VERDICT, key)
            self.remembered += kept is not None
            self._known[key] = verdict_from_plain(kept) if kept else self._decided(proposal, asked, key)
        verdict = self._known[key]
        if asked == self.task.level:
            self._note(Judged(proposal, verdict))
        return verdict

    def say(self, event: str, **facts: Any) -> None:
        plain = {name: value if isinstance(value, _PLAIN) else str(value) for name, value in facts.items()}
        self.watch(event, 0, 0, ", ".join(f"{name} {value}" for name, value in plain.items()))
        body = {name: mask(value) if isinstance(value, str) else value for name, value in plain.items()}
        self.ledger.records.note("optimize", event, self.ledger.root, body)

    def note(self, kind: str, path: str, **about: Any) -> None:
        note(self.ledger.workspace, str(self.ledger.root), kind, path, **about)

    def recall(self, name: str) -> Any:
        return self.memory.recall("learned", name)

    def remember(self, name: str, value: Any) -> None:
        self.memory.keep("learned", name, value, name=name)

    def once(self, kind: str, make: Callable[[], Any], **about: Any) -> Any:
        key = key_of(tree=self.streams.tree, circumstances=circumstances(), **about)
        known = self.memory.recall(kind, key)
        if known is None:
            known = make()
            self.memory.keep(kind, key, known, name=kind)
        return known

    def history(self, name: str) -> list[Any]:
        return self.memory.history("learned", name)

    def _look(self) -> None:
        """What is insecure in the files as they are is noted for the statistics."""
        if self.looked or self.task.goal != "security":
            return
        self.looked = True
        try:
            look = partial(insecure, self.task.root, self.task.paths)
            found = self.once("insecure", look, of=self.task.paths)
        except CapabilityMissing as missing:
            self.say("security was not looked at", reason=str(missing))
            return
        for one in found:
            self.note(SECURITY, one["path"], code=one["code"], line=one["line"])

    def _is_new(self, proposal: Proposal) -> bool:
        key = key_of(texts=dict(proposal.texts))
        if key in self._seen:
            return False
        self._seen.add(key)
        return True

    def _note(self, judged: Judged) -> None:
        if all(one.proposal is not judged.proposal for one in self.judged):
            self.judged.append(judged)

    def _decided(self, proposal: Proposal, level: Level, key: str) -> Verdict:
        outside = [path for path in sorted(proposal.texts) if not self._may_change(path)]
        if outside or not proposal.texts:
            how = f"it changes {', '.join(outside) or 'nothing'}"
            return Verdict(level, (judge(SCOPE, max(1, len(outside)), how=how, duration_s=0.0),),
                           {SCOPE.name: f"{how}: a proposal changes the files of its task"})  # fmt: skip
        verdict = self.decide(
            self.task.root,
            proposal,
            goal=self.task.goal,
            level=level,
            tests=self.task.tests,
            seed=self.task.seed,
        )
        if not any(one.required and one.check in verdict.lacking for one in verdict.evidence):
            self.memory.keep(VERDICT, key, verdict_to_plain(verdict), name=_told(proposal)[:200])
        return verdict

    def _may_change(self, path: str) -> bool:
        new_test = self.task.goal == "coverage" and is_test(path)
        return path in self.task.paths or (new_test and not (self.task.root / path).exists())

    def _key(self, proposal: Proposal, level: Level) -> str:
        self._version = self._version or f"{code_version(self.decide)} {circumstances()}"
        task = self.task
        asked = {"goal": task.goal, "level": level, "tests": task.tests, "seed": task.seed}
        said = {"texts": dict(proposal.texts), "function": proposal.function, "safety": proposal.safety}
        return key_of(version=self._version, tree=self.streams.tree, **asked, **said)


def _told(proposal: Proposal) -> str:
    return f"{proposal.operator} in {proposal.function or ', '.join(sorted(proposal.texts))}"
