"""Prompts to programs: filled, parsed, run, scored; what is asked wrongly is refused."""

import pytest
import torch

from bloomery.core.errors import CapabilityMissing, FormatRefused, MissingFile, UnknownName
from bloomery.core.evidence import State
from bloomery.diffusion.code.judging import Example, verdicts
from bloomery.diffusion.code.judging.program import LANGUAGES
from bloomery.diffusion.code.prompting.asking import examples_from, fit_for
from bloomery.diffusion.code.prompting.decoding import fill, one_by_one, sources
from bloomery.diffusion.code.prompting.layout import MASK_ID, OPENING, SKETCH
from bloomery.diffusion.code.prompting.opening import opened
from bloomery.diffusion.code.prompting.writing import proposer, understood, write
from bloomery.diffusion.code.tasks.nearest import nearest
from bloomery.diffusion.code.tasks.operation import Step
from bloomery.diffusion.code.tasks.sampling import draw
from bloomery.diffusion.code.tasks.understanding import PromptRefused, understand

EVEN_SUM = "return the sum of the even numbers"
RIGHT = "def solve(a):\n    return sum(v for v in a if v % 2 == 0)\n"
WRONG = "def solve(a):\n    return sum(a)\n"
RAISES = "def solve(a):\n    return a.nothing\n"
BROKEN = "def solve(a:\n    return\n"


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def giving(*programs):
    def propose(prompt, language, *, count, generator):
        return list(programs), 7

    return propose


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_net_that_knows_writes_the_canonical_program_in_two_passes(knowing, language):
    samples = draw(12, seed=1, side="test", depths=(2, 3), languages=(language,))
    filled = fill(knowing, [one.prompt for one in samples], language, generator=generator())
    assert sources(knowing, filled.canvases, language) == [one.program.source for one in samples]
    assert filled.passes == knowing.net.calls == 2


def test_one_token_a_pass_takes_as_many_passes_as_tokens(knowing):
    (sample,) = draw(1, seed=5, side="train", depths=(3,), languages=("python",))
    filled = fill(knowing, [sample.prompt], "python", generator=generator(), selector=one_by_one())
    assert sources(knowing, filled.canvases, "python") == [sample.program.source]
    assert filled.passes == knowing.net.calls == filled.canvases.shape[1] - 2  # all but what is given


