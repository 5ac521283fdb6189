"""`paper.yaml`: what is refused is named with file, line and key."""

from pathlib import Path

import pytest

from bloomery.core.errors import ConfigError, MissingFile
from bloomery.papers.verifying.claim import Claim
from bloomery.papers.verifying.paper_file import load

WHOLE = """\
citation:
  title: Fading
  authors: [Ada Example, Ben Sample]
  year: 2024
  arxiv: "0000.00001"
claims:
  - id: loss
    value: 2.5
    metric: loss
    direction: lower
    unit: nats
    tolerance: 0.05
    source: Table 3, row 2
    conditions: 3 seeds
    scale: ours
    command: fading.measuring:loss
    data: [digits]
  - id: curve
    curve:
      - {at: 0, value: 4}
      - {at: 10, value: 2.5}
    metric: loss
    direction: lower
    source: Figure 2
    command: [bloomery, train, "{seed}"]
    result: out/curve.json
data_sets:
  - name: digits
    files:
      - path: digits/images.gz
        sha256: "%s"
seeds: [1, 2]
budget_min: 5
readings:
  "3": {chosen: exact, why: it minimises the objective}
out_of_scope:
  "5-7": they describe hardware
""" % ("a" * 64)


def put(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "paper.yaml"
    path.write_text(text)
    return path


def refusal(tmp_path: Path, text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load(put(tmp_path, text))
    return str(caught.value).removeprefix(f"{tmp_path / 'paper.yaml'}:")


def test_a_whole_file_is_read(tmp_path):
    loaded = load(put(tmp_path, WHOLE))
    loss, curve = loaded.paper.claims
    assert (loss.value, loss.direction, loss.function) == (2.5, "lower", ("fading.measuring", "loss"))
    assert [(one.at, one.value) for one in curve.curve] == [(0.0, 4.0), (10.0, 2.5)]
    assert curve.function is None
    assert loaded.paper.reasons == dict.fromkeys(("5", "6", "7"), "they describe hardware")
    assert loaded.paper.choices["3"].chosen == "exact"
    assert (loaded.claim_line("loss"), loaded.claim_line("curve")) == (7, 18)


def test_numbers_with_a_dot_are_written_as_a_list(tmp_path):
    text = WHOLE.replace('  "5-7": they describe hardware', "  - {equations: A.2-A.3, why: proofs}")
    text = text.replace('  "3": {chosen:', "  - {equation: A.1, chosen:")
    paper = load(put(tmp_path, text)).paper
    assert (list(paper.reasons), list(paper.choices)) == (["A.2", "A.3"], ["A.1"])


TWICE = f"data_sets:\n  - {{name: digits, files: [{{path: a, sha256: {'b' * 64}}}]}}\n"
REFUSED = [
    ("    source: Table 3, row 2\n", "", "7: 'claims.0.source' is missing"),
    ("    source: Table 3, row 2", "    source: ' '", "7: claims.0: the source of claim 'loss' is empty"),
    (
        "    value: 2.5\n    metric",
        "    metric",
        "7: claims.0: the claim 'loss' states neither a value nor a curve",
    ),
    ("    direction: lower\n    unit", "    unit", "7: 'claims.0.direction' is missing"),
    ("    direction: lower\n    unit", "    direction: up\n    unit", "10: 'claims.0.direction' is 'up'"),
    (
        "    metric: loss\n    direction: lower\n    unit",
        "    direction: lower\n    unit",
        "7: 'claims.0.metric'",
    ),
    ("value: 2.5\n    metric", "value: '2.5'\n    metric", "8: 'claims.0.value' is '2.5' (str)"),
    ("value: 2.5\n    metric", "value: .nan\n    metric", "8: 'claims.0.value' is nan"),
    ("    tolerance: 0.05", "    tolerence: 0.05", "12: unknown key 'claims.0.tolerence'; did you mean"),
    ("id: curve", "id: loss", "the claim 'loss' is given twice"),
    ("id: loss", "id: Loss", "7: claims.0: the claim id 'Loss' is not lower case"),
    ("data: [digits]", "data: [letters]", "the claim 'loss' needs data sets that are not listed: letters"),
    (
        "seeds: [1, 2]",
        "  - {name: digits, files: []}",
        "data_sets.1: the data set 'digits' names no file",
    ),
    ("data_sets:\n", TWICE, "the data set 'digits' is given twice"),
    ("a" * 64, "abc", "30: data_sets.0.files.0: the sha256 of digits/images.gz is 'abc'"),
    ("digits/images.gz", "../images.gz", "30: data_sets.0.files.0: the path ../images.gz leaves the folder"),
    ("{at: 0, value: 4}", "{at: 20, value: 4}", "18: claims.1: the curve of claim 'curve' does not ascend"),
    ("    result: out/curve.json\n", "", "18: claims.1: the command line of claim 'curve' needs"),
    ("out/curve.json", "/out/curve.json", "18: claims.1: the result of claim 'curve' leaves the repository"),
    ("fading.measuring:loss", "python run.py", "7: claims.0: the command of claim 'loss' is 'python run.py'"),
    ("seeds: [1, 2]", "seeds: [1, 1]", "seeds are [1, 1], expected at least one, each once"),
    ("seeds: [1, 2]", "seeds: []", "seeds are [], expected at least one, each once"),
    (
        "why: it minimises the objective",
        "why: ''",
        "readings.3: the choice of the reading 'exact' says not why",
    ),
    ('"5-7": they', '"five": they', "'five' is no equation number"),
    ("they describe hardware", "''", "out_of_scope: equation 5 says not why"),
    ('"5-7":', "5:", "a key is a word without dots, not 5"),
    ("  title: Fading\n", "", "2: 'citation.title' is missing; it is: the full title"),
]


@pytest.mark.parametrize(("old", "new", "said"), REFUSED)
def test_what_is_wrong_is_named_by_line_and_key(tmp_path, old, new, said):
    assert old in WHOLE
    assert said in refusal(tmp_path, WHOLE.replace(old, new, 1))


def test_a_file_that_is_not_there_is_missing(tmp_path):
    with pytest.raises(MissingFile, match="expected the paper's file with citation and claims"):
        load(tmp_path / "paper.yaml")


def test_a_claim_made_in_code_is_held_to_the_same():
    with pytest.raises(ConfigError, match="neither a value nor a curve"):
        Claim(id="a", metric="loss", direction="lower", source="T1")
