"""A sound folder passes both validators; each planted defect is found by its line."""

from pathlib import Path

import pytest

from bloomery.core.errors import MissingFile
from bloomery.papers.context import Benchmarks, Context, Equation, Reading, Variable
from bloomery.papers.context import Result as Reported
from bloomery.papers.markdown import write
from bloomery.papers.verifying.claims import compare
from bloomery.papers.verifying.joining import python_files, read_tree
from bloomery.papers.verifying.pages import results_page
from bloomery.papers.verifying.papers import Folder, read_folder, read_folders
from bloomery.papers.verifying.results import Result, write_results
from bloomery.papers.verifying.validators.completeness import complete, unreferenced, unshared
from bloomery.papers.verifying.validators.structure import structure

PAPER = """\
citation:
  title: "Fading: a Memory"
  year: 2024
  arxiv: 0000.00001v2
claims:
  - id: loss
    value: 2.0
    metric: loss
    direction: lower
    source: Table 1
    command: fading.measuring:loss
readings:
  "2": {chosen: one, why: simpler}
out_of_scope:
  "3": it describes hardware
"""
MEASURED = Result(state="measured", value=2.0, samples=(2.0,))


def context(shape: str = "[B, D]", paper: str = "fade", results: tuple[Reported, ...] = ()) -> str:
    variables = (Variable("x", "input", "Tensor", shape, "what comes in"),)
    readings = (Reading("one", "-x"), Reading("two", "-y"))
    equations = tuple(
        Equation(str(n), f"E{n}", latex="-x", variables=variables, readings=readings if n == 2 else ())
        for n in (1, 2, 3)
    )
    benchmarks = Benchmarks(results=results)
    about = (paper, "Fading", "Fading, a memory", ("Ada",), "0000.00001", 2024)
    return write(Context(*about, equations=equations, benchmarks=benchmarks))


@pytest.fixture
def folder(tmp_path) -> Path:
    """`papers/fade` in a repository with one module."""
    home = tmp_path / "papers" / "fade"
    home.mkdir(parents=True)
    (home / "paper.yaml").write_text(PAPER)
    (home / "fade.context.md").write_text(context())
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "fading.py").write_text("CONFIG = 'small.yaml'\n")
    return home


def structural(folder: Path) -> list[tuple[str, int, str]]:
    root = folder.parents[1]
    found = structure(root, [read_folder(folder)])
    return [(Path(one.path).name, one.line, one.code) for one in found]


def test_a_sound_folder_passes_the_paper_validator(folder):
    assert structural(folder) == []


STRUCTURE = [
    ('title: "Fading: a Memory"', "title: Growing", ("paper.yaml", 2, "metadata")),
    ("year: 2024", "year: 2023", ("paper.yaml", 3, "metadata")),
    ("0000.00001v2", "'0000.00002'", ("paper.yaml", 4, "metadata")),
    ("  arxiv: 0000.00001v2\n", "", ("paper.yaml", 2, "metadata")),
    ('"2": {chosen: one', '"2": {chosen: three', ("paper.yaml", 13, "reading")),
    ('"3": it', '"4": it', ("paper.yaml", 15, "number")),
    ('"3": it', '"3-4": it', ("paper.yaml", 15, "number")),
    ('"2": {chosen', '"9": {chosen', ("paper.yaml", 13, "number")),
]


@pytest.mark.parametrize(("old", "new", "expected"), STRUCTURE)
def test_the_paper_validator_finds_what_paper_yaml_gets_wrong(folder, old, new, expected):
    assert old in PAPER
    (folder / "paper.yaml").write_text(PAPER.replace(old, new))
    assert structural(folder) == [expected]


def test_the_paper_validator_finds_a_folder_without_its_file(folder):
    (folder / "paper.yaml").unlink()
    assert structural(folder) == [("paper.yaml", 1, "paper-file")]


def test_the_paper_validator_finds_a_context_of_another_paper(folder):
    (folder / "fade.context.md").write_text(context(paper="other"))
    assert structural(folder) == [("paper.yaml", 1, "metadata")]


def test_the_paper_validator_finds_a_shape_that_nobody_can_read(folder):
    (folder / "fade.context.md").write_text(context(shape="[B, D] but transposed"))
    assert {(name, code) for name, _, code in structural(folder)} == {("fade.context.md", "shape")}


def test_a_folder_without_its_context_is_bad_input_and_the_rest_is_read(folder):
    other = folder.with_name("other")
    other.mkdir()
    (other / "paper.yaml").write_text("citation: {title: Other}\ncontext: gone.md\n")
    with pytest.raises(MissingFile, match=r"paper\.yaml:2: there is no context file gone\.md"):
        read_folder(other)
    folder.with_name("empty").mkdir()
    found, bad = read_folders(folder.parents[1])
    assert [one.id for one in found] == ["fade"]
    assert [(one.path, one.line, one.severity) for one in bad] == [
        ("papers/empty/paper.yaml", 1, "error"),
        ("papers/other/paper.yaml", 2, "error"),
    ]


def test_a_paper_is_known_by_its_id_and_by_its_arxiv_id_without_version(folder):
    assert read_folder(folder).names == {"fade", "0000.00001"}


