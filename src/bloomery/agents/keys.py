"""Keys of providers: from the environment or the system's keyring, never written, never shown."""

import os
import re
from collections.abc import Iterable, Mapping
from importlib import import_module

from bloomery.agents.settings import ModelEntry
from bloomery.core.log import REDACTED, without_passwords
from bloomery.core.tokens import mask

SERVICE = "bloomery"  # under which the keyring holds keys, by the name of their environment variable
NAMES = {
    "openai": ("OPENAI_API_KEY",),
    "anthropic": ("ANTHROPIC_API_KEY",),
    "google": ("GOOGLE_API_KEY", "GEMINI_API_KEY"),
    "server": (),
}
# forms that core.tokens does not know: keys of xAI and Groq, publishable ones, short and shortened ones
_MORE_KEYS = re.compile(r"\b(?:sk|pk|rk|xai|gsk)[-_][\w-]{12,}|\bAIza[\w-]{20,}|(?<=Bearer )[\w.~+/=-]{8,}")


class Key:
    """A secret that shows itself only where it is asked to."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return REDACTED

    def __reduce__(self) -> str:
        raise TypeError("a key is not written anywhere")


def names_of(entry: ModelEntry) -> tuple[str, ...]:
    """The environment variables that may hold the key of this model."""
    return (entry.key_name,) if entry.key_name else NAMES[entry.provider]


def find_key(entry: ModelEntry, environment: Mapping[str, str] = os.environ) -> Key | None:
    """The key by which this model is asked, if there is one."""
    for name in names_of(entry):
        if value := environment.get(name, "").strip() or _from_keyring(name):
            return Key(value)
    return None


def masked(text: str, keys: Iterable[Key] = ()) -> str:
    """The text without these keys, without what looks like one, and without passwords in URLs."""
    for key in keys:
        text = text.replace(key.reveal(), REDACTED)
    return without_passwords(_MORE_KEYS.sub(REDACTED, mask(text)))


def _from_keyring(name: str) -> str:
    """Nothing where the package is not installed or the system has no keyring."""
    try:
        keyring = import_module("keyring")
    except ImportError:
        return ""
    try:
        return keyring.get_password(SERVICE, name) or ""
    except keyring.errors.KeyringError:
        return ""
