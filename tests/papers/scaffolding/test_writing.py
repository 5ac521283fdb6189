"""What is written, what is kept, and what is said of both."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from bloomery.core.errors import FormatRefused, MissingFile, UserError
from bloomery.papers.scaffolding import render_scaffolded, scaffold

CODE = "src/mini/layers/mini/line.py"


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def test_a_dry_run_says_what_it_would_write_and_writes_nothing(plan_path, tmp_path):
    done = scaffold(plan_path, tmp_path / "out", dry_run=True)
    assert not (tmp_path / "out").exists()
    assert CODE in done.of("written")
    assert f"would be written     {CODE}" in render_scaffolded(done)


def test_a_second_run_changes_nothing(plan_path, tmp_path):
    scaffold(plan_path, tmp_path)
    before = files_of(tmp_path)
    done = scaffold(plan_path, tmp_path)
    assert {file.action for file in done.files} == {"unchanged"}
    assert files_of(tmp_path) == before


def test_what_a_person_changed_or_removed_is_kept_and_listed(plan_path, tmp_path):
    scaffold(plan_path, tmp_path)
    (tmp_path / CODE).write_text("mine\n")
    (tmp_path / "README.md").unlink()
    done = scaffold(plan_path, tmp_path)
    assert done.of("kept") == ["README.md", CODE]
    assert done.exit_code == 1
    assert (tmp_path / CODE).read_text() == "mine\n"
    assert "it was changed; --force overwrites it" in render_scaffolded(done)
    again = scaffold(plan_path, tmp_path)
    assert again.of("kept") == ["README.md", CODE]  # also the second time


def test_force_overwrites_what_a_person_changed(plan_path, tmp_path):
    scaffold(plan_path, tmp_path)
    before = (tmp_path / CODE).read_bytes()
    (tmp_path / CODE).write_text("mine\n")
    assert scaffold(plan_path, tmp_path, force=True).of("overwritten") == [CODE]
    assert (tmp_path / CODE).read_bytes() == before


def test_a_file_that_was_there_before_is_not_ours_to_overwrite(plan_path, tmp_path):
    (tmp_path / "README.md").write_text("about something else\n")
    done = scaffold(plan_path, tmp_path)
    assert done.of("kept") == ["README.md"]
    assert (tmp_path / "README.md").read_text() == "about something else\n"
    assert CODE in done.of("written")


def test_a_new_plan_updates_what_nobody_touched_and_names_what_is_no_longer_planned(plan_of, paper, tmp_path):
    scaffold(plan_of(tmp_path, paper), tmp_path / "out")
    fewer = replace(paper, equations=paper.equations[:-1], contribution="less")
    done = scaffold(plan_of(tmp_path, fewer), tmp_path / "out")
    assert "docs/equations.md" in done.of("updated")
    assert "src/mini/layers/mini/bare.py" in done.unplanned
    assert not done.of("kept")


def test_nothing_is_written_through_a_link(plan_path, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out/src").symlink_to(outside)
    done = scaffold(plan_path, tmp_path / "out", force=True)
    assert CODE in done.of("kept")
    assert not any(outside.iterdir())


def test_a_context_that_changed_since_it_was_planned_is_refused(plan_of, paper, tmp_path):
    path = plan_of(tmp_path, paper)
    text = (tmp_path / "mini.context.md").read_text()
    (tmp_path / "mini.context.md").write_text(text.replace("A line.", "A curve."))
    with pytest.raises(UserError, match="context of mini is not the one that was planned"):
        scaffold(path, tmp_path / "out")
    (tmp_path / "mini.context.md").unlink()
    with pytest.raises(MissingFile, match="named by"):
        scaffold(path, tmp_path / "out")


@pytest.mark.parametrize("name", ["default", "small", "extension", "attention"])
def test_a_paper_with_the_name_of_a_generated_file_is_renamed_in_the_project(plan_of, paper, tmp_path, name):
    project = tmp_path / "project"
    scaffold(plan_of(tmp_path, replace(paper, paper_id=name)), project)
    configs = {path.stem for path in (project / "configs").iterdir()}
    assert configs >= {"default", "small", f"paper_{name}"}
    assert (project / f"configs/paper_{name}.yaml").read_text().startswith(f"# settings of {name}")
    assert (project / "configs/default.yaml").read_text().startswith("# sizes for")


def test_an_output_that_is_a_file_and_a_damaged_manifest_are_refused(plan_path, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="is a file"):
        scaffold(plan_path, tmp_path / "file")
    (tmp_path / ".scaffold.json").write_text("{")
    with pytest.raises(FormatRefused, match="restore it"):
        scaffold(plan_path, tmp_path)


def git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=True).stdout


def test_a_history_is_prepared_and_nothing_is_published(plan_path, tmp_path):
    done = scaffold(plan_path, tmp_path / "out", git=True)
    log = git(tmp_path / "out", "log", "--reverse", "--format=%B")
    assert git(tmp_path / "out", "log", "--reverse", "--format=%s").splitlines() == list(done.commits)
    assert "To implement: Eq 1-5, 7, A.1; Algorithm 1; Mixer, Rest" in log
    assert "Equations implemented: 0 of 7" in log
    assert "https://arxiv.org/abs/0000.00012" in log
    assert git(tmp_path / "out", "status", "--porcelain") == ""
    assert git(tmp_path / "out", "remote") == ""
    assert done.publish == "gh repo create mini --private --source=. --remote=origin --push"
    template = (tmp_path / "out/.git/.gitmessage").read_text()
    assert template.startswith("Implement ")
    assert "{" not in template
    again = scaffold(plan_path, tmp_path / "out", git=True)
    assert not again.commits
    assert "it was left as it is" in render_scaffolded(again)
