"""The stages in the order in which a recipe runs them. A new stage is one file here and one name below."""

from bloomery.forge.stage import Stage
from bloomery.forge.stages import bitnet, cognate, compression, evomerge

ORDER: tuple[Stage, ...] = (cognate.STAGE, evomerge.STAGE, bitnet.STAGE, compression.STAGE)
