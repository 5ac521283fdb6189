"""Checkpoints of each family, tiny and of random weights, as their repositories hold them."""

import json
from pathlib import Path

import torch
import transformers
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, models, pre_tokenizers

WORDS = [chr(ord("a") + at) for at in range(20)]
VOCABULARY = 32
SMALL = {
    "vocab_size": VOCABULARY,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "intermediate_size": 24,
    "initializer_range": 0.5,
}


def tokenizer(
    folder: Path, mask: str = "<|mask|>", *, named: bool = True, others: tuple[str, ...] = ()
) -> int:
    """Saves one of single letters; its mask's id. `named`: whether it says which token is the mask."""
    words = Tokenizer(
        models.WordLevel({word: at for at, word in enumerate(WORDS)} | {"?": 20}, unk_token="?")
    )
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    made = transformers.PreTrainedTokenizerFast(tokenizer_object=words, eos_token="<eos>")
    made.add_special_tokens({"mask_token": mask} if named else {"additional_special_tokens": [mask]})
    made.add_special_tokens({"extra_special_tokens": list(others)})
    made.save_pretrained(folder)
    return made.convert_tokens_to_ids(mask)


def qwen_tokenizer(folder: Path, *others: str) -> int:
    """Of Qwen2's files, as Dream's repositories hold them."""
    made = transformers.Qwen2Tokenizer(vocab={word: at for at, word in enumerate(WORDS)}, merges=[])
    made.add_special_tokens({"eos_token": "<|endoftext|>", "mask_token": "<|mask|>"})
    made.add_tokens(list(others), special_tokens=True)
    made.save_pretrained(folder)
    return made.mask_token_id


def native(folder: Path, net: str, **said: object) -> Path:
    """A net of transformers; `said` is what the repository's config.json says beside or instead."""
    kind = getattr(transformers, net)
    torch.manual_seed(0)
    kind(kind.config_class(**SMALL)).save_pretrained(folder)
    return told(folder, **said)


def told(folder: Path, **said: object) -> Path:
    settings = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(settings | said))
    return folder


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


def llada(folder: Path, **said: object) -> Path:
    """LLaDA's own names of weights and settings."""
    drawn = torch.Generator().manual_seed(0)

    def random(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=drawn) * 0.5

    wide, hidden, layers = 16, 24, 2
    found = {"wte.weight": random(VOCABULARY, wide), "ff_out.weight": random(VOCABULARY, wide)}
    found["ln_f.weight"] = 1 + random(wide)
    for at in range(layers):
        block = f"blocks.{at}."
        found |= {
            f"{block}{name}.weight": random(wide, wide) for name in ("q_proj", "k_proj", "v_proj", "attn_out")
        }
        found |= {f"{block}{name}.weight": random(hidden, wide) for name in ("ff_proj", "up_proj")}
        found |= {f"{block}{name}.weight": 1 + random(wide) for name in ("attn_norm", "ff_norm")}
        found[f"{block}ff_out.weight"] = random(wide, hidden)
    folder.mkdir(exist_ok=True)
    save_file(
        {f"model.transformer.{name}": value for name, value in found.items()}, folder / "model.safetensors"
    )
    settings = {
        "model_type": "llada",
        "architectures": ["LLaDAModelLM"],
        "auto_map": {"AutoModel": "modeling_llada.LLaDAModelLM"},
        "d_model": wide,
        "n_layers": layers,
        "n_heads": 2,
        "n_kv_heads": 2,
        "mlp_hidden_size": hidden,
        "embedding_size": VOCABULARY,
        "vocab_size": VOCABULARY,
        "max_sequence_length": 64,
        "rms_norm_eps": 1e-5,
        "rope_theta": 500000.0,
        "rope": True,
        "activation_type": "silu",
        "layer_norm_type": "rms",
        "block_type": "llama",
        "weight_tying": False,
    }
    (folder / "config.json").write_text(json.dumps(settings | said))
    return folder


REMOTE = """
from pathlib import Path
import torch
from torch import nn
from transformers import PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import MaskedLMOutput
Path(__file__).with_name("ran").touch()
Path({ran!r}).touch()
class TinyConfig(PretrainedConfig):
    model_type = {kind!r}
    def __init__(self, vocab_size=32, **others):
        self.vocab_size = vocab_size
        super().__init__(**others)
class Tiny(PreTrainedModel):
    config_class = TinyConfig
    def __init__(self, config):
        super().__init__(config)
        self.embedding = nn.Embedding(config.vocab_size, config.vocab_size)
        self.post_init()
    def forward(self, input_ids, {takes}):
        x = self.embedding(input_ids)
        return MaskedLMOutput(logits={gives})
"""


def remote(folder: Path, kind: str, auto: str, takes: str, gives: str = "x", **said: object) -> Path:
    """A folder whose net is its own code. That it ran shows in the file `ran` beside the folder."""
    folder.mkdir(exist_ok=True)
    ran = str(folder.with_name("ran"))
    (folder / "modeling_tiny.py").write_text(REMOTE.format(kind=kind, takes=takes, gives=gives, ran=ran))
    settings = {
        "model_type": kind,
        "vocab_size": VOCABULARY,
        "auto_map": {"AutoConfig": "modeling_tiny.TinyConfig", auto: "modeling_tiny.Tiny"},
    }
    (folder / "config.json").write_text(json.dumps(settings | said))
    drawn = torch.Generator().manual_seed(0)
    table = torch.randn(VOCABULARY, VOCABULARY, generator=drawn)
    save_file({"embedding.weight": table}, folder / "model.safetensors", {"format": "pt"})
    return folder
