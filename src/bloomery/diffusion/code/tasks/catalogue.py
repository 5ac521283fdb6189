"""All operations by name."""

from collections.abc import Mapping

from bloomery.diffusion.code.tasks.folds import FOLDED
from bloomery.diffusion.code.tasks.lists import LISTS
from bloomery.diffusion.code.tasks.operation import Operation
from bloomery.diffusion.code.tasks.slices import SLICES
from bloomery.diffusion.code.tasks.texts import WRITTEN

OPERATIONS: Mapping[str, Operation] = {
    operation.name: operation for operation in (*LISTS, *SLICES, *FOLDED, *WRITTEN)
}
