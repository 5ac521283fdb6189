"""What holds for every test: offline, one thread, fixed seeds, and at least one check."""

import os

# Before anything imports NumPy or torch: threads change results in the last bits and fight over two cores.
os.environ.update(OMP_NUM_THREADS="1", MKL_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", HF_DATASETS_OFFLINE="1", WANDB_MODE="offline")
os.environ.update(RAY_USAGE_STATS_ENABLED="0", HF_HUB_DISABLE_TELEMETRY="1", TOKENIZERS_PARALLELISM="false")
os.environ.setdefault("MPLBACKEND", "agg")

import ipaddress
import random
import socket
import sys
from importlib.util import find_spec
from pathlib import Path

import hypothesis
import pytest

from bloomery.core.log import set_level
from scripts import gates

hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
hypothesis.settings.load_profile("repeatable")


class NetworkRefused(OSError):
    """A test reached for something that is not this machine."""


def refuse_unless_loopback(family: int, address: object) -> None:
    if family not in (socket.AF_INET, socket.AF_INET6):
        return
    host = str(address[0]) if isinstance(address, tuple) else str(address)
    is_local_name = host in ("localhost", "")
    try:
        is_local = (
            is_local_name
            or ipaddress.ip_address(host).is_loopback
            or ipaddress.ip_address(host).is_unspecified
        )
    except ValueError:
        is_local = False
    if not is_local:
        raise NetworkRefused(f"tests are offline; this one tried to reach {host}")


class OfflineSocket(socket.socket):
    def connect(self, address):
        refuse_unless_loopback(self.family, address)
        return super().connect(address)

    def connect_ex(self, address):
        refuse_unless_loopback(self.family, address)
        return super().connect_ex(address)

    def sendto(self, data, *arguments):
        refuse_unless_loopback(self.family, arguments[-1])
        return super().sendto(data, *arguments)


def pytest_configure(config: pytest.Config) -> None:
    if find_spec("coverage"):
        # Coverage starts anew in a forked child and warns of what was imported before: not the test's doing.
        config.addinivalue_line("filterwarnings", "ignore::coverage.exceptions.CoverageWarning")
    resolve = socket.getaddrinfo

    def resolve_local(host, *arguments, **options):
        refuse_unless_loopback(socket.AF_INET, (host or "",))
        return resolve(host, *arguments, **options)

    socket.socket = OfflineSocket
    socket.getaddrinfo = resolve_local


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector):
    """A file with a test that checks nothing is not collected: such a test could only ever pass."""
    report = yield
    if isinstance(collector, pytest.Module) and report.passed:
        silent = [str(finding) for finding in gates.silent_tests(gates.Source.parse(collector.path))]
        if silent:
            report.outcome, report.longrepr, report.result = "failed", "\n".join(silent), []
    return report


@pytest.fixture(autouse=True)
def fixed_seeds() -> None:
    """Start every test from the same global random state, for code that draws from it in spite of STYLE."""
    random.seed(0)
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed(0)
    if torch := sys.modules.get("torch"):
        torch.manual_seed(0)


@pytest.fixture(autouse=True)
def usual_log_level() -> None:
    """Undo what an earlier test set: the level belongs to the process, as `--quiet` does."""
    set_level("info")


@pytest.fixture(scope="session")
def data_root() -> Path:
    """The folder of mirrored data sets that BLOOMERY_DATA names."""
    named = os.environ.get("BLOOMERY_DATA")
    if not named:
        pytest.skip("BLOOMERY_DATA names no local mirror of the data sets")
    root = Path(named)
    if not root.is_dir():
        pytest.skip(f"BLOOMERY_DATA names {root}, which is not a folder")
    return root
