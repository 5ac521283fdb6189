"""Cells are measured as exams are: by the answer, and not by what is answered in the prompt."""

from types import SimpleNamespace

import torch
from torch import nn

from bloomery.forge.experts import discovery
from bloomery.forge.experts.cells import Cell, asked_of, batch_of, sat
from bloomery.forge.experts.discovery import discover
from bloomery.forge.experts.settings import FindConfig
from bloomery.tasks.accuracy import accuracy
from bloomery.tasks.batches import IGNORED
from bloomery.tasks.recall import Recall
from bloomery.tasks.splitting import examples
from bloomery.tasks.tokenizer import train_tokenizer

TASK, TOKENIZER = Recall(questions=6), train_tokenizer([])
SHOWN = tuple(examples(TASK, "test", count=80, seed=1, difficulties=(8,)))


class Peeking(nn.Module):
    """Knows every next token but the digits 0 to 3, so that it is right where the answer is another one."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(1.0))
        self.config = SimpleNamespace(vocab_size=len(TOKENIZER))

    def forward(self, input_ids, **_):
        known = torch.nn.functional.one_hot(input_ids, len(TOKENIZER)).float()
        known[..., [TOKENIZER.encode(digit)[-1] for digit in "0123"]] = 0.0
        return SimpleNamespace(logits=self.scale * known.roll(-1, dims=1))


def test_of_recall_with_several_questions_the_last_answer_counts_as_in_an_exam():
    model = Peeking()
    right = [hit for hit, _ in sat(model, TOKENIZER, SHOWN)]
    assert right == [one.answer not in "0123" for one in SHOWN]
    assert sum(right) / len(right) == accuracy(model, TOKENIZER, SHOWN, TASK).rate
    assert 0.3 < sum(right) / len(right) < 0.9


def test_what_is_answered_in_a_prompt_is_learned_from_and_not_asked():
    taught, asked = ((batch_of(given, TOKENIZER)["labels"] != IGNORED).sum(1) for given in
                     (SHOWN, asked_of(SHOWN)))  # fmt: skip
    assert set((taught - asked).tolist()) == {5}


def test_discovery_learns_from_worked_answers_and_measures_by_the_last_one(monkeypatch):
    """Nothing but the answer and eos has a label in what its probes are measured on."""
    seen = {"mean_loss": set(), "answer_losses": set()}

    def noted(name, result):
        def note(_model, batch):
            seen[name] |= set((batch["labels"] != IGNORED).sum(1).tolist())
            return result

        monkeypatch.setattr(discovery, name, note)

    learned = torch.ones(1, requires_grad=True)
    noted("mean_loss", 1.0)
    noted("answer_losses", learned)
    attached = SimpleNamespace(
        learn=lambda: None, put=lambda _delta: None, parameters=lambda: [learned], delta=lambda: learned
    )
    given = [Cell(TASK, level, SHOWN) for level in (6, 7, 8)]
    discover(None, TOKENIZER, attached, given, FindConfig(fewest=3, most=3, probe_steps=1), seed=1)
    assert seen["mean_loss"] == {2}
    assert max(seen["answer_losses"]) == 7
