"""Writes a context in its one form; counts, checklist and rendered mathematics are derived."""

import json
import re
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from bloomery.papers.context import Algorithm, Context, Equation, Note, Reading, Reference, Result
from bloomery.papers.markdown.entries import located
from bloomery.papers.markdown.header import listed_authors, shielded
from bloomery.papers.markdown.sections import SECTIONS
from bloomery.papers.markdown.tables import written

SHOWN = 5  # key items a row of the quick reference names
ARROWS = {"up": "↑", "down": "↓", "": ""}
NOTE_HEADINGS = {
    "gotcha": "Gotchas",
    "opportunity": "Optimization Opportunities",
    "limitation": "Known Limitations",
}


def write(context: Context) -> str:
    """The Markdown of a context: `read` makes the same context of it, without a diagnostic."""
    blocks = [
        _header(context),
        ["---"],
        _section("quick", *_quick(context)),
        ["---"],
        _section("equations", *_divided(_equation(equation) for equation in context.equations)),
        ["---"],
        _section("algorithms", *_divided(_algorithm(algorithm) for algorithm in context.algorithms)),
        ["---"],
        _architecture(context),
        _hyperparameters(context),
        _benchmarks(context),
        _prior_work(context),
        _section("checklist", *_checklist(context)),
        _notes(context),
        ["---"],
        _metadata(context),
    ]
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def _section(key: str, *blocks: Sequence[str]) -> list[str]:
    """A section's heading and blocks, an empty line between them."""
    lines = [f"## {SECTIONS[key][0]}"]
    for block in blocks:
        lines += ["", *block] if block else []
    return lines


def _divided(entries: Iterable[list[str]]) -> list[list[str]]:
    return [block for at, entry in enumerate(entries) for block in ([["---"]] if at else []) + [entry]]


def _labelled(label: str, value: str = "") -> str:
    return f"**{label}:** {value}".rstrip()


def fence(text: str, language: str = "") -> list[str]:
    """The text in a fence longer than any that it holds."""
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    mark = "`" * (longest + 1)
    return [mark + language, *(text.split("\n") if text else []), mark]


def _header(context: Context) -> list[str]:
    title = f"{context.title} - Implementation Context".strip()
    return [
        f"# {title}",
        "",
        _labelled("Paper ID", context.paper_id),
        _labelled("Full Title", context.full_title),
        _labelled("Authors", listed_authors(context.authors)),
        _labelled("arXiv", context.arxiv),
        _labelled("Year", "" if context.year is None else str(context.year)),
        "",
        _labelled("Key Contribution (1 sentence)"),
        shielded(context.contribution),
        "",
        _labelled("Extraction Date", context.extraction_date),
        _labelled("Extraction Agent", context.extractor),
    ]


def _quick(context: Context) -> list[list[str]]:
    named = {
        "equations": [f"Eq {equation.number}" for equation in context.equations],
        "algorithms": [f"Algorithm {algorithm.number}" for algorithm in context.algorithms],
        "layers/modules": [module.name for module in context.architecture.modules],
        "hyperparameters": [setting.name for setting in context.hyperparameters],
        "benchmarks": [dataset.name for dataset in context.benchmarks.datasets],
    }
    titles = ("Equations", "Algorithms", "Layers/Modules", "Hyperparameters", "Benchmarks")
    rows = [
        (title, str(len(names)), ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else ""))
        for title, names in zip(titles, named.values(), strict=True)
    ]
    return [written("Aspect | Count | Key Items", rows)]


def _marked(equation: Equation, name: str, label: str) -> str:
    return f"{label} (proposed)" if name in equation.proposed else label


def _equation(equation: Equation) -> list[str]:
    named = f": {equation.name}" if equation.name else ""
    blocks = [
        [f"### Equation {equation.number}{named}"],
        [_labelled(_marked(equation, "location", "Location"), located(equation.location))],
        [_labelled(_marked(equation, "latex", "LaTeX")), *fence(equation.latex, "latex")],
        _rendered(equation.latex),
        [_labelled(_marked(equation, "plain_english", "Plain English"), equation.plain_english)],
        [_labelled(_marked(equation, "variables", "Variables")), "", *_variables(equation)],
        _bullets(_marked(equation, "notes", "Implementation Notes"), equation.notes),
        [_labelled("Dependencies"), *_dependencies(equation)],
        _bullets(
            _marked(equation, "criteria", "Test Criteria"), (f"[ ] {text}" for text in equation.criteria)
        ),
    ]
    if equation.aliases:
        blocks.append([_labelled("Aliases", ", ".join(equation.aliases))])
    if equation.readings or "readings" in equation.proposed:
        blocks.append([_labelled(_marked(equation, "readings", "Readings"))])
        blocks += [_reading(reading) for reading in equation.readings]
    if equation.uncertain:
        blocks.append(_bullets("Uncertain", equation.uncertain))
    return _spaced(blocks)


def _spaced(blocks: Iterable[list[str]]) -> list[str]:
    lines = [line for block in blocks if block for line in ["", *block]]
    return lines[1:]


def _rendered(latex: str) -> list[str]:
    """The display of the LaTeX; LaTeX that holds dollars would end it early and has none."""
    return [] if not latex or "$$" in latex else [_labelled("Rendered"), "$$", *latex.split("\n"), "$$"]


def _variables(equation: Equation) -> list[str]:
    rows = [
        (one.symbol, one.name, one.kind, one.shape, one.description, one.domain) for one in equation.variables
    ]
    return written("Symbol | Name | Type | Shape | Description | Domain", rows)


