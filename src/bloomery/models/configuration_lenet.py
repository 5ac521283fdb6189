"""Switches of a LeNet-5."""

from __future__ import annotations

from typing import Any

from transformers.configuration_utils import PretrainedConfig

VARIANTS = ("modern", "original")
CRITERIA = ("map", "mse")


class LeNetConfig(PretrainedConfig):
    """Which LeNet-5, and what it learns by."""

    model_type = "lenet5"

    def __init__(
        self,
        *,
        variant: str = "modern",
        criterion: str = "map",
        j: float = 1.0,
        dropout: float = 0.0,
        **kwargs: Any,
    ) -> None:
        """`criterion` is the original's: "map", with the penalty `j` of rubbish, or "mse"; `dropout` is not.

        Differs: the paper says of j that it is positive, and no more.
        """
        self.variant, self.criterion, self.j, self.dropout = variant, criterion, j, dropout
        kwargs.setdefault("id2label", {digit: str(digit) for digit in range(10)})
        kwargs.setdefault("label2id", {str(digit): digit for digit in range(10)})
        super().__init__(**kwargs)
        if variant not in VARIANTS:
            raise ValueError(f"variant must be one of {', '.join(VARIANTS)}; got {variant!r}")
        if criterion not in CRITERIA:
            raise ValueError(f"criterion must be one of {', '.join(CRITERIA)}; got {criterion!r}")
        if not j > 0:
            raise ValueError(f"j must be above 0, got {j}")
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout must be at least 0 and below 1, got {dropout}")
