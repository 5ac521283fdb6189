"""Make .venv from requirements.lock with nothing but Python's standard library.

    python scripts/setup.py base    # what `bloomery` needs to run
    python scripts/setup.py dev     # with the extras and tools that the tests need
    python scripts/setup.py peers   # one environment for each of benchmarks/peers/, in .benchmarks/envs/

uv does the work: the one on PATH, or one installed into .uv/. Indexes configured for pip count for uv too.
"""

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = "requirements.lock"
OLDEST_UV = (0, 9)
DEV_EXTRAS = [
    "accelerate",
    "eval",
    "export",
    "github",
    "llm",
    "lora",
    "numba",
    "optimize",
    "papers",
    "postgres",
    "ray",
    "tensorboard",
    "toolchains",
    "trackio",
    "vision",
    "wandb",
]
NEEDS_COMPILER = ["tasks"]
PIP_TO_UV = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_EXTRA_INDEX_URL",
    "find-links": "UV_FIND_LINKS",
    "trusted-host": "UV_INSECURE_HOST",
    "no-index": "UV_NO_INDEX",
    "cert": "SSL_CERT_FILE",
}


def say(text: str) -> None:
    print(f"setup: {text}", flush=True)


def quiet(command: list[str], env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)


def locked(package: str) -> str:
    """The lock's entry of one package: its pinned version and hashes."""
    found = re.search(rf"^{package}==(?:.*\\\n)*.*\n", (ROOT / LOCK).read_text(), re.M)
    assert found, f"{LOCK} does not pin {package}"
    return found[0]


def locked_version(package: str) -> str:
    return re.split(r"==|\s", locked(package))[1]


def find_uv() -> str:
    """uv on PATH if it is recent enough, else our own in .uv/, which the system's Python never sees."""
    private = ROOT / ".uv" / "bin" / "uv"
    for candidate in (os.environ.get("UV"), shutil.which("uv"), str(private)):
        if candidate and Path(candidate).exists() and uv_version(candidate) >= OLDEST_UV:
            return candidate
    say("installing uv into .uv/")
    made = quiet([sys.executable, "-m", "venv", "--clear", ".uv"])
    if made.returncode:
        raise SystemExit(
            f"{made.stderr or made.stdout}\nsetup: this Python cannot make virtual environments. "
            "Install its venv module (Debian, Ubuntu: apt install python3-venv) or uv, then try again."
        )
    pinned = ROOT / ".uv" / "uv.txt"
    pinned.write_text(locked("uv"))
    subprocess.run([".uv/bin/python", "-m", "pip", "install", "-q", "-r", str(pinned)], cwd=ROOT, check=True)
    return str(private)


def uv_version(uv: str) -> tuple[int, ...]:
    found = re.search(r"uv (\d+)\.(\d+)", quiet([uv, "--version"]).stdout)
    return tuple(map(int, found.groups())) if found else (0, 0)


def pip_settings() -> dict[str, str]:
    """pip's effective options, from its files and from PIP_* variables (which win)."""
    pythons = [sys.executable, str(ROOT / ".uv" / "bin" / "python")]
    listings = [
        quiet([python, "-m", "pip", "config", "list"]).stdout for python in pythons if Path(python).exists()
    ]
    settings: dict[str, str] = {}
    for line in sorted("\n".join(listings).splitlines(), key=lambda line: line.startswith(":env:")):
        name, _, value = line.partition("=")
        settings[name.rpartition(".")[2]] = " ".join(shlex.split(value))
    return settings


def uv_environment() -> dict[str, str]:
    """The environment for uv, with pip's indexes where uv has none of its own configured."""
    env = dict(os.environ)
    if any(
        env.get(name)
        for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS")
    ):
        return env
    settings = pip_settings()
    for option, variable in PIP_TO_UV.items():
        if settings.get(option):
            env.setdefault(variable, settings[option])
    # pip takes the best match of all indexes; the lock's hashes make that safe.
    env.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")
    return env


def has_nvidia_gpu() -> bool:
    return Path("/proc/driver/nvidia/version").exists() or shutil.which("nvidia-smi") is not None


