"""What a checkpoint says of itself: which family it is of, how its net is built, which token is its mask."""

from collections.abc import Iterable, Mapping
from typing import Any

import transformers
from huggingface_hub.errors import StrictDataclassError

from bloomery.core.errors import FormatRefused, UnknownName, UserError

from .families import FAMILIES, LLAMA, QWEN2, QWEN3, Family

Settings = Mapping[str, Any]
_BY_TYPE = {"a2d-qwen2": QWEN2, "a2d-qwen3": QWEN3, "a2d-llama": LLAMA}
_OF_THE_REPOSITORY = {"model_type", "auto_map", "architectures", "transformers_version"}
_LLADA = {
    "d_model": "hidden_size",
    "n_layers": "num_hidden_layers",
    "n_heads": "num_attention_heads",
    "n_kv_heads": "num_key_value_heads",
    "mlp_hidden_size": "intermediate_size",
    "embedding_size": "vocab_size",
    "max_sequence_length": "max_position_embeddings",
    "rms_norm_eps": "rms_norm_eps",
    "rope_theta": "rope_theta",
    "weight_tying": "tie_word_embeddings",
    "eos_token_id": "eos_token_id",
    "pad_token_id": "pad_token_id",
}
_LLADA_IS = {
    "block_type": "llama",
    "layer_norm_type": "rms",
    "activation_type": "silu",
    "rope": True,
    "alibi": False,
    "include_bias": False,
    "include_qkv_bias": False,
    "scale_logits": False,
    "input_emb_norm": False,
    "attention_layer_norm": False,
}
_LLADA_WEIGHTS = {
    r"^model\.transformer\.wte\.": "model.embed_tokens.",
    r"^model\.transformer\.ln_f\.": "model.norm.",
    r"^model\.transformer\.ff_out\.": "lm_head.",
    r"^model\.transformer\.blocks\.(\d+)\.attn_norm\.": r"model.layers.\1.input_layernorm.",
    r"^model\.transformer\.blocks\.(\d+)\.ff_norm\.": r"model.layers.\1.post_attention_layernorm.",
    r"^model\.transformer\.blocks\.(\d+)\.q_proj\.": r"model.layers.\1.self_attn.q_proj.",
    r"^model\.transformer\.blocks\.(\d+)\.k_proj\.": r"model.layers.\1.self_attn.k_proj.",
    r"^model\.transformer\.blocks\.(\d+)\.v_proj\.": r"model.layers.\1.self_attn.v_proj.",
    r"^model\.transformer\.blocks\.(\d+)\.attn_out\.": r"model.layers.\1.self_attn.o_proj.",
    r"^model\.transformer\.blocks\.(\d+)\.ff_proj\.": r"model.layers.\1.mlp.gate_proj.",
    r"^model\.transformer\.blocks\.(\d+)\.up_proj\.": r"model.layers.\1.mlp.up_proj.",
    r"^model\.transformer\.blocks\.(\d+)\.ff_out\.": r"model.layers.\1.mlp.down_proj.",
}


def family_of(name: str, settings: Settings, asked: str | None = None) -> Family:
    """By the family asked for, the repository's name, the net's class, or its type where it is one family's.

    A type that other models have too (qwen2, llama) makes no family: those are no diffusion models.

    Raises: UnknownName, with the families there are; FormatRefused for another type under a family's name.
    """
    if not isinstance(settings, Mapping):
        raise FormatRefused(f"{name}: its config.json holds a {type(settings).__name__}, not a configuration")
    kind, classes = str(settings.get("model_type", "")), _classes(settings, name)
    if asked is not None:
        found = next((family for family in FAMILIES if family.name == asked), None)
        if found is None:
            raise UnknownName("family of diffusion models", asked, (family.name for family in FAMILIES))
    else:
        found = next((family for family in FAMILIES if family.has(name)), None)
        found = found or next((family for family in FAMILIES if classes & set(family.classes)), None)
        found = found or _by_type(kind)
    if found is None:
        raise UserError(
            f"{name} is of no family of diffusion models known here (model_type '{kind}', class "
            f"{', '.join(sorted(classes)) or 'not told'}); known: "
            f"{'; '.join(family.name for family in FAMILIES if not family.refused)}. Where it is of one of "
            "these under another name, name the family: `open_model(name, family=...)` in Python"
        )
    if kind not in found.types and not found.refused:
        raise FormatRefused(
            f"{name} as {found.name}: its config.json says model_type '{kind}', expected "
            f"{' or '.join(found.types)}"
        )
    return found


