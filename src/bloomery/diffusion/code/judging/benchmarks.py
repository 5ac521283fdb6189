"""HumanEval and MBPP with their translations, for evaluation only: prompts, examples, canonical programs.

The examples are those of the Python original, read from its assertions; the translations are asked the
same. A problem is left out, and said to be, where an assertion compares no call with a plain value (loops,
sets), or where the translation lacks it.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bloomery.core.errors import UnknownName
from bloomery.diffusion.code.judging.asserting import Unreadable, examples_of
from bloomery.diffusion.code.judging.program import Example, Language, Program
from bloomery.tasks.datasets.catalog import File, Remote
from bloomery.tasks.datasets.reading import Purpose, TestSplitRefused, dataset, read

_MXEVAL = "https://raw.githubusercontent.com/amazon-science/mxeval/main/data"
_X = "https://github.com/THUDM/CodeGeeX/raw/main/codegeex/benchmark/humaneval-x"
ORIGINALS = {"humaneval": "humaneval", "humaneval-x": "humaneval", "multilingual-humaneval": "humaneval"}
ORIGINALS |= {"mbpp": "mbpp", "mbxp": "mbpp"}
NAMED = {
    "javascript": re.compile(r"const (\w+) = \("),
    "java": re.compile(r"(\w+)\s*\([^()]*\)\s*(?:throws [\w, ]+)?\{\s*$"),
    "go": re.compile(r"func (\w+)\s*\("),
}
IMPORT = re.compile(r"^import (?:\* as (\w+)|\{(\w+)\}) from '[\w-]+'\n", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One problem in one language; `canonical` is a whole program, where the benchmark has one."""

    name: str
    language: Language
    prompt: str
    function: str
    examples: tuple[Example, ...]
    canonical: Program | None


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """What could be read; `left_out` says why the others could not. `version` stands beside every score."""

    version: str
    problems: tuple[Problem, ...]
    left_out: Mapping[str, str]


def benchmark(name: str, language: Language, *, purpose: Purpose = "evaluate") -> Benchmark:
    """The test problems of a benchmark in a language.

    Raises: UnknownName; TestSplitRefused for the purpose of training; what reading a data set raises.
    """
    if purpose != "evaluate":
        raise TestSplitRefused(f"'{name}' is for evaluation only; train on compositional prompts")
    rows = _rows(name, language)
    original = dataset(ORIGINALS[name], "test", purpose="evaluate")
    problems, left_out = [], {}
    for row in original.records:
        number = str(row["task_id"]).rpartition("/")[2]
        try:
            examples = tuple(examples_of(_checks(row), row.get("entry_point", "")))
            problems.append(_problem(rows[number], language, examples))
        except Unreadable as reason:
            left_out[number] = str(reason)
        except KeyError:
            left_out[number] = f"there is none in {language}"
    version = f"{name} in {language}, {len(problems)} of {len(original)} problems"
    return Benchmark(version=version, problems=tuple(problems), left_out=left_out)


def _rows(name: str, language: Language) -> dict[str, dict[str, Any]]:
    known = [*FILES, ("humaneval", "python"), ("mbpp", "python")]
    if (name, language) not in known:
        raise UnknownName("benchmark", f"{name} in {language}", [" in ".join(pair) for pair in known])
    if (name, language) not in FILES:
        records = dataset(name, "test", purpose="evaluate").records
    else:
        text = read(FILES[name, language], name)
        records = [json.loads(line) for line in text.decode().splitlines() if line.strip()]
    return {str(row["task_id"]).rpartition("/")[2]: row for row in records}


def _checks(row: Mapping[str, Any]) -> str:
    """The Python assertions of an original."""
    return row["test"] if "test" in row else "\n".join(row["test_list"])


def _problem(row: Mapping[str, Any], language: Language, examples: tuple[Example, ...]) -> Problem:
    if "text" in row and "code" in row:  # MBPP itself: its program names the function
        called = re.search(r"(\w+)\s*\(", row["test_list"][0].removeprefix("assert "))
        function, prompt, source = called[1] if called else "", row["text"], row["code"]
    else:
        function, prompt = _function(row, language), row["prompt"]
        source = _lean(prompt + row["canonical_solution"], language) if row["canonical_solution"] else ""
    return Problem(
        name=str(row["task_id"]),
        language=language,
        prompt=prompt,
        function=function,
        examples=examples,
        canonical=Program(language=language, source=source, function=function) if source else None,
    )


def _function(row: Mapping[str, Any], language: Language) -> str:
    if "entry_point" in row:
        return str(row["entry_point"])
    return str(list(NAMED[language].finditer(row["declaration"].rstrip() + "\n"))[-1][1])


