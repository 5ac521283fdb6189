"""Designs: what genes stand for, what is stored of them, what they cost, and how their steps answer."""

import pytest
import torch

from bloomery.core.errors import ConfigError, UnknownName
from bloomery.forge.evolving.genome import Genome
from bloomery.forge.evolving.nsga import Judged
from bloomery.forge.experts.answering import attempt
from bloomery.forge.experts.cells import Cell, batch_of, cells, freeze
from bloomery.forge.experts.counting import bytes_of, flops_a_token
from bloomery.forge.experts.designs import Design, DesignSpace
from bloomery.forge.experts.dispatcher import by_prompt, fit_dispatcher
from bloomery.forge.experts.examining import choices
from bloomery.forge.experts.searching import choose
from bloomery.forge.experts.trimming import trimmed, widened
from bloomery.forge.experts.writing import prompt_of
from bloomery.forge.folders import load_model
from bloomery.forge.settings import ExamConfig
from bloomery.models.packed.experts import Experts, ExpertSet, stored
from bloomery.models.packed.svf import Attached, linear_layers
from bloomery.tasks.task import Example
from bloomery.tasks.tokenizer import train_tokenizer
from tests.forge.experts.planted import MIXTURE, First

OWN = {"max_recursion": 3, "halt_threshold": 0.5, "sliding_window": 32}
SPACE = DesignSpace(strategies=("act", "plan act"), experts=2, layers=3, settings=choices(OWN), thoughts=8)


def test_the_given_model_is_the_first_design_and_changes_nothing():
    design = SPACE.design(SPACE.first()[0])
    assert design.weights == (0.0, 0.0)
    assert design.settings == OWN
    assert design.thoughts == 0
    assert not design.turns


def test_generation_0_has_each_expert_alone_all_alike_and_every_strategy():
    found = [SPACE.design(genome) for genome in SPACE.first()]
    assert [one.weights for one in found] == [(0, 0), (1, 0), (0, 1), (0.5, 0.5), (0.5, 0.5)]
    assert [one.strategy for one in found] == ["act"] * 4 + ["plan act"]
    assert all(one.strengths == (1.0, 1.0, 1.0) for one in found)


@pytest.mark.parametrize(("gene", "strength"), [(0.0, 0.0), (0.25, 0.0), (0.5, 1.0), (1.0, 3.0)])
def test_a_layers_strength_is_one_in_the_middle_and_none_in_the_lowest_quarter(gene, strength):
    genes = (0.5, 0.05, gene, 0.5, 0.5, 0.5, 1.0, 1.0, 0.0, 0.99)
    design = SPACE.design(Genome("act", genes))
    assert design.strengths == (strength, 1.0, 1.0)
    assert design.weights == (0.5, 0.0)
    assert design.thoughts == 8
    assert design.settings == {"max_recursion": 1, "halt_threshold": 0.5, "sliding_window": 8}


def test_genomes_that_mean_the_same_have_one_essence():
    none = SPACE.first()[0]
    louder = Genome("act", (0.0, 0.05, 0.9, *none.genes[3:]))
    planned = Genome("plan act", none.genes)
    assert SPACE.essence(louder) == SPACE.essence(none) != SPACE.essence(planned)


def test_the_given_model_is_tried_first_whatever_the_strategies():
    space = DesignSpace(strategies=("plan act",), experts=2, layers=3)
    found = [space.design(genome) for genome in space.first()]
    assert (found[0].strategy, found[0].turns) == ("act", False)
    assert [one.strategy for one in found] == ["act"] * 4 + ["plan act"]
    assert space.space.forms == ("act", "plan act")


def judged(name, *objectives):
    return Judged(name=name, generation=0, genome=SPACE.first()[0], parents=(), objectives=objectives)


GIVEN = judged("given", 0.3, 10.0, 100.0)


