"""Which expert a prompt belongs to: a classifier over what a layer reads of it, or the model's own word.

Source: arXiv 2501.06252 (Transformer-Squared), section 3.3
Differs: the classifier is linear over one layer's input in the first pass, where the paper trains another z
for that; it is a part of the shipped file.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from bloomery.core.errors import ConfigError, Failure
from bloomery.forge.experts.cells import logits_of
from bloomery.models.packed.dispatching import Dispatcher, prompt_features
from bloomery.models.packed.experts import Experts
from bloomery.tasks.batches import IGNORED, collate, pad_id, row
from bloomery.tasks.tokenizer import begin, encode

DECAY, ITERATIONS, BATCH, TRIED = 1e-3, 200, 64, 6
TEMPLATE = "{prompt}\nkind: "


def fit_dispatcher(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    layers: Sequence[str],
    prompts: Sequence[Sequence[int]],
    labels: Sequence[int],
    experts: int,
) -> Dispatcher:
    """Logistic regression on the first pass over these prompts, at the layer where it generalises best.

    Of some layers, evenly through the model, each learns from every second prompt and is tried on the others.
    Raises: Failure where no layer reads a prompt's tokens one by one.
    """
    target, best = torch.tensor(labels), -1.0
    for layer in _some(reading_layers(model, layers, prompts[0])):
        features = features_of(model, tokenizer, layer, prompts).double()
        learned = _fitted(layer, features[::2], target[::2], experts)
        hits = learned.probabilities(features[1::2]).argmax(1) == target[1::2]
        if float(hits.double().mean()) > best:
            best, found = float(hits.double().mean()), _fitted(layer, features, target, experts)
    return found


def reading_layers(model: PreTrainedModel, layers: Sequence[str], prompt: Sequence[int]) -> list[str]:
    """The layers that are given a prompt's tokens one by one, in their order."""
    ids = torch.tensor([list(prompt)])
    found = []
    for layer in layers:
        try:
            prompt_features(model, layer, ids, torch.ones_like(ids))
        except ValueError:
            continue
        found.append(layer)
    if not found:
        raise Failure(
            f"none of {len(layers)} layers is given a prompt's tokens one by one; turn other layers"
        )
    return found


def features_of(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, layer: str, prompts: Sequence[Sequence[int]]
) -> Tensor:
    """Shapes: -> (prompts, 2 K)"""
    parts = [
        prompt_features(model, layer, *padded(prompts[start : start + BATCH], tokenizer))
        for start in range(0, len(prompts), BATCH)
    ]
    return torch.cat(parts)


def dispatched(
    experts: Experts, tokenizer: PreTrainedTokenizerBase, prompts: Sequence[Sequence[int]]
) -> list[list[int]]:
    """The first pass: each prompt's experts by their places, the likeliest first."""
    order: list[list[int]] = []
    for start in range(0, len(prompts), BATCH):
        some = prompts[start : start + BATCH]
        if asks_the_model(experts):
            scores = _named_by_the_model(experts, tokenizer, some)
        else:
            scores = experts.choose(*padded(some, tokenizer))
        order += scores.argsort(dim=1, descending=True, stable=True).tolist()
    return order


def asks_the_model(experts: Experts) -> bool:
    """Whether these experts are dispatched by the model's own word."""
    return experts.held.design.get("dispatch") == "prompt"


def tokens_read(
    experts: Experts, tokenizer: PreTrainedTokenizerBase, prompts: Sequence[Sequence[int]]
) -> int:
    """What the first pass over these prompts reads; asked by name, every prompt once for each expert."""
    if not asks_the_model(experts):
        return sum(map(len, prompts))
    asked = sum(map(len, _asked(tokenizer, _texts(tokenizer, prompts))))
    names = [len(encode(tokenizer, name)) for name in kinds_named(experts.names)]
    return asked * len(names) + sum(names) * len(prompts)