def _lean(source: str, language: Language) -> str:
    """Without imports of packages that are never named again: node would look for them all the same."""
    if language != "typescript":
        return source

    def kept(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        return match[0] if len(re.findall(rf"\b{name}\b", source)) > 1 + source.count(f"'{name}") else ""

    return IMPORT.sub(kept, source)


def _file(path: str, packed: str, unpacked: str, *urls: str) -> File:
    return File(mirror=path, mirror_sha256=packed, remote=Remote(urls=urls, sha256=unpacked or packed))


def _x(short: str, sha256: str) -> File:
    path = f"{short}/data/humaneval_{short}.jsonl.gz"
    return _file(f"humaneval-x/humaneval_{short}.jsonl.gz", sha256, "", f"{_X}/{path}")


def _mx(folder: str, at: str, name: str, packed: str, unpacked: str) -> File:
    return _file(f"{folder}/{name}.jsonl.gz", packed, unpacked, f"{_MXEVAL}/{at}/{name}.jsonl")


def _mbxp(name: str, packed: str, unpacked: str) -> File:
    return _mx("mbxp", "mbxp", name, packed, unpacked)


def _many(name: str, packed: str, unpacked: str) -> File:
    return _mx("multilingual-humaneval", "multilingual_humaneval", name, packed, unpacked)


FILES: Mapping[tuple[str, str], File] = {
    ("humaneval-x", "javascript"): _x(
        "js",
        "fe5d467f2c1a027b3f6f18d3729aca01f6458c1de2e2d1292a019c5aa9bed424",
    ),
    ("humaneval-x", "java"): _x(
        "java",
        "276f36db2eb7aeb864f36a19a2f4e1bb2460fb6e22ff100f0b5bedabe3799967",
    ),
    ("humaneval-x", "go"): _x(
        "go",
        "09126ef64ac68f87296c5f3781186aedc5dec799b114d9df99d6de4a715a7830",
    ),
    ("mbxp", "javascript"): _mbxp(
        "mbjsp_release_v1.2",
        "f6b5831f77ba8fbdd28668e44b2107bb4a0c295c887ce81346dbd8aef88247af",
        "9e443a1911bcedd8b5193f43d3217666fbf669cd00d54265941a8eb17e396f5a",
    ),
    ("mbxp", "java"): _mbxp(
        "mbjp_release_v1.2",
        "00868797238b87d7fc01eb48ef4f6fdc11e9c255e7ff17cab3862ba4f5a6b888",
        "139a0fcdff2f4c6d456c546c82f43a1f389dfe3125f5f2c3f6a12f478483dffd",
    ),
    ("mbxp", "go"): _mbxp(
        "mbgp_release_v1.1",
        "c459ca4ee06d278ecd23be3333be7b8c6e995db2ab4a788345a6cb4c1235858f",
        "90f519222a4c45bdbed8309076433d2f573c6f37329a848581fa789839b67da8",
    ),
    ("mbxp", "typescript"): _mbxp(
        "mbtsp_release_v1.2",
        "2ef7cc3ec3fe0c71a2ca2d1ceb6202f497099a361a04ca578c53510169dbc7f0",
        "7c4fbf66cd8189d5f3f6a78ce201782571d083a1d89ee3730c0235317d44d769",
    ),
    ("multilingual-humaneval", "javascript"): _many(
        "HumanEval_javascript_v1.1",
        "cb4739ff520b0509d6ff004ae418779a23c64109125f3a307adb954887f1e5cc",
        "cbd4421a18387fcf791a047e2904e1ff8287b11fede50a7fb5e3cd3814cb1653",
    ),
    ("multilingual-humaneval", "java"): _many(
        "HumanEval_java_v1.1",
        "7e8efd801d59f2f334bf5b52d4eb734b597bfdd716ea8a622a52d89f9a493635",
        "2373bd083b7be445a5273add8a932e0fea3d1e3c1a59d55beba369e90e5d0d02",
    ),
    ("multilingual-humaneval", "go"): _many(
        "HumanEval_go_v1",
        "a90ed0b15d459f5dd786ad3b3bd4dbd7c89a0c39b15053228d9ea251f6634adb",
        "b3797a20b951627d67dec749cc1954e4a151cf0096d1649f96d62597a76a47af",
    ),
    ("multilingual-humaneval", "typescript"): _many(
        "HumanEval_typescript_v1",
        "9906cfa998c0ca5f013b2d845514ff13c96d46f51f528e596b71ea8152aa0d0d",
        "6039fe3b75bd1670702bab22ebb21b8c29ac29fa91211d7d9e59b13ae581b7a7",
    ),
}
