"""Thoughts are reinforced by what they do for the tokens that follow, exactly so and only so."""

import itertools

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from bloomery.core.errors import ConfigError, DamagedArtifact, FormatRefused, MissingFile
from bloomery.core.step import Paused
from bloomery.forge.quietstar.reinforcement import InjectionConfig, ReinforceConfig
from bloomery.forge.quietstar.reinforcing import Reinforcement, TextMean, plain_loss, policy_of, reinforce
from bloomery.forge.quietstar.thinking_folder import MIXING, load_thinking, save_thinking
from bloomery.forge.quietstar.tokens import add_thought_tokens, thought_ids
from bloomery.forge.settings import FitConfig
from bloomery.models.thinking.layout import Spots, Texts, Thoughts
from bloomery.models.thinking.policy import Policy
from bloomery.models.thinking.thinking_model import ThinkingModel
from bloomery.tasks.ingredient import Ingredient
from bloomery.tasks.tokenizer import train_tokenizer
from tests.forge.test_fitting import after, context, digest
from tests.forge.test_folders import small_pair
from tests.models.thinking.small import END, START, cognate, llama, two_texts

MIXTURE = {"parity": Ingredient(weight=1.0, difficulties=(6,))}
TRAIN = {"micro_batch": 4, "report_every": 2, "checkpoint_every": 2, "device": "cpu"}
ONLY_POLICY = {"policy": 1.0, "talk": 0.0, "base": 0.0, "kl": 0.0, "hold": 0.0, "mixing": 0.0}


def config(fit=(), **changes):
    fitting = FitConfig(**{"steps": 6, "seq_len": 16, "mixture": MIXTURE, "train": TRAIN, **dict(fit)})
    return ReinforceConfig(**{"fit": fitting, "thoughts": 2, "length": 3, "ahead": 2, **changes})


def thinking_pair():
    """A small Cognate that knows the thought tokens."""
    model, tokenizer = small_pair()
    add_thought_tokens(model, tokenizer, 0)
    return model, tokenizer


# ---- the gradient on a bandit


EVERY = [([16, END], 1, True), ([17, END], 1, True), ([END, END], 0, True)] + [
    (list(pair), 2, False) for pair in itertools.product((16, 17), repeat=2)
]


def thoughts_of(which):
    ids, lengths, ended = zip(*(EVERY[number] for number in which), strict=True)
    return Thoughts(torch.tensor(ids), torch.tensor(lengths), torch.tensor(ended))


def bandit(make, **changes):
    """Seven thoughts are possible: 16, 17 and <end>, at most two tokens. The model thinks at one place."""
    model = make()
    thinking = ThinkingModel(model, start=START, end=END)
    policy = Policy(start=START, end=END, length=2, temperature=4.0, barred=tuple(range(16)))
    settings = config(**{**ONLY_POLICY, "clamp": False, "ahead": 3, **changes})
    return Reinforcement(thinking, model, policy, settings)


def chances_and_gains(learn, texts, asked, spots):
    """By hand, a line for each thought: pi of it, and how likely the next three tokens are after it."""
    base, policy = learn.thinking.base, learn.policy
    place = int(spots.place[0])
    text = texts.ids[0].tolist()
    chances, gains = [], []
    for ids, length, ended in EVERY:
        line = [*text[: place + 1], START, *ids[:length], END, *text[place + 1 : place + 4]]
        both = [
            base(input_ids=torch.tensor([one]), output_hidden_states=True)
            for one in (line, text[: place + 4])
        ]
        log_pi = torch.zeros((), dtype=torch.float64)
        for step in range(length + ended):
            free = both[0].logits[0, place + 1 + step, [16, 17, END]] / policy.temperature
            log_pi = log_pi + torch.log_softmax(free, -1)[[16, 17, END].index(line[place + 2 + step])]
        gain = torch.zeros((), dtype=torch.float64)
        for step in range(3):
            behind, plain = place + length + 2 + step, place + step
            w = learn.thinking.mixing(
                both[1].hidden_states[-1][0, plain], both[0].hidden_states[-1][0, behind]
            )
            mixed = (1 - w) * both[1].logits[0, plain] + w * both[0].logits[0, behind]
            gain = gain + torch.log_softmax(mixed, -1)[text[place + 1 + step]]
        chances.append(log_pi.exp())
        gains.append(gain)
    return torch.stack(chances), torch.stack(gains)


