"""Byte-level BPE, trained here and loadable by `AutoTokenizer`."""

from collections.abc import Iterable, Sequence

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedModel, PreTrainedTokenizerBase, PreTrainedTokenizerFast

from bloomery.core.errors import ConfigError, FormatRefused

PAD, BOS, EOS = "<|pad|>", "<|bos|>", "<|eos|>"
SPECIAL = (PAD, BOS, EOS)
SMALLEST = len(SPECIAL) + 256


def train_tokenizer(
    texts: Iterable[str], vocab_size: int = SMALLEST, *, min_frequency: int = 2, max_length: int = 2048
) -> PreTrainedTokenizerFast:
    """A tokenizer that turns any text into ids and back without loss; digits stay single.

    The same texts in any order give the same tokenizer. An encoded text begins with bos; names of special
    tokens inside a text are text.

    Raises: ConfigError where the vocabulary could not hold every byte.
    """
    if vocab_size < SMALLEST:
        raise ConfigError(f"vocab_size is {vocab_size}; 256 bytes and 3 special tokens need {SMALLEST}")
    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    core.decoder = decoders.ByteLevel()
    core.train_from_iterator(texts, _trainer(vocab_size, min_frequency))
    core.post_processor = processors.TemplateProcessing(
        single=f"{BOS} $A", pair=f"{BOS} $A $B", special_tokens=[(BOS, SPECIAL.index(BOS))]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        pad_token=PAD,
        bos_token=BOS,
        eos_token=EOS,
        model_max_length=max_length,
        clean_up_tokenization_spaces=False,
        split_special_tokens=True,
    )


def encode(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    """The ids of a text alone, without bos or eos."""
    return list(
        tokenizer.encode(text, add_special_tokens=False, verbose=False)
    )  # how long it may be, others say


def begin(tokenizer: PreTrainedTokenizerBase) -> list[int]:
    return [] if tokenizer.bos_token_id is None else [int(tokenizer.bos_token_id)]


def end(tokenizer: PreTrainedTokenizerBase) -> list[int]:
    return [] if tokenizer.eos_token_id is None else [int(tokenizer.eos_token_id)]


def check_vocabulary(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
    """Raises: FormatRefused where the model was made for another vocabulary than the tokenizer's."""
    config = model.config
    if len(tokenizer) > config.vocab_size:
        raise FormatRefused(
            f"the tokenizer has {len(tokenizer)} tokens and the model {config.vocab_size}: "
            "they are not a pair; load the tokenizer from the model's own folder"
        )
    for name in ("bos_token_id", "eos_token_id", "pad_token_id"):
        ours, theirs = getattr(tokenizer, name), getattr(config, name, None)
        known: Sequence[int | None] = theirs if isinstance(theirs, list) else [theirs]
        if ours is not None and theirs is not None and ours not in known:
            raise FormatRefused(
                f"{name} is {ours} in the tokenizer and {theirs} in the model: "
                "they are not a pair; load the tokenizer from the model's own folder"
            )


def _trainer(vocab_size: int, min_frequency: int) -> trainers.BpeTrainer:
    return trainers.BpeTrainer(
        vocab_size=vocab_size,
        min_frequency=min_frequency,
        special_tokens=list(SPECIAL),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