def _bullets(label: str, texts: Iterable[str]) -> list[str]:
    return [_labelled(label), *(f"- {text}" for text in texts)]


def _dependencies(equation: Equation) -> list[str]:
    requires = _marked(equation, "requires", "Requires")
    used_by = _marked(equation, "used_by", "Used by")
    return [*_side(requires, equation.requires), *_side(used_by, equation.used_by)]


def _side(label: str, found: Sequence[Reference]) -> list[str]:
    return [f"- {label}: {reference}" for reference in found] or [f"- {label}: None"]


def _reading(reading: Reading) -> list[str]:
    chosen = " (chosen)" if reading.chosen else ""
    return [f"- `{reading.name}`{chosen}: {reading.note}".rstrip(), *fence(reading.latex, "latex")]


def _algorithm(algorithm: Algorithm) -> list[str]:
    named = f": {algorithm.name}" if algorithm.name else ""
    rows = [(step.lines, step.operation, step.equation, step.function) for step in algorithm.lines]
    return _spaced(
        [
            [f"### Algorithm {algorithm.number}{named}"],
            [_labelled("Location", located(algorithm.location))],
            [_labelled("Purpose", algorithm.purpose)],
            [_labelled("Pseudocode"), *fence(algorithm.pseudocode)],
            [
                _labelled("Line-by-Line Mapping"),
                "",
                *written("Line | Operation | Equation | Module/Function", rows),
            ],
            _bullets("Implementation Considerations", algorithm.notes),
            _bullets("Test Criteria", (f"[ ] {text}" for text in algorithm.criteria)),
        ]
    )


def _architecture(context: Context) -> list[str]:
    rows = [
        (one.name, one.section, one.input_shape, one.output_shape, one.parameters, one.detail)
        for one in context.architecture.modules
    ]
    return _section(
        "architecture",
        ["### Overall Structure"],
        fence(context.architecture.overview),
        ["### Module Breakdown"],
        written("Module | Paper Section | Input Shape | Output Shape | Parameters | Detail", rows),
    )


def _hyperparameters(context: Context) -> list[str]:
    blocks: list[list[str]] = []
    for group, settings in groupby(context.hyperparameters, key=lambda setting: setting.group):
        rows = [(one.name, one.symbol, one.value, one.reference, one.notes) for one in settings]
        blocks += [[f"### {group}"], written("Parameter | Symbol | Value | Paper Reference | Notes", rows)]
    return _section("hyperparameters", *blocks)


def _benchmarks(context: Context) -> list[str]:
    found = context.benchmarks
    datasets = [(one.name, one.task, one.size, one.metric, one.section) for one in found.datasets]
    resources = [(one.aspect, one.requirement, one.notes) for one in found.resources]
    return _section(
        "benchmarks",
        ["### Datasets"],
        written("Dataset | Task | Size | Metric | Paper Section", datasets),
        ["### Reported Results"],
        written(
            "Dataset | Metric | Baseline | This Paper | Δ | Notes | Source",
            [_result(one) for one in found.results],
        ),
        ["### Evaluation Protocol"],
        fence(found.protocol),
        ["### Computational Requirements"],
        written("Aspect | Requirement | Notes", resources),
    )


def _result(one: Result) -> tuple[str, ...]:
    metric = one.metric + ARROWS[one.direction]
    return (one.dataset, metric, one.baseline, one.value, one.delta, one.notes, one.source)


def _prior_work(context: Context) -> list[str]:
    found = context.prior_work
    rows = [(one.paper, one.needed, one.usage, one.priority) for one in found.requirements]
    order = "\n".join(f"{at}. {text}" for at, text in enumerate(found.order, 1))
    return _section(
        "prior",
        ["### Required Prior Work"],
        written("Paper | What We Need | Our Usage | Priority", rows),
        ["### Concepts to Import"],
        [f"- {text}" for text in found.concepts],
        ["### Implementation Order"],
        fence(order),
    )


def _checklist(context: Context) -> list[list[str]]:
    groups = {
        "Equations": [f"Eq {one.number}: {one.name}".rstrip(": ") for one in context.equations],
        "Algorithms": [f"Algorithm {one.number}: {one.name}".rstrip(": ") for one in context.algorithms],
        "Modules": [one.name for one in context.architecture.modules],
        "Full Model": ["forward pass", "training step"],
        "Benchmarks": list(dict.fromkeys(one.dataset for one in context.benchmarks.results)),
    }
    return [
        block
        for title, items in groups.items()
        for block in ([f"### {title}"], [f"- [ ] {i}" for i in items])
    ]


def _notes(context: Context) -> list[str]:
    blocks: list[list[str]] = []
    for kind, heading in NOTE_HEADINGS.items():
        noted = [line for note in context.notes if note.kind == kind for line in _note(note)]
        blocks += [[f"### {heading}"], noted]
    return _section("notes", *blocks)


def _note(note: Note) -> list[str]:
    if not note.quote:
        return [f"- {note.text}"]
    return [f'- Paper says: "{note.quote}"', f"  Interpretation: {note.text}"]


def _metadata(context: Context) -> list[str]:
    known, counts = context.metadata, context.counts()
    values: dict[str, Any] = {
        "paper_id": context.paper_id,
        "extraction_version": known.version,
        "extracted_at": context.extraction_date,
        "extractor": context.extractor,
        "source_pdf": known.source,
        "source_pages": known.pages,
        "equations_extracted": counts["equations"],
        "algorithms_extracted": counts["algorithms"],
        "confidence": known.confidence,
        "needs_clarification": list(known.needs_clarification),
    }
    lines = [f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in values.items()]
    return _section("metadata", fence("\n".join(lines), "yaml"))
