"""Break and continue: a file of settings with comments."""


def settings_of(lines):
    settings = {}
    for line in lines:
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        name, _, value = line.partition("=")
        settings[name.strip()] = value.strip()
    return settings


# What follows is no part of the program.

ENTRY = "settings_of"
CORRECT = "            continue\n"
BROKEN = "            break\n"
GIVEN = [
    (([],), {}),
    ((["a = 1"],), {"a": "1"}),
    ((["# top", "a=1"],), {"a": "1"}),
    ((["a=1", "", "b = two words"],), {"a": "1", "b": "two words"}),
    ((["x=1=2"],), {"x": "1=2"}),
]
HELD_OUT = [
    ((["#", "#", "k=v"],), {"k": "v"}),
    ((["  ", "a=", "b=2", "#c=3", "d=4"],), {"a": "", "b": "2", "d": "4"}),
    ((["a=1", "a=2"],), {"a": "2"}),
]


def draw(rng):
    return (
        [
            rng.choice(["a = 1", "b=2", "# c", "", "  ", "c = x = y", "a=7 "])
            for _ in range(rng.randint(0, 6))
        ],
    )
