"""How far images may be distorted while a model learns from them. Imports no torch."""

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class AugmentConfig:
    """Each distortion is drawn anew for every image and epoch, evenly up to what stands here; 0 is none."""

    shift: float = field(default=0.0, metadata={"help": "points to each side, up and down", "low": 0.0})
    rotate: float = field(default=0.0, metadata={"help": "degrees to either side", "low": 0.0, "high": 180.0})
    scale: float = field(
        default=0.0, metadata={"help": "share by which it grows or shrinks", "low": 0.0, "high": 0.9}
    )
    elastic: float = field(
        default=0.0,
        metadata={"help": "points that each point moves by itself, about", "low": 0.0},
    )
    elastic_sigma: float = field(
        default=4.0, metadata={"help": "points over which neighbours move together", "low": 0.5}
    )

    @property
    def off(self) -> bool:
        return not (self.shift or self.rotate or self.scale or self.elastic)
