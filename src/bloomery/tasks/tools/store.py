"""A key-value store: one call reads a key or writes it; it lasts as long as the attempt."""

from collections.abc import Callable

from bloomery.tasks.tools.tool import Tool, ToolFailed, World, arguments

MOST_ENTRIES = 256


def key_value_store() -> Tool:
    return Tool(
        name="store",
        letter="s",
        description="The value of a key; with a value, stores it under the key.",
        parameters=arguments(
            {
                "key": {"type": "string", "minLength": 1, "maxLength": 64},
                "value": {"type": "string", "maxLength": 200},
            },
            optional=("value",),
        ),
        start=_start,
    )


def _start(world: World) -> Callable[..., str]:
    def use(key: str, value: str | None = None) -> str:
        return _get(world.stored, key) if value is None else _put(world.stored, key, value)

    return use


def _get(stored: dict[str, str], key: str) -> str:
    if key not in stored:
        raise ToolFailed(f"there is no key '{key}'")
    return stored[key]


def _put(stored: dict[str, str], key: str, value: str) -> str:
    if key not in stored and len(stored) >= MOST_ENTRIES:
        raise ToolFailed(f"the store is full: it has {MOST_ENTRIES} keys")
    stored[key] = value
    return value
