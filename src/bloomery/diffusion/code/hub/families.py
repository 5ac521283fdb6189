"""The families of diffusion language models that load by name; a line here adds one.

Where a family's net is one that transformers has under another name, that one is built: no code of the
repository runs. What a family's own code does otherwise (the mask, the shift, who sees whom) stands here.
"""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

Attention = Literal["full", "block-causal", "own"]
QWEN2, QWEN3, LLAMA = "Qwen2ForCausalLM", "Qwen3ForCausalLM", "LlamaForCausalLM"


@dataclass(frozen=True, kw_only=True)
class Family:
    """repos: names on the Hub. types: `model_type` of their configurations, and classes: `architectures`.

    net: the class of transformers that holds its weights; none: the repository's own code does.
    tokenizer_of: whose tokenizer it is, where the repository holds none.
    shift: its logits at i are of the token at i + 1.
    block: how many positions see one another and all before; block_keys: the configuration's words for it.
    mask: the id that was published, mask_texts: the token in tokenizers. barred: tokens that are no text.
    timed: it is told the time, which it does not heed. uniform: it replaces tokens and has no mask.
    refused: why it cannot be opened.
    """

    name: str
    repos: tuple[str, ...]
    types: tuple[str, ...]
    classes: tuple[str, ...] = ()
    net: str | None = None
    tokenizer: str = "AutoTokenizer"
    tokenizer_of: str | None = None
    shift: bool = False
    attention: Attention = "full"
    block: int | None = None
    block_keys: tuple[str, ...] = ()
    mask: int | None = None
    mask_texts: tuple[str, ...] = ()
    barred: tuple[str, ...] = ()
    timed: bool = False
    uniform: bool = False
    refused: str = ""

    @property
    def remote_code(self) -> bool:
        return self.net is None and not self.refused

    def has(self, name: str) -> bool:
        """Whether a name on the Hub, or the last part of a folder's, is one of its."""
        patterns = (*self.repos, *(repo.rpartition("/")[2] for repo in self.repos))
        return any(fnmatchcase(name, pattern) for pattern in patterns)


_DREAM = {
    "types": ("Dream",),
    "net": QWEN2,
    "tokenizer": "Qwen2Tokenizer",
    "shift": True,
    "mask": 151666,
    "mask_texts": ("<|mask|>",),
}
_A2D = {"mask_texts": ("<|mask|>",)}

FAMILIES = (
    Family(name="DreamOn", repos=("Dream-org/DreamOn-*",), barred=("<|expand|>",), **_DREAM),  # type: ignore[arg-type]
    Family(
        name="Dream, Dream-Coder, DiffuCoder",
        repos=("Dream-org/Dream-v0-*", "Dream-org/Dream-Coder-*", "apple/DiffuCoder-*"),
        classes=("DreamModel",),
        **_DREAM,  # type: ignore[arg-type]
    ),
    Family(name="iLLaDA", repos=("GSAI-ML/iLLaDA-*",), types=("llada",), net=LLAMA, mask=5),
    Family(
        name="LLaDA",
        repos=("GSAI-ML/LLaDA-*",),
        types=("llada",),
        classes=("LLaDAModelLM",),
        net=LLAMA,
        mask=126336,
        mask_texts=("<|mdm_mask|>",),
    ),
    Family(
        name="LLaDA-MoE",
        repos=("inclusionAI/LLaDA-MoE-*",),
        types=("lladamoe", "llada_moe"),
        classes=("LLaDAMoEModelLM",),
        attention="own",
        mask_texts=("<|mask|>",),
    ),
    Family(
        name="LLaDA2",
        repos=("inclusionAI/LLaDA2.*",),
        types=("llada2_moe",),
        classes=("LLaDA2MoeModelLM",),
        attention="block-causal",
        block=32,
        mask=156895,
        mask_texts=("<|mask|>",),
    ),
    Family(
        name="Stable-DiffCoder",
        repos=("ByteDance-Seed/Stable-DiffCoder-*",),
        types=("llama",),
        classes=("StableDiffcoderForCausalLM",),
        net=LLAMA,
        attention="block-causal",
        block=4,
        mask_texts=("<[MASK_TOKEN]>", "<[MASK]>", "<mask>"),
    ),
    Family(
        name="open-dcoder",
        repos=("fredzzp/open-dcoder-*",),
        types=("qwen2",),
        net=QWEN2,
        shift=True,
        mask_texts=("[MASK]", "<M>"),
    ),
    Family(
        name="a2d block diffusion",
        repos=("dllm-hub/*-diffusion-bd3lm-*",),
        types=("a2d-qwen2", "a2d-qwen3", "a2d-llama"),
        net="by its type",
        attention="block-causal",
        block=32,
        block_keys=("block_size",),
        mask_texts=("<|mask|>",),
    ),
    Family(
        name="a2d",
        repos=("dllm-hub/*-diffusion-mdlm-*",),
        types=("a2d-qwen2", "a2d-qwen3", "a2d-llama"),
        classes=("A2DQwen2LMHeadModel", "A2DQwen3LMHeadModel", "A2DLlamaLMHeadModel"),
        net="by its type",
        mask_texts=("<|mask|>",),
    ),
    Family(
        name="Fast-dLLM v2",
        repos=("Efficient-Large-Model/Fast_dLLM_v2_*",),
        types=("Fast_dLLM_Qwen", "Fast_dLLM_v2"),
        classes=("Fast_dLLM_QwenForCausalLM",),
        net=QWEN2,
        shift=True,
        attention="block-causal",
        block=32,
        block_keys=("bd_size",),
        mask=151665,
        mask_texts=("|<MASK>|",),
    ),
    Family(
        name="SDAR",
        repos=("JetLM/SDAR-*-Chat*",),
        types=("sdar",),
        classes=("SDARForCausalLM",),
        net=QWEN3,
        attention="block-causal",
        block=4,
        block_keys=("block_size",),
        mask=151669,
        mask_texts=("<|MASK|>",),
    ),
    Family(
        name="MDLM",
        repos=("kuleshov-group/mdlm-*",),
        types=("mdlm",),
        classes=("MDLM",),
        attention="own",
        tokenizer_of="gpt2",
        timed=True,
    ),
    Family(
        name="BD3LM",
        repos=("kuleshov-group/bd3lm-*",),
        types=("bd3lm",),
        classes=("BD3LM",),
        attention="own",
        block_keys=("block_size",),
        tokenizer_of="gpt2",
        timed=True,
    ),
    Family(
        name="DiffusionGemma",
        repos=("google/diffusiongemma-*",),
        types=("diffusion_gemma",),
        classes=("DiffusionGemmaForBlockDiffusion",),
        net="DiffusionGemmaForBlockDiffusion",
        attention="own",
        block_keys=("canvas_length",),
        uniform=True,
    ),
    Family(
        name="SEDD",
        repos=("louaaron/sedd-*",),
        types=("sedd",),
        refused="its weights give ratios of probabilities, not logits, and only its own program loads them",
    ),
    Family(
        name="UDLM",
        repos=("kuleshov-group/udlm-*",),
        types=("udlm",),
        refused="it replaces tokens by others under a time that it must be told; here masks are filled",
    ),
)
