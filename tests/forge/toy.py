"""Two stages that work on a number in a file: the pipeline's behaviour without a model's cost."""

from collections.abc import Mapping
from dataclasses import dataclass

from bloomery.core.config import Recipe, option
from bloomery.core.errors import CapabilityMissing
from bloomery.core.evidence import Bar, Check, measure
from bloomery.core.step import StepContext
from bloomery.forge.pipeline import Plan, plan_of
from bloomery.forge.stage import Estimate, Port, Stage, StageRun


@dataclass(frozen=True, kw_only=True)
class ToyConfig:
    quality: float = option(1.0, help="what the stage really makes")
    claimed: float | None = option(None, help="what it says that it made")
    bar: float = option(0.5, help="what the gate asks for")
    capable: bool = option(True, help="whether the consumer can measure here")


def make(context: StepContext) -> None:
    config: ToyConfig = context.config
    before = [(path / "quality").read_text() for path in context.inputs.values()]
    folder = context.output / "model"
    folder.mkdir()
    (folder / "quality").write_text(str(config.quality))
    (folder / "ancestors").write_text(" ".join(before))
    (context.output / "claims").write_text(str(config.quality if config.claimed is None else config.claimed))


def forge(at: StageRun) -> Mapping[str, str]:
    return at.step("make", make, config=at.config, inputs=at.inputs).outputs


def forge_without_claims(at: StageRun) -> Mapping[str, str]:
    return {"model": forge(at)["model"]}


def checks(config: ToyConfig) -> tuple[Check, ...]:
    return (
        Check(name="quality", bar=Bar(op=">=", value=config.bar)),
        Check(name="claims", bar=Bar(op="<=", value=0.0)),
        Check(name="seconds", bar=Bar(op="<", value=0.0), required=False),
    )


def look(context: StepContext) -> None:
    config: ToyConfig = context.config
    quality, claims, _ = checks(config)
    found = float((context.inputs["model"] / "quality").read_text())

    def found_here() -> float:
        if not config.capable:
            raise CapabilityMissing("no scales on this machine")
        return found

    context.evidence(measure(quality, found_here))
    context.evidence(measure(claims, lambda: abs(found - float(context.inputs["claims"].read_text()))))


def clock(context: StepContext) -> None:
    context.evidence(measure(checks(context.config)[-1], lambda: 1.0))


def nothing_to_estimate(_config: ToyConfig, _recipe: Mapping) -> list[Estimate]:
    return []


def stage(name: str, *, takes: tuple[str, ...] = (), how=forge) -> Stage:
    return Stage(
        name=name,
        summary="a number in a file",
        source="nobody",
        config=ToyConfig,
        inputs=tuple(Port(name=port, meaning="a number") for port in takes),
        outputs=(Port(name="model", meaning="a number"), Port(name="claims", meaning="a number")),
        metrics=(),
        checks=checks,
        forge=how,
        measure=look,
        clock=clock,
        work=lambda config: {"make": 1, "measure": 1, "clock": 1},
        data=lambda config: f"{name}'s data",
        estimate=nothing_to_estimate,
    )


FIRST, SECOND = stage("first"), stage("second", takes=("model",))


def toy_plan(seed: int = 1, **stages: dict) -> Plan:
    return plan_of("toy", Recipe(values={"seed": seed, "stages": stages}, origin={}))
