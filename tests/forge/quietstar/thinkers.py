"""Small models that think, and reinforcement of theirs: what the tests of thoughts are about."""

import itertools

import torch

from bloomery.forge.quietstar.reinforcement import ReinforceConfig
from bloomery.forge.quietstar.reinforcing import Reinforcement, reinforce
from bloomery.forge.quietstar.tokens import add_thought_tokens
from bloomery.forge.settings import FitConfig
from bloomery.models.thinking.layout import Thoughts
from bloomery.models.thinking.policy import Policy
from bloomery.models.thinking.thinking_model import ThinkingModel
from bloomery.tasks.ingredient import Ingredient
from tests.forge.test_folders import small_pair
from tests.models.thinking.small import END, START

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


def reinforced(at, **changes):
    model, tokenizer = thinking_pair()
    return reinforce(at, model, tokenizer, config(**changes)), tokenizer


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
    found = torch.autograd.grad(value, [p for _, p in named], allow_unused=True, retain_graph=True)
    return {n: torch.zeros_like(p) if g is None else g for (n, p), g in zip(named, found, strict=True)}
