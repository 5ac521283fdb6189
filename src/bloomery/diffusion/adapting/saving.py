"""A run between two rounds, in a store: weights, buffer, memories, the bandit and what was measured.

A small file beside the store names the newest state; it is replaced as a whole, so that a kill leaves the old
state or the new one. Nothing random has a state of its own but the buffer, which keeps it.
"""

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from bloomery.core.disk import write_atomically
from bloomery.core.errors import DamagedArtifact, Failure, UserError
from bloomery.core.store import Store
from bloomery.diffusion.buffer import saving as buffers
from bloomery.training.checkpoint import load_newest, save_checkpoint
from bloomery.training.errors import CheckpointDamaged

from .bandit import Bandit
from .budget import Spent
from .memory import Memories
from .reporting import Round
from .rounds import State
from .setting import Setting


@dataclass(frozen=True)
class Keeping:
    """Where a run is kept: its states in a store, the newest one's name in a file."""

    store: Store
    head: Path

    def of(self, name: str) -> "Keeping":
        """Another run beside it."""
        return Keeping(self.store, self.head.with_name(f"{self.head.stem}-{name}{self.head.suffix}"))


def save(state: State, keep: Keeping, run: Setting, base: nn.Module) -> str:
    """Keep a state in place of the one before; its CID. Raises: DiskFull, with the one before in place."""
    before = _head(keep)
    with keep.store.incoming() as folder:
        work = folder / "state"
        work.mkdir()
        save_checkpoint(work, len(state.rounds), _tree(state))
        buffers.write(state.buffer, work / "buffer")
        for place, held in enumerate(state.memories.held.values()):
            buffers.write(held, work / f"memory-{place:04d}")
        cid = keep.store.put(work)
    told = {"state": cid, "fingerprint": run.fingerprint(base), "rounds": len(state.rounds)}
    write_atomically(keep.head, json.dumps(told, indent=1).encode())
    if before is not None and before["state"] != cid:
        keep.store.remove(before["state"])
    return cid


def load(keep: Keeping, run: Setting, base: nn.Module) -> State | None:
    """The newest state; None where nothing was kept yet.

    Raises: UserError for the state of another run; MissingFile; DamagedArtifact
    """
    head = _head(keep)
    if head is None:
        return None
    if head["fingerprint"] != run.fingerprint(base):
        raise UserError(
            f"{keep.head} is of another run (other weights, tasks, strategies, settings or seed): go on with"
            " those, or name another file to begin anew"
        )
    folder = keep.store.path(head["state"])
    try:
        restored = load_newest(folder)
    except CheckpointDamaged as error:
        raise DamagedArtifact(str(error)) from error
    if restored is None:
        raise Failure(f"the state {head['state']} holds no checkpoint")
    return _state(restored.state, folder, run, base)


def _head(keep: Keeping) -> dict[str, Any] | None:
    if not keep.head.exists():
        return None
    try:
        told: dict[str, Any] = json.loads(keep.head.read_text("utf-8"))
        if {"state", "fingerprint"} - told.keys():
            raise ValueError("it names no state")
    except (ValueError, AttributeError) as error:
        raise DamagedArtifact(f"{keep.head} is damaged ({error}): remove it to begin anew") from error
    return told


def _tree(state: State) -> dict[str, Any]:
    return {
        "net": dict(state.net.state_dict()),
        "control": dict(state.control.state_dict()),
        "bandit": state.bandit.state(),
        "deviations": state.deviations,
        "allowed": state.allowed,
        "spent": vars(state.spent),
        "rounds": [round.to_plain() for round in state.rounds],
        "taught": state.taught,
        "controlled": state.controlled,
        "remembered": list(state.memories.held),
        "embeddings": state.memories.embeddings,
    }


def _state(tree: Mapping[str, Any], folder: Path, run: Setting, base: nn.Module) -> State:
    net, control = copy.deepcopy(base), copy.deepcopy(base)
    net.load_state_dict(tree["net"])
    control.load_state_dict(tree["control"])
    buffer = buffers.read(folder / "buffer")
    memories = Memories(run.config.memory, buffer.holdings.contents.fields)
    for place, task in enumerate(tree["remembered"]):
        memories.held[task] = buffers.read(folder / f"memory-{place:04d}")
    memories.embeddings = dict(tree["embeddings"])
    costs = [float(run.cost(one)) for one in run.strategies]
    return State(
        net=net, control=control, buffer=buffer, memories=memories,
        bandit=Bandit(costs, run.config.curiosity, run.config.discount, **tree["bandit"]),
        deviations=dict(tree["deviations"]), allowed=dict(tree["allowed"]), spent=Spent(**tree["spent"]),
        rounds=[Round.from_plain(told) for told in tree["rounds"]],
        taught=tree["taught"], controlled=tree["controlled"],
    )  # fmt: skip
