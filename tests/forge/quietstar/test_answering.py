"""Thoughts reinforced where the text is difficult, and the folder with its mixing head answers questions."""

from bloomery.forge.experts.writing import prompt_of, written
from bloomery.forge.quietstar.answering import answer
from bloomery.forge.quietstar.thinking_folder import load_thinking
from bloomery.tasks.task import Example
from tests.forge.quietstar.planted import FIT, config, forge
from tests.forge.quietstar.test_quietstar import REINFORCE

QUESTIONS = ["1+0+1+1=", "1+1="]


def test_a_stage_that_thinks_where_it_is_difficult_leaves_a_model_that_answers_by_its_mixing_head(tmp_path):
    """Several places in a row; a weight of 0 is the model without thoughts, which greedy decoding knows."""
    little = {"fit": {**FIT, "schedule": {}, "steps": 2, "train": {"micro_batch": 4}}}
    hard = {"where": "difficult", "injection": {"threshold": 0.0, "gap": 3}}
    words = config(**little, reinforce={**REINFORCE, **hard}, exam={"selection": 8, "test": 8})
    forged = forge(tmp_path, words)
    catalog, store = forged.workspace.catalog, forged.workspace.store
    (run,) = catalog.runs()
    places = [row.value for row in catalog.metrics(run.run_id, name="reinforce/train/places")]
    assert min(places) > 1  # before its answer a row has one
    (made,) = [dict(step.outputs) for step in catalog.steps(run.run_id) if step.name == "quietstar.reinforce"]
    thinking, tokenizer = load_thinking(store.path(made["reinforced"]))
    said = answer(thinking, tokenizer, QUESTIONS, thought_tokens=5, max_new_tokens=4)
    assert len(said) == 2
    for one in said:
        assert len(tokenizer.encode(one.thought, add_special_tokens=False)) <= 5
    without = answer(thinking, tokenizer, QUESTIONS, thought_tokens=5, max_new_tokens=4, weight=0.0)
    assert [one.answer for one in without] != [one.answer for one in said]
    prompts = [prompt_of(Example(question, "", 1), tokenizer).ids for question in QUESTIONS]
    greedy = written(thinking.base, tokenizer, prompts, max_new_tokens=4)
    eos = tokenizer.eos_token_id
    assert [one.answer for one in without] == [
        tokenizer.decode([token for token in row.ids if token != eos]) for row in greedy
    ]