def test_blocks_with_kept_keys_fill_every_mask_and_cost_a_whole_pass_each(tiny):
    prompt = ["return the sum of the numbers"]
    filled = fill(tiny, prompt, "java", generator=generator(), block=16, selector=one_by_one())
    masks = filled.canvases.shape[1] - OPENING - SKETCH
    assert masks > 16
    assert not (filled.canvases == MASK_ID).any()
    assert filled.passes == SKETCH + masks + -(-masks // 16)
    plain = fill(tiny, prompt, "java", generator=generator())
    assert torch.equal(plain.canvases[:, : OPENING + SKETCH], filled.canvases[:, : OPENING + SKETCH])


def test_a_model_that_knows_is_parsed_run_and_scored(knowing):
    told = write(
        proposer(knowing), EVEN_SUM, "python", meaning=understand(EVEN_SUM), generator=generator(),
        examples=[Example(arguments=([1, 2, 4],), result=6)], candidates=3,
    )  # fmt: skip
    assert (told.best.parses, told.best.runs, told.best.score) == (True, State.PASSED, 1.0)
    assert len(told.candidates) == 1  # equal programs are judged once
    assert told.passes == 2 + 2 * 2


def test_the_candidate_that_passes_most_examples_is_chosen():
    shown = [Example(arguments=([1, 2],), result=2), Example(arguments=([2],), result=2)]
    told = write(
        giving(BROKEN, WRONG, RAISES, RIGHT), EVEN_SUM, "python", examples=shown, generator=generator()
    )
    assert told.best.source == RIGHT
    assert [one.score for one in told.candidates] == [0.0, 0.5, 0.0, 1.0]
    assert [one.parses for one in told.candidates] == [False, True, True, True]
    assert told.passes == 7


def test_without_examples_the_surest_that_runs_is_given_and_nothing_is_scored():
    meaning = understand(EVEN_SUM)
    told = write(
        giving(BROKEN, RAISES, WRONG, RIGHT), EVEN_SUM, "python", meaning=meaning, generator=generator()
    )
    assert told.best.source == WRONG  # nobody told what is right, the interpreter does not
    assert told.best.score is None
    assert [one.runs for one in told.candidates] == [State.FAILED, State.FAILED, State.PASSED, State.PASSED]


def test_what_cannot_be_run_here_is_not_run_and_not_a_failure(monkeypatch):
    def missing(language):
        raise CapabilityMissing("python is not run: there is none here")

    monkeypatch.setattr(verdicts, "toolchain", missing)
    told = write(
        giving(RIGHT), EVEN_SUM, "python", generator=generator(),
        examples=[Example(arguments=([2],), result=2)],
    )  # fmt: skip
    assert (told.best.runs, told.best.score, told.best.parses) == (State.NOT_RUN, None, True)
    assert "there is none here" in told.best.judgement.reason


@pytest.mark.parametrize(
    ("prompt", "told"),
    [
        ("", "the prompt is empty"),
        ("   \n", "the prompt is empty"),
        ("x" * 100_000, "100,000"),
        ("return the sum of the evil numbers", "return the sum of the"),
        ("write me a web server", "nearest prompts that are understood"),
    ],
)
def test_a_prompt_outside_the_grammar_is_refused_with_the_nearest(prompt, told):
    with pytest.raises(PromptRefused, match=told):
        understood(prompt)


def test_the_model_refuses_before_any_pass(knowing):
    with pytest.raises(PromptRefused):
        proposer(knowing)("return the sum of the sum", "go", count=1, generator=generator())
    assert knowing.net.calls == 0


def test_nearest_prompts_are_understood_and_the_very_one_is_among_them():
    for prompt in ("return the sum of the numbres", "return the sqare of the number"):
        found = nearest(prompt)
        assert len(found) == 3
        assert all(understand(one) for one in found)
    assert "return the sum of the numbers" in nearest("return the sum of the numbres")


@pytest.mark.parametrize(
    ("text", "arguments", "result"),
    [
        ("f([1, 2]) == 3", ([1, 2],), 3),
        ("solve('ab') == 'ba'", ("ab",), "ba"),
        ("[[1, 2], 3]", ([1, 2],), 3),
        ('["ab", "ba"]', ("ab",), "ba"),
        ("f(-3) == 3", (-3,), 3),
    ],
)
def test_examples_are_read_as_assertions_or_as_pairs(text, arguments, result):
    assert examples_from([text]) == [Example(arguments=arguments, result=result)]


@pytest.mark.parametrize(
    "text",
    ["", "f(", "1 == 1", "f(x) == 1", "[1, 2, 3]", '{"a": 1}', "f(1) == 2; f(2) == 3", "[" * 5000, "NaN"],
)
def test_what_is_no_example_is_refused(text):
    with pytest.raises(FormatRefused, match=r"is no example|f\(\[1, 2\]\) == 3"):
        examples_from([text])


@pytest.mark.parametrize(
    ("meaning", "value", "fits"),
    [
        ((Step("sum"),), [1, 2], True),
        ((Step("sum"),), [1, "2"], False),
        ((Step("sum"),), [True], False),
        ((Step("sum"),), 3, False),
        ((Step("square"),), 3, True),
        ((Step("square"),), 3.5, False),
        ((Step("upper"),), "a", True),
        ((Step("longest"),), ["a"], True),
        ((Step("longest"),), "a", False),
    ],
)
def test_examples_fit_what_the_prompt_takes(meaning, value, fits):
    example = [Example(arguments=(value,), result=1)]
    if fits:
        fit_for(meaning, example)
    else:
        with pytest.raises(FormatRefused, match="the prompt takes one input"):
            fit_for(meaning, example)


def test_models_are_opened_by_folder_and_what_is_none_is_refused(tiny, tmp_path):
    tiny.save(tmp_path / "model")
    assert opened(str(tmp_path / "model")).layouts == tiny.layouts
    (tmp_path / "empty").mkdir()
    with pytest.raises(MissingFile, match="holds no model"):
        opened(str(tmp_path / "empty"))


def test_an_unknown_language_is_refused(knowing):
    with pytest.raises(UnknownName, match="typescript"):
        proposer(knowing)(EVEN_SUM, "typoscript", count=1, generator=generator())
