"""Where thinking was rolled back, no later stage is asked what it kept of it."""

from dataclasses import dataclass, replace

import pytest

from bloomery.core.config import Recipe, option
from bloomery.core.workspace import Workspace
from bloomery.forge import pipeline
from bloomery.forge.quietstar.settings import ThoughtsConfig
from tests.forge import toy


@dataclass(frozen=True, kw_only=True)
class Thoughtful(toy.ToyConfig):
    thoughts: ThoughtsConfig | None = option(None, help="the recipe's")


@pytest.mark.parametrize(("quality", "tokens"), [(1.0, 9), (0.1, None)])
def test_thoughts_reach_the_stages_after_thinking_where_that_was_kept(tmp_path, monkeypatch, quality, tokens):
    seen = []
    last = replace(
        toy.stage("last", takes=("model",)), config=Thoughtful,
        checks=lambda config: seen.append(config.thoughts) or toy.checks(config),
    )  # fmt: skip
    monkeypatch.setattr(pipeline, "ORDER", (toy.FIRST, toy.stage("quietstar", takes=("model",)), last))
    monkeypatch.setattr(pipeline, "ship", lambda run, model, card: model)
    monkeypatch.setattr(pipeline, "render_html", lambda data, charts: "")
    monkeypatch.setattr(pipeline, "_look_back", lambda run, plan, kept: None)
    stages = {"first": {}, "quietstar": {"quality": quality}, "last": {}}
    root = {"mixture": {"parity": {"difficulties": [10]}}, "exam": {"selection": 4, "test": 4}}
    words = {**root, "thoughts": {"tokens": 9}, "stages": stages}
    wanted = pipeline.plan_of("toy", Recipe(values=words, origin={}))
    forged = pipeline.forge(Workspace.open(tmp_path / "ws"), wanted, engine="inline")
    assert list(forged.rolled_back) == ([] if tokens else ["quietstar"])
    assert {one and one.tokens for one in seen} == {tokens}
