"""Regenerate requirements.lock: every dependency of every extra and group, pinned by version and sha256.

The lock holds no index address, so it installs through whatever index a machine is configured for.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"
COMPILE = "pip compile --universal --generate-hashes --python-version 3.11 --no-annotate --no-header --quiet"
EVERYTHING = "pyproject.toml --all-extras --group dev --group docs --group setup"
# Official CPU wheels of torch are not on PyPI, so the resolver cannot list them: one lock for both builds.
TORCH_VERSION = "2.13.0"
TORCH_CPU_SHA256 = (
    "6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b",  # x86_64, Python 3.11
    "4ca4a9394b0c771238a4f73590fdbbc4debad85ed0fa63d026ae1b085da7d6e2",  # x86_64, Python 3.12
    "3fbf9c9d1f3c10c2d59d04aca426dee9ccc6ceb32d255c61e93acc3b4f75fae6",  # x86_64, Python 3.13
    "84453b69508ec79902f899c5ed9495acb9e2bbe9fda5f1d5d6f19e3c3842e1a7",  # aarch64, Python 3.11
    "6f307c2c32d764ffc6ff6893b801fad6d4752f3e67966cb8abf1843427c02604",  # aarch64, Python 3.12
    "0b8f7d0423027ae8b90c7977c627f3379f325363a08224dffad9b4b2d684a83d",  # aarch64, Python 3.13
)


def add_cpu_hashes(lock: str) -> str:
    """Put the CPU wheels' hashes beside those of the build on PyPI."""
    head = f"torch=={TORCH_VERSION} \\\n"
    if head not in lock:
        found = re.search(r"^torch==\S+", lock, re.M)
        raise SystemExit(
            f"expected torch=={TORCH_VERSION} in the lock, found {found and found[0]}: "
            "put the new version and the sha256 of its CPU wheels into scripts/lock.py"
        )
    cpu = [f"    --hash=sha256:{sha256} \\\n" for sha256 in TORCH_CPU_SHA256]
    for line in cpu:  # uv keeps hashes that it finds in an old lock
        lock = lock.replace(line, "")
    return lock.replace(head, head + "".join(cpu))


def compile_lock(uv: str, what: list[str], lock: Path) -> None:
    # Starting from the old lock keeps versions that still fit; `--upgrade` is a choice, not an accident.
    extra = ["--upgrade"] if "--upgrade" in sys.argv else []
    subprocess.run([uv, *COMPILE.split(), *what, *extra, "--output-file", str(lock)], cwd=ROOT, check=True)
    lock.write_text(add_cpu_hashes(lock.read_text()))
    print(f"{lock.relative_to(ROOT)}: {len(re.findall(r'^[a-z].*==', lock.read_text(), re.M))} packages")


def main(uv: str) -> None:
    compile_lock(uv, EVERYTHING.split(), LOCK)
    versions = "\n".join(re.findall(r"^[^ #].*?(?= \\$)", LOCK.read_text(), re.M))
    for requirements in sorted(ROOT.glob("benchmarks/peers/*/requirements.in")):
        # A peer is measured with the very versions that we use, torch above all.
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as ours:
            ours.write(versions)
            ours.flush()
            compile_lock(uv, [str(requirements), "-c", ours.name], requirements.with_suffix(".txt"))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "uv")