def gradient(thinking, value):
    named = [(n, p) for n, p in thinking.named_parameters() if p.requires_grad]
    found = torch.autograd.grad(value, [p for _, p in named], allow_unused=True)
    return {n: torch.zeros_like(p) if g is None else g for (n, p), g in zip(named, found, strict=True)}


@pytest.mark.parametrize(
    ("make", "clamp"), [(llama, False), (llama, True), pytest.param(cognate, False, marks=pytest.mark.slow)]
)
def test_the_expected_gradient_on_a_bandit_is_that_of_enumeration(make, clamp):
    learn = bandit(make, clamp=clamp)
    texts = Texts(two_texts().ids[:1], two_texts().mask[:1])
    asked, spots = texts.mask.bool(), Spots(torch.tensor([0]), torch.tensor([2]))
    chances, gains = chances_and_gains(learn, texts, asked, spots)
    torch.testing.assert_close(chances.sum(), torch.tensor(1.0, dtype=torch.float64))

    pairs = list(itertools.product(range(7), repeat=2))
    losses = [learn.losses(texts, asked, spots.times(2), thoughts_of(pair)).loss for pair in pairs]
    ours = gradient(
        learn.thinking,
        sum(chances[[a, b]].prod().detach() * x for (a, b), x in zip(pairs, losses, strict=True)),
    )

    worth = gains.detach()
    if clamp:  # a thought is worth what it is better than the mean of itself and the other by
        advantage = ((worth[:, None] - worth[None, :]) / 2).clamp(min=0) @ chances.detach()
    else:
        advantage = worth / 2  # (K - 1) / K of its worth; what is common to all thoughts has no gradient
    oracle = gradient(learn.thinking, -(chances * advantage).sum())
    assert max(g.abs().max() for g in oracle.values()) > 1e-3
    for name, expected in oracle.items():
        torch.testing.assert_close(
            ours[name], expected, rtol=0, atol=2e-6, msg=name
        )  # Llama norms in float32


def opened(**weights):
    learn = bandit(llama, **{**ONLY_POLICY, "policy": 0.0, **weights})
    torch.manual_seed(0)
    torch.nn.init.normal_(learn.thinking.mixing.layers[-1].weight)
    return learn


def test_each_part_of_the_loss_trains_what_it_is_for():
    texts = two_texts()
    spots, asked = Spots(torch.tensor([0]), torch.tensor([2])).times(2), texts.mask.bool()
    trained = {}
    for name in ("policy", "talk", "mixing", "base"):
        learn = opened(**{name: 1.0})
        grads = gradient(learn.thinking, learn.losses(texts, asked, spots, thoughts_of((0, 4))).loss)
        trained[name] = {n.split(".")[0] for n, g in grads.items() if g.abs().max() > 0}
    assert trained == {"policy": {"base"}, "talk": {"base"}, "mixing": {"mixing"}, "base": {"base"}}


def test_head_and_model_are_trained_by_the_loss_of_the_mixture_each_with_the_other_held():
    texts = two_texts()
    spots, asked = Spots(torch.tensor([0]), torch.tensor([2])).times(2), texts.mask.bool()
    learn = opened(talk=1.0, mixing=1.0)
    thinking, thoughts = learn.thinking, thoughts_of((0, 4))
    ours = gradient(thinking, learn.losses(texts, asked, spots, thoughts).loss)
    blocks = thinking.enclose(thoughts, texts, spots, 3)
    reading = thinking.read(texts, spots, blocks)
    _, weight = thinking.talk(reading, spots, blocks, 3)
    at = torch.tensor([[2, 3, 4]] * 2)
    base, after = reading.base_logits[0, at], reading.logits[[[0], [1]], blocks.end[:, None] + at - 2]
    for part, w in (("base", weight.detach()), ("mixing", weight)):
        mixed = (1 - w[..., None]) * base + w[..., None] * after
        loss = torch.nn.functional.cross_entropy(mixed.flatten(0, 1), texts.ids[0, 3:6].repeat(2))
        for name, expected in gradient(thinking, loss).items():
            if name.startswith(part):  # 2e-6: Llama norms in float32
                torch.testing.assert_close(ours[name], expected, rtol=0, atol=2e-6, msg=name)


