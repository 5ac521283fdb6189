"""A text mended by as few edits as are found, or a refusal: nothing is given that does not parse."""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher

from bloomery.diffusion.code.lexemes.arranging import Item
from bloomery.diffusion.code.lexemes.lexicons import lexicon
from bloomery.diffusion.code.mending.habits import Habits, Likelihood, named, usual_habits
from bloomery.diffusion.code.mending.marks import by_text
from bloomery.diffusion.code.mending.proposing import (
    REACH,
    Draft,
    Edit,
    drafts,
    edit_of,
    filled,
)
from bloomery.diffusion.code.mending.reading import Reading
from bloomery.source.languages.faults import Fault, faults
from bloomery.source.languages.parsing import nodes, parse
from bloomery.source.languages.registry import language as known_language

WIDTH = 6  # drafts that one more edit is tried on
STEPS = 4  # texts with one bracket or quote changed that one more edit is tried on
EACH = 4  # texts tried for each of several places
FIFTH = 5  # lexemes for each edit
LUCK = 8.0  # nats: what it would take for a lexeme that was put in to be like the one that fits
MISSPELT = 0.7  # how alike two words are that one may be written for the other


@dataclass(frozen=True)
class Mended:
    """A text that parses, and what was done to make it, in order; no edits where it did before."""

    text: str
    edits: tuple[Edit, ...]


@dataclass(frozen=True)
class Unmended:
    """Why nothing is given, and what the parser objects to."""

    why: str
    faults: tuple[Fault, ...]


@dataclass(frozen=True)
class _Candidate:
    raw: str
    edits: tuple[Edit, ...]
    far: int


def mend(
    text: str,
    language: str,
    *,
    most_edits: int = 3,
    tries: int = 2000,
    likelihood: Likelihood | None = None,
) -> Mended | Unmended:
    """The likeliest of the texts that the fewest edits near the fault make parse.

    At least one edit is tried, and no more than one for every `FIFTH` lexemes: what takes more is no program.
    `tries` bounds how many texts and drafts are looked at; `likelihood` chooses among texts of equally many
    edits, by default what stands beside what elsewhere in the text.

    Raises: UnknownName; FormatRefused for a text that no UTF-8 file holds or that is too large.
    """
    wrong = faults(parse(text, known_language(language)))
    if not wrong:
        return Mended(text, ())
    if "\0" in text:
        return Unmended("a null byte: this is no text of a program", wrong)
    search = _Search(text, language, tries)
    most_edits = min(most_edits, max(len(search.reading.lexemes) // FIFTH, 1))
    for count in range(1, most_edits + 1):
        if found := search.with_edits(count):
            best = _likeliest(found, text, language, likelihood)
            return Mended(_decoded(best.raw), best.edits)
        if search.tries <= 0:
            return Unmended(f"{tries} tries found no text within {count} edits of it that parses", wrong)
    edits = "1 edit" if most_edits == 1 else f"{most_edits} edits"
    return Unmended(f"of the texts tried within {edits} of it none parses", wrong)


class _Search:
    def __init__(self, text: str, language: str, tries: int) -> None:
        self.language, self.tries = language, tries
        self.reading = Reading(text.encode().decode("latin-1"), language)
        items = tuple(self.reading.items)
        viable, accepted = self.reading.viable(items)
        self.first = Draft(items, (), len(items) - viable, accepted)
        self.open, self.steps = [self.first], list[_Candidate]()

    def with_edits(self, count: int) -> list[_Candidate]:
        """All that were found with so many edits; called with 1, then 2, and so on."""
        found, onward = dict[str, _Candidate](), list[Draft]()
        proposed = self._by_text() if count == 1 else self._after_text() if count == 2 else iter(())
        for candidate in (*proposed, *self._by_grammar(count, onward)):
            if candidate.raw not in found and self._parses(candidate.raw):
                found[candidate.raw] = candidate
            elif count == 1 and candidate.far == 0:
                self.steps.append(candidate)
        onward.sort(key=lambda draft: draft.left)
        self.open = onward[:WIDTH]
        return list(found.values())

    def _after_text(self) -> Iterator[_Candidate]:
        """One more edit after those of brackets and quotes that leave the parser the least to object to."""
        self.steps.sort(key=lambda step: _objected(_decoded(step.raw), self.language))
        for step in self.steps[:STEPS]:
            other = _Search(_decoded(step.raw), self.language, self.tries)
            for candidate in other.with_edits(1):
                yield _Candidate(candidate.raw, step.edits + candidate.edits, candidate.far)
            self.tries = other.tries

    def _by_text(self) -> Iterator[_Candidate]:
        stop = len(self.first.slots) - self.first.left
        for raw, edit in by_text(self.reading, stop):
            yield _Candidate(raw, (edit,), 0)

    def _by_grammar(self, count: int, onward: list[Draft]) -> Iterator[_Candidate]:
        for before in self.open:
            for draft in drafts(self.reading, before, REACH if count == 1 else REACH // 2):
                self.tries -= 1
                if self.tries <= 0:
                    return
                if not draft.accepted:
                    onward.append(draft)
                    continue
                for items in filled(self.reading, draft, EACH):
                    edits = tuple(edit_of(self.reading, draft, items, change) for change in draft.changes)
                    yield _Candidate(self.reading.text(items), edits, self._distance(draft))

    def _distance(self, draft: Draft) -> int:
        stop = len(self.first.slots) - self.first.left
        return sum(abs(stop - change.at) for change in draft.changes)

    def _parses(self, raw: str) -> bool:
        self.tries -= 1
        return self.tries > 0 and parses(_decoded(raw), self.language)


def parses(text: str, language: str) -> bool:
    """Whether `faults` finds none."""
    known = known_language(language)
    if known.own_parser is not None:
        return known.own_parser(text) is None
    return not parse(text, known).root.has_error


def _objected(text: str, language: str) -> int:
    """Bytes in error nodes, and tokens that are missing."""
    root = parse(text, known_language(language)).root
    return sum(
        (node.end_byte - node.start_byte if node.is_error else 0) + node.is_missing
        for node in nodes(root)
        if node.is_error or node.is_missing
    )


def _decoded(raw: str) -> str:
    return raw.encode("latin-1").decode()


def _likeliest(
    found: list[_Candidate], text: str, language: str, likelihood: Likelihood | None
) -> _Candidate:
    """As likely as the text is, times the chance that somebody made the fault of it.

    What was put in by mistake could have been anything: the rarer, the less likely. Source: the noisy channel
    (Kernighan, Church and Gale 1990)
    """
    habits = usual_habits(text, language)
    judge = likelihood or habits.likelihood

    def score(one: _Candidate) -> tuple[float, float, int]:
        text = _decoded(one.raw)
        likely = judge(text, language) - _made(one.edits, habits, language)
        return likely, habits.familiar(text, language), -one.far

    return max(found, key=score)


def _made(edits: tuple[Edit, ...], habits: Habits, language: str) -> float:
    """Minus the log of the chance that these faults were made, in nats, but for what all have in common."""
    return sum(_one_made(edit, habits, language) for edit in edits if edit.before)


def _one_made(edit: Edit, habits: Habits, language: str) -> float:
    if edit.after and SequenceMatcher(None, edit.before, edit.after).ratio() >= MISSPELT:
        return -LUCK
    return habits.seldom(named(Item(edit.shape, edit.before), lexicon(language)))
