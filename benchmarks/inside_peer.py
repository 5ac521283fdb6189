"""Benchmarks that run in the environment of the package that they compare with, one process, one thread."""

import argparse
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "PYTHONPATH": str(ROOT / "src")}


def parsed_inside(parser: argparse.ArgumentParser, peer: str, **settings: str) -> argparse.Namespace:
    """The arguments, inside the peer's environment, with Bloomery from the source tree.

    Outside of it the same command is run there, and this process ends with its exit code.
    """
    python = ROOT / ".benchmarks" / "envs" / peer / "bin" / "python"
    parser.add_argument("--peer-python", type=Path, default=python, help="Python with the peer and torch")
    parser.add_argument("--inside", action="store_true", help="measure in this very environment")
    arguments = parser.parse_args()
    if arguments.inside:
        return arguments
    if not arguments.peer_python.exists():
        parser.error(f"no peer at {arguments.peer_python}; run: python scripts/setup.py peers")
    command = [str(arguments.peer_python), "-W", "ignore", sys.argv[0], "--inside", *sys.argv[1:]]
    raise SystemExit(subprocess.run(command, env=os.environ | SETTINGS | settings, check=False).returncode)