def kinds_named(names: Sequence[str]) -> list[str]:
    """What the model is asked about: the experts' tasks, or their whole names where two have the same."""
    kinds = [name.partition("-")[2] for name in names]
    return kinds if len(set(kinds)) == len(names) and all(kinds) else list(names)


def _named_by_the_model(
    experts: Experts, tokenizer: PreTrainedTokenizerBase, prompts: Sequence[Sequence[int]]
) -> Tensor:
    """Shapes: -> (prompts, experts)"""
    model: Any = experts.model
    with experts.using(None):
        return _scores(model, tokenizer, _texts(tokenizer, prompts), kinds_named(experts.names), TEMPLATE).mT


def _texts(tokenizer: PreTrainedTokenizerBase, prompts: Sequence[Sequence[int]]) -> list[str]:
    return [str(tokenizer.decode(list(one), skip_special_tokens=True)) for one in prompts]


def by_prompt(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    texts: Sequence[str],
    kinds: Sequence[str],
    *,
    template: str = TEMPLATE,
) -> list[int]:
    """Ask the model itself: the place of the kind whose name it finds likeliest after each text, a token.

    Raises: ConfigError for a template without `{prompt}`, or fewer than two kinds.
    """
    if "{prompt}" not in template or len(kinds) < 2:
        raise ConfigError(
            f"template {template!r} needs {{prompt}}, and kinds {list(kinds)} at least two names"
        )
    return _scores(model, tokenizer, texts, kinds, template).argmax(0).tolist()


def _scores(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], kinds: Sequence[str],
    template: str,
) -> Tensor:  # fmt: skip
    """Shapes: -> (kinds, texts)"""
    asked = _asked(tokenizer, texts, template)
    return torch.stack([_likelihood(model, tokenizer, asked, encode(tokenizer, kind)) for kind in kinds])


def _asked(
    tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], template: str = TEMPLATE
) -> list[list[int]]:
    head = begin(tokenizer)
    return [head + encode(tokenizer, template.replace("{prompt}", text)) for text in texts]


def padded(prompts: Sequence[Sequence[int]], tokenizer: PreTrainedTokenizerBase) -> tuple[Tensor, Tensor]:
    """Ids and mask, padded on the right."""
    longest = max(map(len, prompts))
    batch = collate(row([(list(one), False)], longest, pad_id(tokenizer)) for one in prompts)
    return batch["input_ids"], batch["attention_mask"]


def _likelihood(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, asked: list[list[int]], kind: list[int]
) -> Tensor:
    """Mean log-probability of the kind's tokens after each text. Shapes: -> (texts,)"""
    longest = max(map(len, asked)) + len(kind)
    batch = collate(row([(one, False), (kind, True)], longest, pad_id(tokenizer)) for one in asked)
    with torch.no_grad():
        logits = logits_of(model, batch).float()
    labels = batch["labels"][:, 1:]
    losses = cross_entropy(logits.transpose(1, 2), labels, ignore_index=IGNORED, reduction="none")
    return -losses.sum(1) / len(kind)


def _some(layers: Sequence[str]) -> list[str]:
    """The first and the last, and as many between them as are tried."""
    tried = min(TRIED, len(layers))
    return list(
        dict.fromkeys(layers[round(at * (len(layers) - 1) / max(1, tried - 1))] for at in range(tried))
    )


def _fitted(layer: str, features: Tensor, labels: Tensor, experts: int) -> Dispatcher:
    mean, spread = features.mean(0), features.std(0).clamp(min=1e-6)
    weight, bias = _logistic((features - mean) / spread, labels, experts)
    return Dispatcher(layer, (weight / spread).float(), (bias - (weight / spread) @ mean).float())


def _logistic(x: Tensor, labels: Tensor, classes: int) -> tuple[Tensor, Tensor]:
    """Weights and bias of least cross-entropy with a little decay; the same on every run."""
    weight = torch.zeros(classes, x.shape[1], dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(classes, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([weight, bias], max_iter=ITERATIONS, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = cross_entropy(x @ weight.mT + bias, labels) + DECAY * weight.square().sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    return weight.detach(), bias.detach()
