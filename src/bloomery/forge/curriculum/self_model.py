"""Self-modelling: beside its task a model predicts its own hidden activations.

Source: arXiv 2407.10188, L = w_c L_c + w_s L_s, with L_s the mean squared error of a linear prediction from
the last hidden layer
Differs: w_c = 1; a language model's tokens instead of a classifier's inputs. With weight 0 only the
prediction is trained, on activations that it cannot change: the control by which the effect is measured.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from bloomery.core.errors import UserError
from bloomery.tasks.accuracy import evaluating
from bloomery.tasks.batches import collate, pad_id, pieces, row
from bloomery.tasks.task import Example
from bloomery.tasks.tokenizer import encode

BATCH = 64
RIDGE = 1e-6  # of the mean square of what is predicted from: only so that constant activations do no harm


class SelfModelling(nn.Module):
    """A language model whose loss has a term for the prediction of its own activations.

    `layer` counts hidden states from 0, the embeddings. Shapes: as the model's.
    """

    def __init__(self, model: PreTrainedModel, *, layer: int, weight: float) -> None:
        super().__init__()
        self.model, self.layer, self.weight = model, layer, weight
        size = model.config.hidden_size
        self.head = nn.Linear(size, size)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def get_output_embeddings(self) -> nn.Module | None:
        return self.model.get_output_embeddings()

    def forward(self, **batch: Any) -> Any:
        output = self.model(**batch, output_hidden_states=True)
        source, target = self.states(output, batch["attention_mask"])
        lost = mse_loss(self.head(source), target)
        output.loss = output.loss + (self.weight or 1.0) * lost
        if hasattr(output, "losses"):
            output.losses = {**(output.losses or {}), "self_model": lost}
        return output

    def states(self, output: Any, mask: Tensor) -> tuple[Tensor, Tensor]:
        """The last hidden state and the one to be predicted, for tokens but padding. Shapes: (N, D) twice."""
        states = _states_below(output, self.layer)
        seen = mask.bool()
        source, target = states[-1][seen], states[self.layer][seen]
        if not self.weight:
            source, target = source.detach(), target.detach()
        return source, target


def check_layer(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, layer: int) -> None:
    """Raises: UserError where the model shows no such hidden state below its last."""
    with evaluating(model):
        ids = torch.tensor([encode(tokenizer, "=")], device=next(model.parameters()).device)
        _states_below(model(input_ids=ids, use_cache=False, output_hidden_states=True), layer)


def _states_below(output: Any, layer: int) -> Sequence[Tensor]:
    states: Sequence[Tensor] = output.hidden_states or ()
    if not 0 <= layer < len(states) - 1:
        raise UserError(
            f"the model shows {max(0, len(states) - 1)} hidden states below its last and self_model.layer is "
            f"{layer}: name a lower one, or leave self-modelling out (steps 0)"
        )
    return states


def fit_head(pupil: SelfModelling, tokenizer: PreTrainedTokenizerBase, examples: Sequence[Example]) -> None:
    """The best linear prediction on these examples, by least squares: what then is explained on others tells
    of the activations, and not of how many steps the prediction had."""
    source, target = _activations(pupil, tokenizer, examples)
    x, y = source - source.mean(0), target - target.mean(0)
    ridge = RIDGE * len(x) * torch.eye(x.shape[1], dtype=x.dtype)
    weight = torch.linalg.solve(x.T @ x + ridge * x.square().mean(), x.T @ y).T
    with torch.no_grad():
        pupil.head.weight.copy_(weight)
        pupil.head.bias.copy_(target.mean(0) - weight @ source.mean(0))


def explained(pupil: SelfModelling, tokenizer: PreTrainedTokenizerBase, examples: Sequence[Example]) -> float:
    """The share of the variance of its activations that the model predicts (R squared); 1 is all of it."""
    source, target = _activations(pupil, tokenizer, examples)
    predicted = source @ pupil.head.weight.detach().double().T + pupil.head.bias.detach().double()
    left = (predicted - target).square().sum()
    return float(1 - left / (target - target.mean(0)).square().sum())


def _activations(
    pupil: SelfModelling, tokenizer: PreTrainedTokenizerBase, examples: Sequence[Example]
) -> tuple[Tensor, Tensor]:
    """What is predicted from and what is predicted, at these examples' tokens. Shapes: (N, D) twice."""
    found: list[tuple[Tensor, Tensor]] = []
    with evaluating(pupil.model):
        for start in range(0, len(examples), BATCH):
            parts = [pieces(one, tokenizer) for one in examples[start : start + BATCH]]
            longest = max(sum(len(piece) for piece, _ in one) for one in parts)
            batch = collate(row(one, longest, pad_id(tokenizer)) for one in parts)
            mask = batch["attention_mask"]
            output = pupil.model(input_ids=batch["input_ids"], attention_mask=mask, output_hidden_states=True)
            found.append(pupil.states(output, mask))
    source, target = (torch.cat(parts).double() for parts in zip(*found, strict=True))
    return source, target


def weight_spread(model: nn.Module) -> float:
    """The standard deviation of the weights of all matrices, by which the paper measures complexity."""
    weights = torch.cat([p.detach().flatten().double() for p in model.parameters() if p.ndim > 1])
    return float(weights.std())