def _classes(settings: Settings, name: str) -> set[str]:
    told = settings.get("architectures") or []
    if not isinstance(told, list) or not all(isinstance(each, str) for each in told):
        raise FormatRefused(f"{name}: `architectures` in its config.json are a list of names, not {told!r}")
    return set(told)


def _by_type(kind: str) -> Family | None:
    if kind in {"qwen2", "llama"}:
        return None
    return next((family for family in reversed(FAMILIES) if kind in family.types), None)


def net_class(family: Family, settings: Settings) -> str:
    return _BY_TYPE.get(settings.get("model_type", ""), family.net or "")


def config_of(family: Family, settings: Settings, name: str) -> transformers.PreTrainedConfig:
    """The configuration of the family's net, of a class that transformers has.

    Raises: FormatRefused for settings that such a net does not have.
    """
    given = {key: value for key, value in settings.items() if key not in _OF_THE_REPOSITORY}
    if "llada" in family.types:
        given = _as_llama(given, name)
    kind: Any = getattr(transformers, net_class(family, settings)).config_class
    try:
        config: transformers.PreTrainedConfig = kind.from_dict(given)
    except (TypeError, ValueError, KeyError, AttributeError, StrictDataclassError) as error:
        said = " ".join(str(error).split())
        raise FormatRefused(f"{name}: its config.json makes no {kind.__name__}: {said}") from error
    return config


def _as_llama(settings: Settings, name: str) -> dict[str, Any]:
    """LLaDA's words in Llama's, whose net it has but for who sees whom."""
    for key, value in _LLADA_IS.items():
        if settings.get(key, value) != value and settings.get(key) is not None:
            raise FormatRefused(
                f"{name}: {key} is {settings[key]!r}; only LLaDA nets with {value!r} are Llama's"
            )
    found = {new: settings[old] for old, new in _LLADA.items() if settings.get(old) is not None}
    return {"num_key_value_heads": settings.get("n_heads"), "hidden_act": "silu"} | found


def renamed_weights(family: Family) -> dict[str, str] | None:
    return _LLADA_WEIGHTS if "llada" in family.types else None


def mask_of(family: Family, settings: Settings, tokenizer: Any, name: str) -> int | None:
    """The mask's id: the configuration's, the tokenizer's and the published one.

    The first two must agree. The published one is taken only where neither tells any: nets whose vocabulary
    was cut or grown have another.

    Raises: FormatRefused where they differ, where one is no whole number, or where none is told.
    """
    if family.uniform:
        return None
    told = {
        "config.json": next(
            (settings[key] for key in ("mask_token_id", "mask_id") if settings.get(key) is not None), None
        ),
        "the tokenizer": _tokenizers_mask(family, tokenizer),
    }
    if all(value is None for value in told.values()):
        told["what was published"] = family.mask if family.mask is not None else _last(family, settings)
    ids = {place: _whole(value, place, name) for place, value in told.items() if value is not None}
    if not ids:
        raise FormatRefused(f"{name} tells no mask: neither config.json (mask_token_id) nor its tokenizer")
    if len(set(ids.values())) > 1:
        said = ", ".join(f"{place} says {value}" for place, value in ids.items())
        raise FormatRefused(
            f"{name} tells two masks: {said}; nothing is written with a token that may be wrong"
        )
    return next(iter(ids.values()))


def _whole(value: Any, place: str, name: str) -> int:
    if type(value) is not int or value < 0:
        raise FormatRefused(f"{name}: the mask that {place} tells is a whole number from 0 on, not {value!r}")
    return value


def _last(family: Family, settings: Settings) -> int | None:
    """MDLM and BD3LM count the mask as the last of their tokens and tell it nowhere."""
    return settings["vocab_size"] - 1 if family.timed and "vocab_size" in settings else None


def _tokenizers_mask(family: Family, tokenizer: Any) -> int | None:
    if getattr(tokenizer, "mask_token_id", None) is not None:
        return int(tokenizer.mask_token_id)
    found = ids_of(tokenizer, family.mask_texts)
    return found[0] if found else None


def ids_of(tokenizer: Any, texts: Iterable[str]) -> list[int]:
    """Of those that the tokenizer has as one token."""
    known = tokenizer.get_vocab()
    return [known[text] for text in texts if text in known]


def block_of(family: Family, settings: Settings) -> int | None:
    return next((int(settings[key]) for key in family.block_keys if settings.get(key)), family.block)
