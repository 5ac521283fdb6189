"""The numbers of MuonGrokfast, and what they are in each stage of the forge. Imports no torch."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class MuonGrokfastConfig:
    """What MuonGrokfast does in one step."""

    lr: float = field(default=1e-3, metadata={"help": "learning rate", "low": 0.0})
    alpha: float = field(
        default=0.98, metadata={"help": "decay of the gradient's running mean", "low": 0.0, "high": 1.0}
    )
    lam: float = field(
        default=0.3, metadata={"help": "weight of the running mean; 0 turns the filter off", "low": 0.0}
    )
    ns_steps: int = field(default=5, metadata={"help": "Newton-Schulz iterations", "low": 1, "high": 99})
    beta: float = field(default=0.9, metadata={"help": "Muon's momentum", "low": 0.0, "high": 1.0})
    nesterov: bool = field(default=True, metadata={"help": "look ahead along the momentum"})
    weight_decay: float = field(
        default=0.05, metadata={"help": "decoupled decay of matrices, a fraction of lr", "low": 0.0}
    )
    adjust_lr: Literal["original", "match_rms_adamw"] = field(
        default="match_rms_adamw", metadata={"help": "how Muon's rate follows a matrix's shape"}
    )
    adamw_lr: float | None = field(
        default=None, metadata={"help": "rate of the AdamW part; empty: lr", "low": 0.0}
    )
    adamw_betas: tuple[float, float] = field(default=(0.9, 0.95), metadata={"help": "AdamW's decays"})
    qk_clip_tau: float | None = field(
        default=30.0, metadata={"help": "largest attention logit of a head; empty: no clip", "low": 0.0}
    )


DEFAULTS = MuonGrokfastConfig()
PRESETS: Mapping[str, MuonGrokfastConfig] = {
    "cognate": MuonGrokfastConfig(lam=0.3, ns_steps=3),
    "quietstar": MuonGrokfastConfig(lam=0.1),
    "bitnet": MuonGrokfastConfig(lam=0.0),  # the seed names none; latent weights flip on noise, not drift
    "curriculum": MuonGrokfastConfig(lam=2.0),
    "baking": MuonGrokfastConfig(lam=0.2),
    "experts": MuonGrokfastConfig(lam=0.15),
}
