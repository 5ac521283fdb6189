"""How many tokens a model has positions for."""

from torch import nn

from bloomery.core.errors import ConfigError


def window_of(model: nn.Module) -> int | None:
    """The most tokens that the model's positions were made for; None where its config names none."""
    config = getattr(model, "config", None)
    sizes = [getattr(config, name, None) for name in ("max_position_embeddings", "n_positions")]
    return next((size for size in sizes if size is not None), None)


def check_rows(model: nn.Module, seq_len: int) -> None:
    """Raises: ConfigError where rows may be longer than the model's window."""
    window = window_of(model)
    if window is not None and seq_len > window:
        raise ConfigError(
            f"seq_len is {seq_len}, and the model has positions for {window} tokens: lower seq_len to that, "
            "or take a model with a longer window"
        )
