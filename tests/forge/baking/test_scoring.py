"""What a model is worth under a prompt, and what it writes in conversations with tools."""

import re

import pytest

from bloomery.core.errors import UserError
from bloomery.forge.baking import scoring, tool_completions
from bloomery.forge.baking.completions import Completion
from bloomery.forge.baking.proposing import propose_personas
from bloomery.forge.baking.scoring import prompted_accuracy, tool_exams, tool_success
from bloomery.forge.baking.settings import CyclesConfig
from bloomery.forge.baking.tool_completions import ToolTalks
from bloomery.forge.exams import TaskExam
from bloomery.forge.settings import ExamConfig
from bloomery.tasks.task import Example, GeneratedTask
from bloomery.tasks.tools.toolbox import toolbox
from tests.forge.baking.promptable import LOUD, TOKENIZER, UNSEEN, asked, llama, promptable_llama, text_of

EXAM = ExamConfig(selection=6, test=10)
EOS = TOKENIZER.eos_token_id


def remainders(part="selection"):
    return tool_exams({"remainders": (2, 3)}, EXAM, part, max_calls=2, max_new_tokens=8)


def solving(texts, prompt):
    """Calls the calculator with the question where the prompt says so, then repeats its result."""
    for text in texts:
        question = text.removeprefix(prompt)
        if not text.startswith("T:"):
            yield "?"
        elif found := re.search(r"\{(.*)\}$", question):
            yield found[1]
        else:
            yield f"[c{question.removesuffix('=')}]"


def test_tool_success_is_what_execution_says_under_the_prompt(monkeypatch):
    """A writer that calls the calculator under `T:` alone, in the place of a model."""
    given, model = remainders(), llama()
    for prompt, rate in (("T:", 1.0), ("", 0.0), ("X:", 0.0)):
        monkeypatch.setattr(
            scoring, "write", lambda model, tokenizer, texts, prompt=prompt, **_: list(solving(texts, prompt))
        )
        assert tool_success(model, TOKENIZER, given, prompt) == rate


def test_selection_and_test_of_a_tool_exam_share_no_question():
    chosen, tested = (remainders(part)["remainders"].examples for part in ("selection", "test"))
    assert len(chosen) == 6
    assert len(tested) == 10
    assert not {one.prompt for one in chosen} & {one.prompt for one in tested}
    assert {one.difficulty for one in tested} == {2, 3}


def test_each_turn_of_a_conversation_is_learnt_and_what_the_tool_says_is_not(monkeypatch):
    """What a model wrote after its call is dropped, as conversations drop it; an answer keeps its eos."""
    (exam,) = remainders().values()
    example = exam.examples[0]

    def ids(text):
        return tuple(TOKENIZER.encode(text, add_special_tokens=False))

    def sampled(model, tokenizer, prompt, queries, *, seed, **_):
        texts = solving([prompt + query for query in queries], prompt)
        junk = ("" if "{" in query else "{junk}" for query in queries)
        turns = zip(queries, texts, junk, strict=True)
        return [Completion(ids(prompt), ids(query), (*ids(text + more), EOS)) for query, text, more in turns]

    monkeypatch.setattr(tool_completions, "sample", sampled)
    talks = ToolTalks(examples={example.prompt: example}, tools=toolbox(), max_calls=2, per_query=2,
                      max_new_tokens=8, temperature=1.0)  # fmt: skip
    turns = talks(llama(), TOKENIZER, "T:", [example.prompt], seed=0)
    call = f"[c{example.prompt.removesuffix('=')}]"
    answered = example.prompt + call + "{" + example.answer + "}"
    assert [(text_of(one.query), text_of(one.written)) for one in turns] == [
        *[(example.prompt, call)] * 2, *[(answered, example.answer)] * 2
    ]  # fmt: skip
    assert [one.written[-1] == EOS for one in turns] == [False, False, True, True]


def test_conversations_are_sampled_from_the_model_and_end(tmp_path):
    """Of a random model: what it writes is no call, so each ends with its first turn."""
    (exam,) = remainders().values()
    examples = {one.prompt: one for one in exam.examples}
    talks = ToolTalks(examples=examples, tools=toolbox(), max_calls=2, per_query=1, max_new_tokens=6,
                      temperature=1.0)  # fmt: skip
    turns = talks(llama(), TOKENIZER, "T:", list(examples), seed=0)
    assert [text_of(one.query) for one in turns] == list(examples)
    assert {text_of(one.prompt) for one in turns} == {"T:"}


class Cases(GeneratedTask):
    """Letters in upper case."""

    name = "cases"
    difficulties = range(1, 2)

    def draw(self, rng, difficulty):
        raise NotImplementedError

    def chance(self, difficulty):
        return 0.0

    def cost(self, difficulty):
        return 1


def loud_exam():
    return {"cases": TaskExam(Cases(), [Example(one, one[0].upper(), 1) for one in UNSEEN])}


@pytest.mark.slow
def test_a_persona_is_worth_what_it_does_to_the_answers():
    model = promptable_llama()
    assert prompted_accuracy(model, TOKENIZER, loud_exam()) == 0.0
    assert prompted_accuracy(model, TOKENIZER, loud_exam(), LOUD) == 1.0


def test_a_prompt_that_leaves_no_room_for_the_answer_is_refused():
    with pytest.raises(UserError, match="the model's window is 64"):
        prompted_accuracy(llama(), TOKENIZER, loud_exam(), "x" * 61)
    with pytest.raises(UserError, match="the model's window is 64"):
        tool_success(llama(), TOKENIZER, remainders(), "x" * 50)


def test_a_model_proposes_what_it_writes_itself():
    model = promptable_llama()
    config = CyclesConfig(personas=4, persona_tokens=3, ask=asked("", "k", "7").prompt, given={"loud": LOUD})
    found = propose_personas(model, TOKENIZER, config, seed=0)
    assert found == {"loud": LOUD, "persona 1": "k7=k"}  # four samples of what it is sure of


def test_equal_seeds_propose_equal_personas():
    config = CyclesConfig(personas=3, persona_tokens=5)
    first, same, other = (propose_personas(llama(), TOKENIZER, config, seed=seed) for seed in (1, 1, 2))
    assert first == same != other


def test_a_model_that_writes_nothing_proposes_nothing(monkeypatch):
    from bloomery.forge.baking import proposing

    silent = [Completion((), (), (EOS,))] * 4
    monkeypatch.setattr(proposing, "sample", lambda *_, **__: silent)
    assert propose_personas(llama(), TOKENIZER, CyclesConfig(), seed=0) == {}