@pytest.mark.parametrize(
    ("others", "chosen"),
    [
        ([judged("worse in all", 0.31, 11.0, 101.0)], "given"),
        ([judged("dearer for nothing", 0.3, 11.0, 101.0)], "given"),
        ([judged("cheaper and worse", 0.35, 1.0, 100.0)], "given"),
        ([judged("right", 0.0, 20.0, 101.0), judged("dearer and less right", 0.01, 21.0, 102.0)], "right"),
        ([judged("less right", 0.29, 30.0, 130.0), judged("right", 0.2, 20.0, 110.0)], "right"),
    ],
)
def test_a_design_that_the_given_model_or_another_dominates_is_never_chosen(others, chosen):
    for found in ([GIVEN, *others], [GIVEN, *others[::-1]]):
        assert choose(found, within=0.03).name == chosen


@pytest.mark.parametrize(("most", "chosen"), [(1.25, "small"), (1.26, "large"), (1.0, "given")])
def test_a_design_larger_than_the_limit_is_not_chosen_however_right(most, chosen):
    """The limit is times the given model's bytes; what is left decides what `within` counts from."""
    rivals = [judged("small", 0.2, 30.0, 125.0), judged("large", 0.05, 25.0, 126.0)]
    assert choose([GIVEN, *rivals], within=0.0, most=most).name == chosen


def test_a_strategy_that_the_archive_lacks_is_named():
    with pytest.raises(UnknownName, match="pray"):
        DesignSpace(strategies=("act", "pray"), experts=2, layers=1)


@pytest.fixture(scope="module")
def opened(torn):
    """The torn model with two strong experts of random vectors."""
    model, tokenizer = load_model(torn)
    freeze(model)
    attached = Attached(model, dict.fromkeys(linear_layers(model)))
    ranks, generator = attached.sizes(), torch.Generator().manual_seed(0)
    attached.remove()
    ids = [tokenizer.encode(text) for text in ("a1=", "a22=", "b3=", "b44=", "a5=", "a66=", "b7=", "b88=")]
    dispatcher = fit_dispatcher(model, tokenizer, list(ranks), ids, [0, 0, 1, 1] * 2, 2)
    held = ExpertSet(
        names=("one", "two"), ranks=ranks, dispatcher=dispatcher, mixture=torch.tensor([0.5, 0.5]),
        deltas=stored(0.5 * torch.randn(2, sum(ranks.values()), generator=generator)),
        strengths=torch.ones(len(ranks)),
    )  # fmt: skip
    return model, tokenizer, held


def designed(held, strategy="act", weights=(0.5, 0.25), quiet=(1, 4), **changes):
    strengths = tuple(0.0 if at in quiet else 1.5 for at in range(len(held.ranks)))
    return Design(strategy=strategy, weights=weights, strengths=strengths, **changes)


def logits(model, held):
    experts = Experts(model, held)
    with torch.no_grad():
        found = model(torch.tensor([[1, 70, 50, 60, 61]])).logits
    experts.remove()
    return found


@pytest.mark.parametrize("strategy", ["act", "plan act"])
def test_what_is_stored_of_a_design_is_the_same_model(opened, strategy):
    """Half precision rounds a mixed vector once more: 1e-2 of logits near 5."""
    model, _, held = opened
    design = designed(held, strategy)
    cut = trimmed(held, design, {})
    wide = ExpertSet(
        names=held.names, ranks=held.ranks, deltas=held.deltas, mixture=torch.tensor(design.weights),
        strengths=torch.tensor(design.strengths),
    )  # fmt: skip
    torch.testing.assert_close(logits(model, cut), logits(model, wide), atol=1e-2, rtol=0)
    assert torch.equal(logits(model, cut), logits(model, widened(cut, held.ranks, {})))
    assert len(cut.ranks) == len(held.ranks) - 2
    assert len(cut.names) == (1 if strategy == "act" else 2)
    assert bytes_of(cut) < bytes_of(held)


def test_nothing_is_stored_of_a_design_without_experts(opened):
    _, _, held = opened
    assert trimmed(held, designed(held, weights=(0.0, 0.0)), {}) is None
    assert bytes_of(None) == 0
    kept = trimmed(
        held, designed(held, weights=(0.0, 0.0), settings={"max_recursion": 1}), {"max_recursion": 3}
    )
    assert kept.settings == {"max_recursion": 1}


