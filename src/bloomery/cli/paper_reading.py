"""bloomery paper read: from papers to their contexts."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bloomery.cli.language import AskModels, language_models
from bloomery.cli.options import DEFAULT_WORKSPACE, AsJson, WorkspacePath, print_json
from bloomery.cli.tables import say

if TYPE_CHECKING:
    from bloomery.agents.routing import Router
    from bloomery.papers.context import Context
    from bloomery.papers.reading.reading import Outcome


def read(
    sources: Annotated[
        list[str], typer.Argument(help="PDFs, LaTeX (file, folder, archive), LaTeXML pages, arXiv ids.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder for <ID>.context.md.")] = Path(),
    paper_id: Annotated[
        str, typer.Option("--id", help="The paper's id, for one source. Default: from its title.")
    ] = "",
    date: Annotated[str, typer.Option(help="The extraction's date, as it shall stand in the context.")] = "",
    contact: Annotated[
        str, typer.Option(help="A mail address, told to arXiv with each request, as it asks for.")
    ] = "",
    offline: Annotated[
        bool, typer.Option("--offline", help="Of arXiv take only what is in the cache.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite contexts that are there.")] = False,
    ask_models: AskModels = False,
    workspace: WorkspacePath = DEFAULT_WORKSPACE,
    as_json: AsJson = False,
) -> int:
    """Read papers into contexts: equations by their printed numbers, algorithms, tables, what is uncertain.

    Several are read in parallel. What fails is said, the rest is written; nothing is overwritten. With
    --ask-models language models fill what a paper does not say of its equations, marked as proposed.
    """
    from bloomery.papers.markdown import write
    from bloomery.papers.reading.arxiv import Arxiv, Politeness
    from bloomery.papers.reading.reading import read_many, write_contexts

    router = language_models(workspace) if ask_models else None
    door = Arxiv(offline=offline, politeness=Politeness(contact=contact))
    outcomes, unfilled = _filled(read_many(sources, arxiv=door, paper_id=paper_id, date=date), router)
    written, refused = write_contexts(outcomes, output, write, force=force)
    errors = {source: str(error) for source, error in refused.items()}
    doubts = [str(one) for outcome in outcomes if outcome.document for one in outcome.document.diagnostics]
    doubts += unfilled
    counted = {one.source: counts(one.context) for one in outcomes if one.context}
    if as_json:
        found = {source: {"path": str(path), **counted[source]} for source, path in written.items()}
        print_json({"written": found, "errors": errors, "diagnostics": doubts})
        return 2 if errors else 0
    for source, path in written.items():
        told = ", ".join(f"{count} {what}" for what, count in counted[source].items())
        say(f"{path}: {told}")
    for line in [*doubts, *(f"{source}: {error}" for source, error in errors.items())]:
        typer.echo(line, err=True)
    return 2 if errors else 0


def _filled(outcomes: "Sequence[Outcome]", router: "Router | None") -> "tuple[Sequence[Outcome], list[str]]":
    """The outcomes with what language models write about equations, and what they could not."""
    if router is None:
        return outcomes, []
    from bloomery.agents.filling import ModelFiller
    from bloomery.papers.reading.proposing import fill

    found: list[Outcome] = []
    doubts: list[str] = []
    for one in outcomes:
        if one.context and one.document:
            context, refused = fill(one.context, one.document, ModelFiller(router.ask))
            one, doubts = replace(one, context=context), [*doubts, *map(str, refused)]
        found.append(one)
    return found, doubts


def counts(context: "Context") -> dict[str, int]:
    return {
        "equations": len(context.equations),
        "algorithms": len(context.algorithms),
        "hyperparameters": len(context.hyperparameters),
        "results": len(context.benchmarks.results),
    }
