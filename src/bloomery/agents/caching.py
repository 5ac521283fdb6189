"""Answers by content: an equal question to an equal model with equal settings is answered from the store."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from bloomery.agents.ledger import Ledger
from bloomery.agents.prompting import Prompt
from bloomery.agents.settings import ModelEntry
from bloomery.core.config import canonical_json
from bloomery.core.errors import DamagedArtifact, MissingFile

if TYPE_CHECKING:
    from pydantic import BaseModel

A = TypeVar("A", bound="BaseModel")
FORM = 1  # raised when what an answer is kept as, or how it is asked for, changes its meaning
_OF_THE_WIRE = ("timeout", "max_retries")  # settings that do not change what is answered


class Kept(Protocol):
    """Where answers lie by their CID; `bloomery.core.store.Store` is one."""

    def put_bytes(self, data: bytes) -> str: ...

    def read(self, cid: str) -> bytes: ...


@dataclass(frozen=True)
class Found(Generic[A]):
    value: A
    cid: str


@dataclass(frozen=True)
class Cache:
    """The store holds the answers, the ledger knows which question each belongs to."""

    store: Kept
    ledger: Ledger

    def find(self, key: str, form: type[A]) -> Found[A] | None:
        """An answer that was kept; one that is lost, damaged or out of form is not found."""
        from pydantic import ValidationError

        cid = self.ledger.find_answer(key)
        if cid is None:
            return None
        try:
            return Found(form.model_validate(json.loads(self.store.read(cid))["answer"]), cid)
        except (MissingFile, DamagedArtifact, ValidationError):
            return None

    def keep(self, key: str, call: int, model: str, value: "BaseModel") -> str:
        """The CID under which the answer is kept."""
        told = {"answer": value.model_dump(mode="json"), "form": FORM, "key": key, "model": model}
        cid = self.store.put_bytes(canonical_json(told).encode())
        self.ledger.keep_answer(call, key, cid)
        return cid


def key_of(
    entry: ModelEntry, settings: Mapping[str, Any], prompt: Prompt, schema: Mapping[str, Any], variant: int
) -> str:
    """The name of a question: what it says, to whom, and in which form it is to be answered."""
    question = {
        "form": FORM,
        "model": [entry.provider, entry.base_url, entry.model, entry.answers],
        "settings": {name: value for name, value in settings.items() if name not in _OF_THE_WIRE},
        "prompt": [prompt.system, prompt.user],
        "schema": schema,
        "variant": variant,
    }
    return hashlib.sha256(canonical_json(question).encode()).hexdigest()