def completeness(folder: Path) -> list[tuple[str, int, str]]:
    root, read = folder.parents[1], read_folder(folder)
    found = complete(root, read, compared(read), read_tree(root))
    return [(Path(one.path).name, one.line, one.code) for one in found]


def compared(read: Folder):
    return [compare(read.id, one, read.results.get(one.id)) for one in read.file.paper.claims]


def measured(folder: Path) -> Path:
    write_results(folder, "fade", {"loss": MEASURED})
    (folder / "RESULTS.md").write_text(results_page("fade", compared(read_folder(folder))))
    return folder


def test_a_measured_folder_passes_the_completeness_validator(folder):
    assert completeness(measured(folder)) == []


def test_the_completeness_validator_finds_a_claim_without_a_run(folder):
    text = PAPER.replace("    command: fading.measuring:loss\n", "")
    (folder / "paper.yaml").write_text(text)
    assert completeness(folder) == [("paper.yaml", 6, "claim-unlinked")]
    (folder / "paper.yaml").write_text(text.replace("Table 1\n", "Table 1\n    not_reproduced: too large\n"))
    assert completeness(folder) == []


RESULTS = (
    Reported(
        "Puddles", "loss", "down", value="2.0 (small), 1.9 ± 0.1 (large), 3.5 (no l_2)", source="Table 1"
    ),
    Reported("Ponds", "loss", "down", value="2.0 %"),
)


def test_the_completeness_validator_finds_each_number_of_a_result_without_a_claim(folder):
    path = folder / "fade.context.md"
    path.write_text(context(results=RESULTS))
    line = next(n for n, text in enumerate(path.read_text().splitlines(), 1) if "Puddles" in text)
    found = [("fade.context.md", line, "result-without-claim")] * 2
    assert completeness(folder) == found  # 1.9 and 3.5; the spread and the index are no numbers of it
    more = "  - {id: large, value: 1.9, metric: m, direction: lower, source: T1, not_reproduced: years}\n"
    curve = (
        "  - {id: bare, curve: [{at: 1, value: 3.5}], metric: m, direction: lower, source: T1, "
        "not_reproduced: years}\n"
    )
    (folder / "paper.yaml").write_text(PAPER.replace("readings:\n", f"{more}readings:\n"))
    assert completeness(folder) == found[:1]
    (folder / "paper.yaml").write_text(PAPER.replace("readings:\n", f"{more}{curve}readings:\n"))
    assert completeness(folder) == []


def test_a_config_of_the_whole_repository_that_nothing_names_is_found(folder):
    root = folder.parents[1]
    for name in ("lone.yaml", "small.yaml", "deep/told.yaml", "deep/base.yaml"):
        (root / "configs" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "configs" / name).write_text("steps: 1\n")
    (root / "configs" / "deep" / "told.yaml").write_text("extends: base.yaml\n")
    (root / "docs").mkdir()
    (root / "docs" / "page.md").write_text("`bloomery train configs/deep/told.yaml`\n")
    found = [(one.path, one.code) for one in unshared(root, list(python_files(root)))]
    assert found == [("configs/lone.yaml", "config-unused")]  # the source names small.yaml


def test_the_completeness_validator_finds_a_page_that_is_missing_or_was_typed(folder):
    page = measured(folder) / "RESULTS.md"
    page.write_text(page.read_text().replace("| 2 | 2 |", "| 2 | 1.9 |"))
    assert completeness(folder) == [("RESULTS.md", 1, "page-typed")]
    page.unlink()
    assert completeness(folder) == [("RESULTS.md", 1, "page-missing")]


def test_a_config_is_used_where_code_pages_or_other_configs_name_it(folder):
    root = folder.parents[1]
    for name in ("small.yaml", "base.yaml", "lone.yaml", "long.toml"):
        (folder / name).write_text("steps: 1\n")
    (folder / "small.yaml").write_text("extends: base.yaml\n")
    (folder / "README.md").write_text("`bloomery train papers/fade/long`\n")
    (folder / "check.json").write_text("{}")
    (root / "pyproject.toml").write_text("# check.json\n")
    found = unreferenced(root, folder, list(python_files(root)))
    assert [path.name for path in found] == ["lone.yaml"]


def test_a_source_that_is_deleted_meanwhile_names_nothing(folder):
    root = folder.parents[1]
    (folder / "small.yaml").write_text("steps: 1\n")
    tree = read_tree(root)
    (root / "src" / "fading.py").unlink()
    found = complete(root, read_folder(folder), (), tree)
    assert [(Path(one.path).name, one.code) for one in found] == [("small.yaml", "config-unused")]


def test_a_config_that_names_only_itself_is_not_used(folder):
    (folder / "lone.yaml").write_text("# lone.yaml\nsteps: 1\n")
    assert completeness(folder) == [("lone.yaml", 1, "config-unused")]


def test_python_files_leave_out_what_is_hidden_built_or_installed(tmp_path):
    for name in (".venv/a.py", "build/b.py", "env/lib/c.py", "src/d.py", "e.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "env" / "pyvenv.cfg").write_text("")
    assert [path.name for path in python_files(tmp_path)] == ["e.py", "d.py"]
