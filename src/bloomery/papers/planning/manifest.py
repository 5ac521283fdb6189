"""Every file of the project, with what it is for."""

from collections.abc import Iterator
from pathlib import PurePosixPath

from bloomery.papers.planning.design import Design
from bloomery.papers.planning.phases.core import ground_of
from bloomery.papers.planning.phases.finishing import BENCHMARKS, EQUATIONS
from bloomery.papers.planning.phases.models import EXTENSION, EXTENSION_TEST, ROUND_TRIP
from bloomery.papers.planning.phases.setup import CI, CONFTEST
from bloomery.papers.planning.phases.training import DEFAULT, EXTENDED, SMALL, TRAINING_TEST
from bloomery.papers.planning.planned import File, FileKind, Part


def manifest(design: Design) -> tuple[File, ...]:
    """Sorted by path."""
    files = [*_source(design), *_tests(design), *_configs(design), *_others(design)]
    packages = {
        folder
        for file in files
        if file.kind == "source"
        for folder in PurePosixPath(file.path).parents
        if len(folder.parts) >= 2
    }
    files += [File(path=f"{folder}/__init__.py", kind="source") for folder in packages]
    return tuple(sorted(files, key=lambda file: file.path))


def _source(design: Design) -> Iterator[File]:
    def source(name: str, purpose: str) -> File:
        return File(path=design.source(name), kind="source", purpose=purpose)

    yield from (source(one.name, one.purpose) for one in ground_of(design))
    for part in design.parts:
        yield File(path=part.source, kind="source", purpose=_told(part), parts=(part.id,))
    if design.has("model"):
        yield source("model.py", "any of the models, from a config")
        for paper in design.of_paper:
            yield source(f"models/{design.homes[paper]}.py", design.model(paper))
    if design.has("training"):
        yield source("train.py", "training loop")
        yield source("inference.py", "generation from a checkpoint")
        yield source("data.py", "loading of data")
        yield source("metrics.py", "logging of metrics")
    if design.claims:
        yield source("evaluate.py", "figures to compare with the papers'")
    if design.has("extension"):
        yield source(EXTENSION, "our extension")


def _tests(design: Design) -> Iterator[File]:
    yield File(path=CONFTEST, kind="fixtures", purpose="seeds, devices, the marker of equations")
    for one in ground_of(design):
        yield File(path=f"tests/test_layers/{one.test}", kind="layer test", purpose=one.purpose)
    for part in design.parts:
        kind: FileKind = "equation test" if part.kind == "equation" else "layer test"
        yield File(path=part.test, kind=kind, purpose=_told(part), parts=(part.id,))
    if design.has("model"):
        yield File(path=ROUND_TRIP, kind="integration test", purpose="each model forwards and backwards")
        for paper in design.of_paper:
            name = design.model(paper)
            yield File(path=design.model_test(paper), kind="integration test", purpose=name)
    if design.has("extension"):
        yield File(path=EXTENSION_TEST, kind="integration test", purpose="off, it changes no bit")
    if design.has("training"):
        yield File(path=TRAINING_TEST, kind="integration test", purpose="training steps, stops and resumes")


def _configs(design: Design) -> Iterator[File]:
    if design.has("training"):
        yield File(path=DEFAULT, kind="config", purpose=f"sizes for {design.environment.title}")
        yield File(path=SMALL, kind="config", purpose="a model that trains in seconds")
        for paper in design.of_paper:
            yield File(path=design.config(paper), kind="config", purpose=f"settings of {paper}")
    if design.has("extension"):
        yield File(path=EXTENDED, kind="config", purpose="the default with the extension on")


def _others(design: Design) -> Iterator[File]:
    for path, purpose in (
        ("pyproject.toml", "package, dependencies, ruff, ty, pytest"),
        ("uv.lock", "versions, pinned"),
        (CI, "the gates, on each push"),
    ):
        yield File(path=path, kind="project", purpose=purpose)
    for path, purpose in (
        ("README.md", "quick start, usage, results"),
        ("ARCHITECTURE.md", "parts and decisions"),
        (EQUATIONS, "equations with code and tests"),
    ):
        yield File(path=path, kind="document", purpose=purpose)
    if design.has("training"):
        yield File(path=BENCHMARKS, kind="document", purpose="how numbers are measured")
    if design.has("notebook"):
        for path in design.environment.notebooks:
            yield File(path=path, kind="project", purpose="runs from top to bottom")
    for paper in design.contexts:
        yield File(path=f"papers/{paper}/{paper}.context.md", kind="document", purpose="the paper as data")
        yield File(path=f"papers/{paper}/paper.yaml", kind="document", purpose="citation and claims")


def _told(part: Part) -> str:
    if part.kind == "module":
        return f"{part.paper} module {part.label}"
    name = f" - {part.name}" if part.name else ""
    return f"{part.paper} {part.label}{name}"
