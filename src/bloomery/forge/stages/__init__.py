"""The stages in the order in which a recipe runs them. A new stage is one file here and one name below."""

from bloomery.forge.stage import Stage
from bloomery.forge.stages import bitnet, cognate

ORDER: tuple[Stage, ...] = (cognate.STAGE, bitnet.STAGE)
