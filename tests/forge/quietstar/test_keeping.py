"""What is left of thinking, for models of which it is known, and the check that asks for it."""

from dataclasses import replace
from functools import cache
from statistics import fmean

import pytest
import torch

from bloomery.core.config import build
from bloomery.core.evidence import State, gate
from bloomery.forge.experts.measuring import shipped_thinking
from bloomery.forge.folders import load_model, save_model
from bloomery.forge.judging import THINKING, JudgedConfig, thinks
from bloomery.forge.pipeline import _without_thoughts, plan
from bloomery.forge.quietstar.keeping import answer_thinking, thinking_of
from bloomery.forge.quietstar.tokens import add_thought_tokens, thought_ids
from bloomery.forge.stage import given
from bloomery.forge.stages import ORDER
from bloomery.models.packed.experts import FILE, ExpertSet, to_bytes
from bloomery.models.packed.svf import Attached, linear_layers
from bloomery.tasks.tokenizer import begin, encode, train_tokenizer
from tests.forge.quietstar.planted import small_llama
from tests.forge.thinker import RECIPE, TOKENS, WORDS, context_in, sums, thinker, thinker_in
from tests.forge.whole import ALL

WITH_THE_CHECK = ["bitnet", "curriculum", "baking", "experts", "compression"]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A model that thinks, one that knows the tokens and nothing else, and one that does not know them."""
    root = tmp_path_factory.mktemp("thinking")
    tokenizer, untaught = train_tokenizer([]), small_llama()
    save_model(untaught, tokenizer, root / "bare")
    add_thought_tokens(untaught, tokenizer, 0)
    save_model(untaught, tokenizer, root / "untaught")
    return {"able": thinker_in(root / "able"), "untaught": root / "untaught", "bare": root / "bare"}


@cache
def by_hand(folder):
    """Token by token, each prompt by itself: a thought, its end, and the answer."""
    model, tokenizer = load_model(folder)
    start, stop = thought_ids(tokenizer)
    hits = []

    def goes_on(ids, most, end):
        for _ in range(most):
            with torch.no_grad():
                token = int(model(input_ids=torch.tensor([ids])).logits[0, -1].argmax())
            if token in end:
                break
            ids = [*ids, token]
        return ids

    for one in sums().examples:
        asked = [*begin(tokenizer), *encode(tokenizer, one.prompt), start]
        thought = goes_on(asked, TOKENS, (stop, tokenizer.eos_token_id))
        answer = goes_on([*thought, stop], len(one.answer) + 1, (tokenizer.eos_token_id,))
        hits.append(tokenizer.decode(answer[len(thought) + 1 :]) == one.answer)
    return fmean(hits)


def test_it_is_the_accuracy_of_greedy_thinking_and_answering(folders, tmp_path):
    found = thinking_of(context_in(tmp_path), folders, WORDS.mixture, WORDS.exam, WORDS.thoughts)
    assert found["able"] == pytest.approx(by_hand(folders["able"]))
    assert found["able"] > 0.8
    assert found["bare"] is None


def test_without_thoughts_or_tasks_to_think_about_no_model_is_read(tmp_path):
    nowhere = {"one": tmp_path / "none"}
    parity = {"parity": WORDS.mixture["chained_sums"]}
    about = replace(WORDS.thoughts, tasks=("chained_sums",))
    for mixture, thoughts in ((WORDS.mixture, None), (parity, about)):
        assert thinking_of(context_in(tmp_path), nowhere, mixture, WORDS.exam, thoughts) == {"one": None}


def answered(folder, inputs, bar, **options):
    words = build(JudgedConfig, RECIPE)
    context, asked = context_in(folder, inputs, words), thinks(words, bar)
    answer_thinking(context, asked, **options)
    return context.journal.evidence, asked


def test_what_is_kept_is_the_share_of_the_given_models_accuracy(folders, tmp_path):
    both = {"model": folders["untaught"], given("model"): folders["able"]}
    (found,), asked = answered(tmp_path / "lost", both, 0.8)
    assert found.measured == pytest.approx(by_hand(folders["untaught"]) / by_hand(folders["able"]))
    assert found.baseline == pytest.approx(by_hand(folders["able"]))
    assert not gate([found], asked).passed
    (found,), asked = answered(tmp_path / "kept", {**both, "model": folders["able"]}, 0.8)
    assert (found.measured, gate([found], asked).passed) == (1.0, True)


def test_without_a_bar_it_is_reported_and_decides_nothing(folders, tmp_path):
    both = {"model": folders["untaught"], given("model"): folders["able"]}
    (found,), asked = answered(tmp_path, both, None)
    assert (found.required, gate([found], asked).passed) == (False, True)


@pytest.mark.parametrize(("bare", "whose"), [("model", "the model's"), (given("model"), "the given model's")])
def test_a_tokenizer_without_the_tokens_is_said_and_never_opens_a_gate(folders, tmp_path, bare, whose):
    both = {"model": folders["able"], given("model"): folders["able"], bare: folders["bare"]}
    (found,), asked = answered(tmp_path, both, 0.8)
    assert (found.state, found.reason) == (State.NOT_RUN, f"{whose} tokenizer has no thought tokens")
    assert not gate([found], asked).passed


def test_where_there_are_no_thoughts_there_is_no_check_and_nothing_is_answered(tmp_path):
    words = build(JudgedConfig, {**RECIPE, "thoughts": None})
    assert thinks(words, 0.8) == ()
    context = context_in(tmp_path, {}, words)
    answer_thinking(context, ())
    assert context.journal.evidence == []


@pytest.mark.parametrize("stage", ORDER, ids=lambda one: one.name)
def test_the_stages_after_thinking_ask_what_is_left_of_it_by_a_bar_of_their_own(stage):
    (config,) = (config for one, config in plan(ALL).stages if one is stage)

    def found(words):
        return [check for check in stage.checks(words) if check.name == THINKING]

    if stage.name not in WITH_THE_CHECK:
        assert found(config) == []
        return
    (reported,) = found(config)
    assert not reported.required
    (required,) = found(replace(config, bars=replace(config.bars, thinking=0.9)))
    assert (required.required, str(required.bar)) == (True, ">= 0.9")
    assert found(replace(config, thoughts=None)) == []


def test_after_thinking_was_rolled_back_later_stages_have_no_thoughts_to_keep():
    for stage, config in plan(ALL).stages:
        assert config.thoughts is not None
        if stage.name in WITH_THE_CHECK:
            assert _without_thoughts(config) == replace(config, thoughts=None)


def with_experts(folder, strength):
    """The thinker with one expert at work on all of its layers, so strong."""
    model, tokenizer = thinker()
    save_model(model, tokenizer, folder)
    ranks = Attached(model, dict.fromkeys(linear_layers(model, ("*",)))).sizes()
    noise = torch.randn(1, sum(ranks.values()), generator=torch.Generator().manual_seed(0))
    design = {"strategy": "act", "threshold": 0.0, "thoughts": 0}
    held = ExpertSet(
        names=("one",), ranks=ranks, deltas=(strength * noise).half(), mixture=torch.ones(1),
        strengths=torch.ones(len(ranks)), design=design,
    )  # fmt: skip
    (folder / FILE).write_bytes(to_bytes(held))
    return folder


def test_experts_think_by_their_design_though_it_asks_for_no_thoughts(folders, tmp_path):
    words = replace(dict(plan(ALL).stages)[ORDER[-2]], **{name: getattr(WORDS, name) for name in RECIPE})
    able = by_hand(folders["able"])
    assert shipped_thinking(with_experts(tmp_path / "idle", 0.0), words) == pytest.approx(able)
    assert shipped_thinking(with_experts(tmp_path / "wild", 1.0), words) < 0.5 * able
    assert shipped_thinking(folders["able"], words) is None  # no experts are there