def test_the_frozen_copy_pulls_nothing_until_the_model_has_moved():
    texts = two_texts()
    spots, asked = Spots(torch.tensor([0, 1]), torch.tensor([2, 0])).times(2), texts.mask.bool()
    learn = bandit(llama, **{**ONLY_POLICY, "policy": 0.0, "kl": 1.0})
    learn.frozen = llama()
    thoughts = thoughts_of((0, 4, 2, 1))
    assert learn.losses(texts, asked, spots, thoughts).loss == 0
    with torch.no_grad():
        learn.thinking.base.lm_head.weight += 0.1 * torch.randn_like(learn.thinking.base.lm_head.weight)
    moved = learn.losses(texts, asked, spots, thoughts).loss
    assert moved > 0
    before = learn.frozen.lm_head.weight.clone()
    step = gradient(learn.thinking, moved)["base.lm_head.weight"]
    with torch.no_grad():
        learn.thinking.base.lm_head.weight -= 0.01 * step / step.norm()
    assert learn.losses(texts, asked, spots, thoughts).loss < moved
    assert torch.equal(learn.frozen.lm_head.weight, before)


def test_every_text_counts_alike_however_many_thoughts_it_has():
    mean = TextMean(torch.tensor([0, 0, 0, 2]))
    assert mean(torch.tensor([1.0, 2.0, 3.0, 10.0])) == pytest.approx((2 + 10) / 2)


def test_the_loss_without_thoughts_is_that_of_the_model_itself():
    model, texts = llama(), two_texts()
    labels = texts.ids.masked_fill(~texts.mask.bool(), -100)
    expected = model(input_ids=texts.ids, attention_mask=texts.mask, labels=labels).loss  # in float32
    found = plain_loss(model(input_ids=texts.ids, attention_mask=texts.mask).logits, texts, texts.mask.bool())
    assert float(found.detach()) == pytest.approx(float(expected.detach()), rel=1e-6)


# ---- where it thinks


def batch(asked):
    texts = two_texts()
    labels = torch.full_like(texts.ids, -100)
    for row, places in enumerate(asked):
        labels[row, places] = texts.ids[row, places]
    return {"input_ids": texts.ids, "attention_mask": texts.mask, "labels": labels}


def placed(learn, asked):
    given = batch(asked)
    texts = Texts(given["input_ids"], given["attention_mask"])
    spots = learn.spots(texts, given["labels"] != -100)
    return list(zip(spots.text.tolist(), spots.place.tolist(), strict=True))


def test_it_thinks_before_each_answer():
    assert placed(bandit(llama), [[2, 3, 6], [4, 5]]) == [(0, 1), (0, 5), (1, 3)]


def test_it_thinks_after_what_is_difficult_where_a_target_is_near():
    everywhere = InjectionConfig(threshold=0.0, gap=1)
    learn = bandit(llama, where="difficult", injection=everywhere, ahead=2)
    assert placed(learn, [[4], [1, 5]]) == [(0, 2), (0, 3), (1, 0), (1, 3), (1, 4)]


def test_a_batch_with_no_place_to_think_learns_without_thoughts():
    learn = bandit(llama, where="difficult", injection=InjectionConfig(threshold=1.0), base=2.0)
    given = batch([[4], [1, 5]])
    result = learn(learn.thinking, given)
    expected = learn.thinking.base(**{k: given[k] for k in ("input_ids", "attention_mask", "labels")}).loss
    assert float(result.loss.detach()) == pytest.approx(2 * float(expected.detach()), rel=1e-6)
    assert result.metrics["places"] == 0


# ---- the planted effect: only the right thought makes the answer likely


QUESTIONS, ANSWERS = "abcd", "wxyz"