def pip_install(uv: str, python: Path, lock: Path = ROOT / LOCK) -> list[str]:
    # A constraint with hashes verifies them: uv refuses a file that does not match.
    return [uv, "pip", "install", "--python", str(python), "--compile-bytecode", "-c", str(lock)]


def make_environment(uv: str, env: dict[str, str], folder: Path) -> Path:
    if not (folder / "bin" / "python").exists():
        subprocess.run(
            [uv, "venv", "-q", "--python", sys.executable, str(folder)], cwd=ROOT, env=env, check=True
        )
    return folder / "bin" / "python"


def install_torch(uv: str, env: dict[str, str], build: str, python: Path) -> None:
    """Install the wanted build of torch first; what follows then finds it and keeps it."""
    command = [*pip_install(uv, python), "--no-deps"]
    cpu = f"torch=={locked_version('torch')}+cpu"
    pytorch_index = [*command, "--torch-backend=cpu", "torch"]
    impatient = {**env, "UV_HTTP_RETRIES": "0", "UV_HTTP_CONNECT_TIMEOUT": "10"}
    if build == "cuda":
        # Where CPU wheels are configured too, they would win: a local version sorts above the plain one.
        command += [cpu.replace("==", "!=")]
    elif quiet([*command, "--dry-run", cpu], env).returncode == 0:
        command += [cpu]
    elif quiet([*pytorch_index, "--dry-run"], impatient).returncode == 0:
        command = pytorch_index
    else:
        if sys.platform == "linux":
            say(
                "no CPU build of torch in reach; the configured index gives the CUDA build, a download of GBs"
            )
        command += ["torch"]
    subprocess.run(command, cwd=ROOT, env=env, check=True)


def extras_for(what: str) -> list[str]:
    if what == "base":
        return []
    if shutil.which("cc") or shutil.which("gcc"):
        return DEV_EXTRAS + NEEDS_COMPILER
    say(f"no C compiler: leaving out {', '.join(NEEDS_COMPILER)}; the tests that need it will say so")
    return DEV_EXTRAS


def install(what: str, build: str) -> None:
    uv, env = find_uv(), uv_environment()
    python = make_environment(uv, env, ROOT / ".venv")
    say(f"installing {what} with the {build} build of torch")
    install_torch(uv, env, build, python)
    extras = extras_for(what)
    command = [*pip_install(uv, python), "-b", LOCK, "-e", f".[{','.join(extras)}]" if extras else "."]
    command += ["--group", "dev"] if what == "dev" else []
    command += ["--group", "docs"] if what == "docs" else []
    subprocess.run(command, cwd=ROOT, env=env, check=True)


def install_peers(build: str) -> None:
    """Give every peer that benchmarks compare against an environment of its own, with our build of torch."""
    uv, env = find_uv(), uv_environment()
    for requirements in sorted(ROOT.glob("benchmarks/peers/*/requirements.txt")):
        name = requirements.parent.name
        folder = ROOT / ".benchmarks" / "envs" / name
        installed = folder / "requirements.txt"
        if installed.exists() and installed.read_bytes() == requirements.read_bytes():
            continue
        say(f"installing the peer {name} into {folder.relative_to(ROOT)}")
        python = make_environment(uv, env, folder)
        install_torch(uv, env, build, python)
        wanted = requirements.with_suffix(".in")
        command = [*pip_install(uv, python, requirements), "-b", LOCK, "-r", str(wanted)]
        subprocess.run(command, cwd=ROOT, env=env, check=True)
        shutil.copyfile(requirements, installed)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "what",
        choices=["base", "dev", "docs", "peers", "uv"],
        help="uv: print the path of uv, install nothing else",
    )
    parser.add_argument("--torch", choices=["auto", "cpu", "cuda"], default="auto")
    arguments = parser.parse_args()
    if arguments.what == "uv":
        print(find_uv())
        return
    build = arguments.torch
    if build == "auto":
        build = "cuda" if has_nvidia_gpu() else "cpu"
    try:
        install_peers(build) if arguments.what == "peers" else install(arguments.what, build)
    except subprocess.CalledProcessError as error:
        raise SystemExit(
            f"setup: this command failed with exit code {error.returncode}: {shlex.join(error.cmd)}"
        ) from None


if __name__ == "__main__":
    main()
