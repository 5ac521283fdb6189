import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import structlog

from bloomery.core.log import REDACTED, get_log, log_to, set_level, without_passwords


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_people_read_on_stderr_and_stdout_stays_clean(capsys: pytest.CaptureFixture[str]) -> None:
    get_log("store").info("artifact kept", size_bytes=12)
    out, err = capsys.readouterr()
    assert out == ""
    assert "artifact kept" in err
    assert "size_bytes=12" in err
    assert "\x1b" not in err, "no colours where no terminal is"


def test_a_run_has_its_lines_as_json_with_its_context(tmp_path: Path) -> None:
    log = get_log("step", name="base")
    with log_to(tmp_path / "runs" / "log.jsonl", run="r1"):
        log.debug("begun", loss=0.5)
        get_log("other").warning("odd", path=tmp_path)
    log.error("after the run")
    first, second = lines(tmp_path / "runs" / "log.jsonl")
    assert first.pop("timestamp").endswith("Z")
    assert first == {
        "event": "begun",
        "level": "debug",
        "log": "step",
        "name": "base",
        "loss": 0.5,
        "run": "r1",
    }
    assert (second["level"], second["path"], second["run"]) == ("warning", str(tmp_path), "r1")


@pytest.mark.parametrize(("level", "shown"), [("debug", 4), ("info", 3), ("error", 1), ("silent", 0)])
def test_the_level_rules_stderr_alone(
    level: Any, shown: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    set_level(level)
    log = get_log("x")
    with log_to(tmp_path / "log"):
        for write in (log.debug, log.info, log.warning, log.error):
            write("line")
    assert len(capsys.readouterr().err.splitlines()) == shown
    assert len(lines(tmp_path / "log")) == 4


@dataclass
class Account:
    user: str
    api_key: str


@pytest.mark.parametrize(
    "given",
    [
        {"token": "hunter2"},
        {"HF_TOKEN": "hunter2"},
        {"api_key": "hunter2"},
        {"client-secret": "hunter2"},
        {"db_password": "hunter2"},
        {"Authorization": "Bearer hunter2"},
        {"environment": {"WANDB_API_KEY": "hunter2", "deep": [{"passwd": "hunter2"}]}},
        {"tokens": ["hunter2"]},
        {"account": Account("ann", "hunter2")},
        {"url": "could not open postgresql://ann:hunter2@db/x"},
    ],
)
def test_a_secret_reaches_neither_people_nor_files(
    given: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with log_to(tmp_path / "log"):
        get_log("x").info("connecting", **given)
    seen = capsys.readouterr().err + (tmp_path / "log").read_text()
    assert "hunter2" not in seen
    assert REDACTED in (tmp_path / "log").read_text()


def test_a_secret_in_an_exceptions_url_is_taken_out(tmp_path: Path) -> None:
    with log_to(tmp_path / "log"):
        try:
            raise OSError("no route to s3://ann:hunter2@bucket")
        except OSError:
            get_log("x").exception("push failed")
    (line,) = lines(tmp_path / "log")
    assert "OSError: no route to s3://ann:[redacted]@bucket" in line["exception"]


def test_a_traceback_shows_no_local_variables(capsys: pytest.CaptureFixture[str]) -> None:
    hidden = "hunter" + str(2)
    try:
        int("x" * len(hidden))
    except ValueError:
        get_log("x").exception("failed")
    err = capsys.readouterr().err
    assert "ValueError: invalid literal" in err
    assert "hunter2" not in err


def test_counts_of_tokens_and_plain_words_stay(tmp_path: Path) -> None:
    with log_to(tmp_path / "log"):
        get_log("x").info("trained", tokens=1024, tokens_per_s=3.5, url="https://host/a@b", recipe="forge/x")
    (line,) = lines(tmp_path / "log")
    assert (line["tokens"], line["tokens_per_s"]) == (1024, 3.5)
    assert (line["url"], line["recipe"]) == ("https://host/a@b", "forge/x")


def test_the_configuration_of_structlog_is_left_to_the_program_around() -> None:
    before = structlog.get_config()
    get_log("x").info("line")
    assert structlog.get_config() == before
    assert not structlog.is_configured()


def test_two_processes_do_not_cut_each_others_lines(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from bloomery.core.log import get_log, log_to, set_level\n"
        "set_level('silent')\n"
        "with log_to(Path(sys.argv[1]), who=sys.argv[2]):\n"
        "    for place in range(200): get_log('x').info('line', place=place, filler='z' * 500)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "log")]
    writers = [subprocess.Popen([*command, who], env=os.environ) for who in "ab"]
    assert [writer.wait() for writer in writers] == [0, 0]
    for who in "ab":
        assert [line["place"] for line in lines(tmp_path / "log") if line["who"] == who] == list(range(200))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("https://ada:pw@x.org/y", "https://ada:[redacted]@x.org/y"),
        ("https://s3cretOfTheNode9@x.org", "https://[redacted]@x.org"),
        ("https://ghp_aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5@github.com/x", "https://[redacted]@github.com/x"),
        ("https://0a1b2c3d4e5f6a7b:x-oauth-basic@x.org", "https://[redacted]:[redacted]@x.org"),
        ("ssh://git@github.com/ada/x and s3://bucket/a@b", "ssh://git@github.com/ada/x and s3://bucket/a@b"),
    ],
)
def test_of_a_login_in_a_url_only_a_plain_name_is_shown(text: str, told: str) -> None:
    assert without_passwords(text) == without_passwords(told) == told


def test_a_line_is_written_whole_where_the_system_takes_it_in_pieces(tmp_path, monkeypatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:7]))
    with log_to(tmp_path / "log.jsonl"):
        get_log("x").debug("a line that is longer than seven bytes", figure=1)
    monkeypatch.undo()
    (line,) = (tmp_path / "log.jsonl").read_text().splitlines()
    assert json.loads(line)["event"] == "a line that is longer than seven bytes"