class Rows(torch.utils.data.Dataset):
    """Question a, answer w; b, x and so on. With `thoughts` a random thought, and the answer it leads to."""

    def __init__(self, tokenizer, count, *, thoughts=None):
        start, end = thought_ids(tokenizer)
        word = {
            letter: tokenizer.encode(letter, add_special_tokens=False)[0] for letter in QUESTIONS + ANSWERS
        }
        draw = torch.Generator().manual_seed(0)
        self.rows = []
        for _ in range(count):
            q, thought, other = torch.randint(4, (3,), generator=draw).tolist()
            said = word[ANSWERS[thought]]
            if thoughts is None:
                ids, asked = [1, word[QUESTIONS[q]], word[ANSWERS[q]]], [2]
            else:
                answer = said if thoughts == "heeded" else word[ANSWERS[other]]
                ids, asked = [1, word[QUESTIONS[q]], start, said, end, answer], [3, 4, 5]
            labels = [token if place in asked else -100 for place, token in enumerate(ids)]
            self.rows.append({"input_ids": ids, "labels": labels, "attention_mask": [1] * len(ids)})

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        return {name: torch.tensor(value) for name, value in self.rows[index].items()}


def taught(thoughts):
    """A small Llama that thinks at random, and answers what it thought, or whatever it thought."""
    tokenizer = train_tokenizer([])
    torch.manual_seed(0)
    sizes = {"hidden_size": 24, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2}
    words = {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
    model = LlamaForCausalLM(LlamaConfig(vocab_size=259, num_key_value_heads=2, **sizes, **words))
    add_thought_tokens(model, tokenizer, 0)
    rows = Rows(tokenizer, 160 * 16, thoughts=thoughts)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for step in range(160):
        one = torch.utils.data.default_collate([rows[step * 16 + i] for i in range(16)])
        optimizer.zero_grad()
        model(**one).loss.backward()
        optimizer.step()
    return model, tokenizer


def right_after_thinking(thinking, tokenizer):
    """Chance of the right answer after a thought, mean over questions and 32 thoughts each."""
    ids = torch.tensor(
        [tokenizer.encode(q + a, add_special_tokens=True) for q, a in zip(QUESTIONS, ANSWERS, strict=True)]
    )
    texts = Texts(ids, torch.ones_like(ids))
    spots = Spots(torch.arange(4), torch.full((4,), 1))
    policy = policy_of(tokenizer, config(length=1))
    with torch.no_grad():
        generator = torch.Generator().manual_seed(0)
        thoughts = thinking.think(texts, spots, policy, thoughts=32, generator=generator)
        each = spots.times(32)
        blocks = thinking.enclose(thoughts, texts, each, 1)
        mixed, _ = thinking.talk(thinking.read(texts, each, blocks), each, blocks, 1, weight=1.0)
        chance = torch.softmax(mixed[:, 0], -1)[torch.arange(128), ids[each.text, 2]]
    return float(chance.mean())


@pytest.mark.parametrize("thoughts", ["heeded", "ignored"])
def test_thoughts_that_help_are_learned_and_thoughts_that_cannot_are_not(tmp_path, thoughts):
    """Guessing is right in 1 of 4. No loss shows the answer to the model: only rewards can."""
    model, tokenizer = taught(thoughts)
    start, end = thought_ids(tokenizer)
    before = right_after_thinking(ThinkingModel(model, start=start, end=end).eval(), tokenizer)
    rates = {"steps": 60, "optimizer": "adamw", "muon_grokfast": {"lr": 3e-3}}
    settings = config(
        {**rates, "train": {**TRAIN, "micro_batch": 16}},
        **{**ONLY_POLICY, "hold": 1.0},
        thoughts=4, length=1, ahead=1, opening=0.9, clamp=False,
    )  # fmt: skip
    thinking = reinforce(context(tmp_path), model, tokenizer, settings, Rows(tokenizer, 60 * 16))
    after = right_after_thinking(thinking, tokenizer)
    assert before < 0.3
    assert (after > 0.75) if thoughts == "heeded" else (after < 0.3)  # 0.24 -> 0.89, or 0.24 as before


# ---- as a step


def reinforced(at, **changes):
    model, tokenizer = thinking_pair()
    return reinforce(at, model, tokenizer, config(**changes)), tokenizer


@pytest.mark.parametrize("optimizer", ["adamw", "muon_grokfast"])
def test_what_was_paused_goes_on_to_the_same_bytes(tmp_path, optimizer):
    fit = {"optimizer": optimizer}
    undisturbed, _ = reinforced(context(tmp_path / "a"), fit=fit)
    with pytest.raises(Paused, match="at optimizer step 3 of 6"):
        reinforced(context(tmp_path / "b", stopping=after(2)), fit=fit)
    resumed, _ = reinforced(context(tmp_path / "b"), fit=fit)
    assert digest(resumed) == digest(undisturbed)
    assert digest(undisturbed.base) != digest(thinking_pair()[0])


def test_the_curves_hold_every_part_of_the_loss(tmp_path):
    at = context(tmp_path)
    reinforced(at)
    names = {row.name.removeprefix("reinforce/train/") for row in at.journal.metrics}
    parts = {"policy_loss", "talk_loss", "base_loss", "kl_loss", "hold_loss", "mixing_loss"}
    assert names >= parts | {"gain", "spread", "mixing_weight", "thought_length", "places"}


def counted(model):
    read = []

    def count(_module, _args, given):
        read.append(given["input_ids"].numel())

    model.register_forward_pre_hook(count, with_kwargs=True)
    return read


@pytest.mark.parametrize("pulls", [{"kl": 0.0, "hold": 0.0}, {}], ids=str)
def test_the_work_told_beforehand_bounds_the_tokens_read(tmp_path, pulls):
    """Rows are nearly as long as `seq_len`, so that the bound is near: within a third."""
    model, tokenizer = thinking_pair()
    read = counted(model)  # of the frozen copy too, which keeps the hook
    settings = config(fit={"seq_len": 10}, **pulls)
    reinforce(context(tmp_path), model, tokenizer, settings)
    assert 2 / 3 * settings.work() <= sum(read) <= settings.work()


def test_a_tokenizer_without_thought_tokens_is_refused(tmp_path):
    model, tokenizer = small_pair()
    with pytest.raises(FormatRefused, match=r"has no <\|thought\|>"):
        reinforce(context(tmp_path), model, tokenizer, config())


@pytest.mark.parametrize("wrong", [{"halting": 0.5}, {"recursion_depths": ((0, 1),)}])
def test_a_fit_that_changes_how_the_model_runs_is_refused(wrong):
    with pytest.raises(ConfigError, match=r"leave out fit\.halting"):
        config(fit=wrong)


def test_the_recipes_mixture_becomes_that_of_the_fit():
    assert config(fit={"mixture": {}}).on(MIXTURE).fit.mixture == MIXTURE


# ---- in a folder


def test_a_thinking_model_comes_back_from_its_folder_bit_for_bit(tmp_path):
    thinking, tokenizer = reinforced(context(tmp_path))
    save_thinking(thinking, tokenizer, tmp_path / "model")
    again, words = load_thinking(tmp_path / "model")
    assert digest(again) == digest(thinking)
    assert (again.start, again.end) == thought_ids(words) == thought_ids(tokenizer)
    save_thinking(again, words, tmp_path / "twice")
    for path in (tmp_path / "model").iterdir():
        assert (tmp_path / "twice" / path.name).read_bytes() == path.read_bytes(), path.name


def test_a_folder_without_its_mixing_head_or_with_half_of_it_is_refused(tmp_path):
    model, tokenizer = thinking_pair()
    start, end = thought_ids(tokenizer)
    save_thinking(ThinkingModel(model, start=start, end=end), tokenizer, tmp_path / "model")
    path = tmp_path / "model" / MIXING
    whole = path.read_bytes()
    path.write_bytes(whole[:-8])
    with pytest.raises(DamagedArtifact, match="truncated"):
        load_thinking(tmp_path / "model")
    path.unlink()
    with pytest.raises(MissingFile, match="no thinking model"):
        load_thinking(tmp_path / "model")
