"""What teaching the tool prompts and the cycles of bakes will take."""

from collections.abc import Mapping, Sequence
from typing import Any

from bloomery.forge.baking.questions import A, B, Questions
from bloomery.forge.estimating.trial import Trial, latent_trial
from bloomery.forge.stage import Estimate
from bloomery.forge.stages.baking import BakingStageConfig, work

SHOWN = 4  # questions that are measured
SCORED = 2  # times that each cycle scores the model itself in a round: before its bake and after


def estimate(config: BakingStageConfig, recipe: Mapping[str, Any]) -> Sequence[Estimate]:
    """Time if every round bakes; nothing where the model is not the recipe's own."""
    trial = latent_trial(recipe)
    if trial is None:
        return ()
    found, tokens = [], work(config)
    if config.teach is not None:
        fit = config.teach.on(config.mixture)
        found.append(trial.of_fit("teach", fit, trial.step_s(fit, thoughts=config.thoughts)))
    questions = Questions(config, trial.tokenizer, 0)
    bakes, each = config.cycles.rounds * len(questions.cycles()), config.fit.total_steps()
    seconds = sum(_round_s(trial, questions, name) for name in questions.cycles())
    cycles = trial.estimate(
        "cycles", bakes * each, tokens["cycles"], config.cycles.rounds * seconds, bound="every round bakes"
    )
    return [*found, cycles]


def _round_s(trial: Trial, questions: Questions, name: str) -> float:
    """Every candidate scored, the winner baked."""
    config = questions.config
    asked = (config.queries + config.anchors + config.probes) * config.bake.per_query
    baked = config.fit.total_steps() * trial.baking_step_s(config.fit.on(config.mixture))
    scored, written = (_tools_s if name == A else _personas_s)(trial, questions)
    return baked + asked * written + (_candidates(config, name) + SCORED) * scored


def _candidates(config: BakingStageConfig, name: str) -> int:
    return config.cycles.personas + len(config.cycles.given) if name == B else len(config.tools.prompts)


def _tools_s(trial: Trial, questions: Questions) -> tuple[float, float]:
    """Seconds of a candidate's score, and of a conversation with all its calls."""
    tools, exams = questions.config.tools, questions.tool_exams("selection")
    shown = [one.prompt for exam in exams.values() for one in exam.examples[:SHOWN]]
    prompt = max(tools.prompts.values(), key=len)
    turn = trial.writing_s([prompt + one for one in shown[:SHOWN]], tools.max_new_tokens)
    conversation = (tools.max_calls + 1) * turn
    return sum(len(exam.examples) for exam in exams.values()) * conversation, conversation


def _personas_s(trial: Trial, questions: Questions) -> tuple[float, float]:
    """Seconds of a candidate's score, and of what is written to a question."""
    config = questions.config
    written = trial.writing_s(questions.held_out(B, "selection")[:SHOWN], config.bake.max_new_tokens)
    return trial.exam_s(config.mixture, config.exam, "selection"), written
