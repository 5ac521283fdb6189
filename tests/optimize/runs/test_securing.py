"""The goal security with everything real: found, mended, validated, put up, applied, and counted. Slow."""

import pytest

from bloomery.optimize.changes import apply, approve, open_ledger
from bloomery.optimize.optimizing import optimize
from bloomery.optimize.statistics import statistics
from bloomery.optimize.targets import named

pytestmark = pytest.mark.slow
UNSAFE = """
import subprocess
import tarfile


def setting(text):
    return eval(text)


def sizes(folder):
    return subprocess.check_output(f"du -s {folder}", shell=True)


def unpack(path, folder):
    with tarfile.open(path) as archive:
        archive.extractall(folder)
"""
TEST = """
from shop.orders import setting, sizes


def test_setting():
    assert setting("[1, None]") == [1, None]


def test_sizes(tmp_path):
    assert sizes is None or str(tmp_path).encode() in sizes(tmp_path)
"""


def figure(shop, name):
    return {one.name: one.value for one in statistics(shop.workspace)}[name]


def run(shop, text, *, tests='"[1, None]") == [1, None]', **said):
    shop.write("src/shop/orders.py", text)
    shop.write("tests/test_orders.py", TEST.replace('"[1, None]") == [1, None]', tests))
    shop.commit()
    return again(shop, **said)


def again(shop, **said):
    how = {"proposers": ("security",), "level": "basic", **said}
    return optimize(shop.workspace, named([shop.root / "src/shop/orders.py"], "security", **how).task)


def test_what_is_found_is_mended_and_counts_as_mended_only_once_the_patch_is_applied(shop):
    report = run(shop, UNSAFE, most=1)
    (kept,) = report.kept
    assert kept.operator == "no shell+literal_eval+archive filter"
    assert figure(shop, "security findings") == 4  # the import of subprocess, too
    assert figure(shop, "security findings mended, put up") == 3
    assert figure(shop, "security findings mended, applied") is None
    ledger = open_ledger(shop.workspace, shop.root)
    approve(ledger, kept.patch, by="Ada")
    apply(ledger, kept.patch, by="Ada")
    assert figure(shop, "security findings mended, applied") == 3
    assert "ast.literal_eval(text)" in (shop.root / "src/shop/orders.py").read_text()
    shop.commit()
    assert not again(shop).tried
    assert figure(shop, "security findings") == 6  # two more: processes without a shell, found now


def test_a_safer_form_that_a_test_fails_on_is_not_kept(shop):
    only_eval = UNSAFE[UNSAFE.index("\n\ndef setting") : UNSAFE.index("\n\ndef sizes")] + "\n\nsizes = None\n"
    report = run(shop, only_eval, tests='"1 + 1") == 2')
    assert [(one.operator, one.fate) for one in report.tried] == [("literal_eval", "failed")]
    assert report.tried[0].reason.startswith("tests.touched: ")
