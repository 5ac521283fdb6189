"""Whether errors are handled for what they are."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from bloomery.source.languages.parsing import Source, nodes
from bloomery.source.quality.metric import Finding, Metric

if TYPE_CHECKING:
    from tree_sitter import Node

_BODIES = {"block", "statement_block"}
_RAISES = {"raise_statement", "throw_statement"}
_FUNCTIONS = {"function_definition", "lambda"}
DEFINITION = (
    "Share of handlers (except, catch) that are none of: broad (no type, or one that stands for any "
    "exception, and not raising at the end; where the language has types), silent (nothing in it but pass, "
    "`...` or comments), causeless (Python: raises another exception without `from`)."
)


def measure(sources: Sequence[Source]) -> Metric:
    able = [source for source in sources if source.language.handlers]
    known = [(source, node, tuple(faults(source, node))) for source in able for node in _handlers(source)]
    wrong = [one for one in known if one[2]]
    kinds = ("broad", "silent", "causeless")
    return Metric(
        name="error handling",
        definition=DEFINITION,
        unit="share of handlers",
        better="higher",
        value=1 - len(wrong) / len(known) if known else None,
        counts={"handlers": len(known)} | {kind: sum(kind in one[2] for one in known) for kind in kinds},
        findings=tuple(
            Finding(source.path, source.position(node.start_byte).line, f"{' and '.join(found)} handler")
            for source, node, found in wrong
        ),
        why_none="" if known else "no handler" if able else "the language has no handlers",
    )


def faults(source: Source, handler: "Node") -> Iterator[str]:
    statements = _statements(handler)
    if source.language.broad and _is_broad(source, handler):
        last = statements[-1] if statements else None
        if last is None or last.type not in _RAISES:
            yield "broad"
    if all(_does_nothing(source, statement) for statement in statements):
        yield "silent"
    if any(_loses_the_cause(source, handler, node) for node in _own(handler)):
        yield "causeless"


def _handlers(source: Source) -> Iterator["Node"]:
    return (node for node in nodes(source.root) if node.is_named and node.type in source.language.handlers)


def _statements(handler: "Node") -> list["Node"]:
    bodies = [child for child in handler.named_children if child.type in _BODIES]
    return [child for child in (bodies[-1].named_children if bodies else []) if not child.is_extra]


def _is_broad(source: Source, handler: "Node") -> bool:
    """Whether it names no type, or a broad one among others."""
    before = [child for child in handler.named_children if child.type not in _BODIES and not child.is_extra]
    named = {
        source.text_of(inner)
        for child in before
        for inner in nodes(child)
        if inner.type in {"identifier", "type_identifier", "scoped_type_identifier", "attribute"}
        and not (inner.parent and inner.parent.type == "as_pattern_target")
    }
    return not before or bool(named & source.language.broad)


def _does_nothing(source: Source, statement: "Node") -> bool:
    inner = statement.named_children
    if statement.type == "expression_statement" and len(inner) == 1:
        statement = inner[0]
    return statement.type in source.language.passes


def _own(handler: "Node") -> Iterator["Node"]:
    """Nodes of the handler, without those of functions defined in it."""
    waiting = [handler]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += [child for child in node.named_children if child.type not in _FUNCTIONS]


def _loses_the_cause(source: Source, handler: "Node", node: "Node") -> bool:
    """`raise Other(...)` without `from`; raising what was caught keeps it."""
    if node.type != "raise_statement" or node.child_by_field_name("cause") or not node.named_children:
        return False
    raised = source.text_of(node.named_children[0])
    caught = [inner for inner in nodes(handler) if inner.type == "as_pattern_target"]
    return not caught or raised != source.text_of(caught[0])
