"""The stages in the order in which a recipe runs them. A new stage is one file here and one name below."""

from bloomery.forge.stage import Stage
from bloomery.forge.stages import (
    baking,
    bitnet,
    cognate,
    compression,
    curriculum,
    evomerge,
    experts,
    quietstar,
)

ORDER: tuple[Stage, ...] = tuple(
    one.STAGE for one in (cognate, evomerge, quietstar, bitnet, curriculum, baking, experts, compression)
)
