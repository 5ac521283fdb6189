"""Rows of calibration: a text's own tokens in order, and examples that are not held out."""

import pytest
import torch

from bloomery.core.errors import ConfigError, FormatRefused, MissingFile, UnknownName, UserError
from bloomery.forge.compression import calibration_rows
from bloomery.forge.compression.calibration_rows import mixture_of, rows_after, task_rows, text_rows
from bloomery.tasks.splitting import side_of
from bloomery.tasks.tokenizer import train_tokenizer

TOKENIZER = train_tokenizer([])  # a token a byte
TEXT = "".join(chr(97 + number % 26) for number in range(100))


def rows_of(path, seq_len=10, examples=4):
    return list(text_rows(TOKENIZER, path=path, seq_len=seq_len, examples=examples))


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "text"
    path.write_text(TEXT)
    return path


@pytest.mark.parametrize("piece", [7, 2**20])
def test_rows_are_the_texts_beginning_in_order(text, monkeypatch, piece):
    monkeypatch.setattr(calibration_rows, "PIECE", piece)
    rows = torch.cat(rows_of(text, examples=9))
    assert rows.shape == (9, 10)
    assert TOKENIZER.decode(rows.flatten()) == TEXT[:90]


def test_a_short_text_gives_the_rows_that_it_has(text):
    assert sum(map(len, rows_of(text, seq_len=30, examples=99))) == 3


def test_the_rows_after_are_the_next_of_the_text_and_as_many_at_most(text):
    def after(**asked):
        return list(rows_after(TOKENIZER, path=text, **asked))

    assert TOKENIZER.decode(torch.cat(after(seq_len=10, examples=3)).flatten()) == TEXT[30:60]
    assert TOKENIZER.decode(torch.cat(after(seq_len=10, examples=8)).flatten()) == TEXT[80:100]
    assert after(seq_len=10, examples=10) == after(seq_len=30, examples=99) == []


def test_a_text_shorter_than_a_row_is_too_small(text):
    with pytest.raises(UserError, match=r"calibration set is too small: .* has 100 tokens and a row 101"):
        rows_of(text, seq_len=101)


def test_no_more_is_read_than_needed(text, monkeypatch):
    """The second piece is no text, and nobody comes to it."""
    monkeypatch.setattr(calibration_rows, "PIECE", 50)
    text.write_bytes(TEXT[:50].encode() + b"x" * 2**20 + b"\xff")
    assert sum(map(len, rows_of(text, examples=5))) == 5


def test_what_is_no_text_is_refused(tmp_path):
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FormatRefused, match="no UTF-8 text"):
        rows_of(tmp_path / "bytes")
    for missing in (tmp_path / "none", tmp_path):
        with pytest.raises(MissingFile, match="there is no text"):
            rows_of(missing)


def test_examples_of_tasks_are_never_held_out_ones():
    rows = list(task_rows(TOKENIZER, mixture=mixture_of(["parity"], [10]), seq_len=64, examples=50, seed=3))
    shown = [TOKENIZER.decode(row[0], skip_special_tokens=True) for row in rows]
    prompts = [one[: one.index("=") + 1] for one in shown]
    assert len(rows) == 50
    assert {side_of(prompt) for prompt in prompts} == {"train"}


def test_an_example_that_does_not_fit_a_row_is_named():
    with pytest.raises(ConfigError, match="does not fit seq_len=4"):
        list(task_rows(TOKENIZER, mixture=mixture_of(["parity"], [10]), seq_len=4, examples=2, seed=0))


def test_a_mixture_is_at_the_difficulties_that_eval_measures():
    from bloomery.tasks.registry import task

    found = mixture_of(["parity", "sorting"])
    assert found["sorting"].difficulties == tuple(task("sorting").difficulties)[:4]
    assert mixture_of(["parity"], [10, 11])["parity"].difficulties == (10, 11)
    with pytest.raises(UnknownName, match="did you mean 'parity'"):
        mixture_of(["paritty"])
