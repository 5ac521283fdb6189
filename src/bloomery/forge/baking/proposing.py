"""Personas that a model proposes for itself."""

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from bloomery.forge.baking.completions import sample
from bloomery.forge.baking.settings import CyclesConfig


def propose_personas(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, config: CyclesConfig, *, seed: int
) -> dict[str, str]:
    """What the model writes after `config.ask`, sampled at temperature 1: different ones, and none empty.

    There may be fewer than were asked for, or none; `config.given` comes beside them.
    """
    if not config.personas:
        return dict(config.given)
    written = sample(
        model, tokenizer, "", [config.ask], per_query=config.personas,
        max_new_tokens=config.persona_tokens, seed=seed,
    )  # fmt: skip
    texts = [str(tokenizer.decode(list(one.written), skip_special_tokens=True)) for one in written]
    personas = dict.fromkeys(config.ask + text for text in texts if text.strip())
    own = (text for text in personas if text not in config.given.values())
    return {**config.given, **{f"persona {number}": text for number, text in enumerate(own, start=1)}}