def test_operations_are_those_of_every_product(opened):
    """Of a Llama: its projections, its two products of attention and its head, two operations each."""
    model, tokenizer, held = opened
    batch = batch_of(cells_of("a1234=")[0].examples, tokenizer)
    tokens = batch["input_ids"].shape[1]
    layer = 4 * 32 * 32 + 3 * 32 * 64
    attention = 2 * tokens * 32
    expected = 2 * (2 * layer + 2 * attention + 32 * 259)
    assert flops_a_token(model, batch) == expected
    experts = Experts(model, held)
    more = sum(2 * size * sum(layer.weight.shape) for size, layer in zip(
        held.ranks.values(), linear_layers(model).values(), strict=True))  # fmt: skip
    assert flops_a_token(model, batch) == expected + more
    experts.remove()


def cells_of(*prompts):
    return [Cell(First(), 1, tuple(Example(prompt, prompt[1], 1) for prompt in prompts))]


@pytest.fixture
def answering(opened, planted):
    model, tokenizer, held = opened
    prompts = [
        prompt_of(one, tokenizer)
        for one in cells(MIXTURE, ExamConfig(selection=8, test=8), "test")[0].examples
    ]

    def answer(strategy, *, threshold=0.5, check=None, **changes):
        cut = trimmed(held, designed(held, strategy, threshold=threshold, **changes), {})
        experts = Experts(model, cut)
        done = attempt(experts, tokenizer, prompts, most=2, check=check)
        experts.remove()
        return done, prompts

    return answer


def test_an_answer_that_is_believed_is_not_asked_for_again(answering):
    done, prompts = answering("act check retry", check=lambda _at, _one: True)
    plain, _ = answering("act")
    assert done.retried == done.first_pass == done.dispatched == 0
    assert done.answers == plain.answers
    assert done.mixed == sum(len(a.ids) + len(b) for a, b in zip(prompts, done.answers, strict=True))


def test_what_is_never_believed_is_asked_for_once_more_by_the_prompts_expert(answering):
    done, prompts = answering("act check retry", check=lambda _at, _one: False)
    assert done.retried == len(prompts)
    assert done.first_pass == sum(len(one.ids) for one in prompts)
    assert done.dispatched > 0


def test_the_answer_that_a_tool_believes_counts(answering):
    """The tool believes what the second answer says, wherever it differs from the first."""
    first, _ = answering("plan act")
    second, _ = answering("plan act check retry", check=lambda at, one: one.ids != first.answers[at])
    changed = [at for at, (a, b) in enumerate(zip(first.answers, second.answers, strict=True)) if a != b]
    assert second.retried == len(first.answers)
    assert changed
    kept, _ = answering("plan act check retry", check=lambda at, one: one.ids == first.answers[at])
    assert kept.answers == first.answers


def test_planning_costs_a_first_pass_of_every_prompt(answering):
    done, prompts = answering("plan act")
    assert done.first_pass == sum(len(one.ids) for one in prompts)
    assert done.mixed == 0


class Marker:
    """Says the byte `m` + the prompt's first byte follows."""

    def __init__(self, tokenizer):
        self.tokenizer = tokenizer

    def __call__(self, input_ids, **_):
        wanted = torch.where(input_ids[:, 1] == self.tokenizer.encode("a")[-1], 0, 1)
        codes = torch.tensor([self.tokenizer.encode(kind)[-1] for kind in ("x", "y")])
        logits = torch.zeros(*input_ids.shape, len(self.tokenizer))
        logits.scatter_(2, codes[wanted][:, None, None].expand(-1, input_ids.shape[1], 1), 5.0)
        return type("Output", (), {"logits": logits})()


def test_a_model_that_knows_the_kind_of_a_prompt_dispatches_it():
    tokenizer = train_tokenizer([])
    found = by_prompt(Marker(tokenizer), tokenizer, ["a12", "b3", "b44", "a5"], ["x", "y"])
    assert found == [0, 1, 1, 0]


@pytest.mark.parametrize(("kinds", "template"), [(["x"], "{prompt}"), (["x", "y"], "no place")])
def test_a_question_that_cannot_be_asked_is_refused(kinds, template):
    tokenizer = train_tokenizer([])
    with pytest.raises(ConfigError, match="template"):
        by_prompt(Marker(tokenizer), tokenizer, ["a"], kinds, template=template)
