"""Call a function once for each seed, if it takes one, in a process of its own.

It imports nothing of Bloomery.

python inside.py JOB.json     # roots, module, name, seeds, data, out
"""

import importlib
import inspect
import json
import sys
from pathlib import Path
from typing import Any


def main() -> None:
    job: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text())
    sys.path[:1] = job["roots"]
    function = getattr(importlib.import_module(job["module"]), job["name"])
    known = inspect.signature(function).parameters
    seeds = job["seeds"] if "seed" in known else []
    returned = []
    for seed in seeds or [0]:
        given = {"seed": seed, "data": {name: Path(path) for name, path in job["data"].items()}}
        returned.append(function(**{name: value for name, value in given.items() if name in known}))
    text = json.dumps({"seeds": seeds, "returned": returned}, default=float)
    Path(job["out"]).write_text(text)


if __name__ == "__main__":
    main()
