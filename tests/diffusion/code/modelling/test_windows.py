"""Windows: every token once, breaks where lines begin, the language told in each."""

import numpy as np
import pytest
import torch

from bloomery.core.errors import UserError
from bloomery.diffusion.code.lexemes.tokenizer import LexemeTokenizer
from bloomery.diffusion.code.modelling.files import File
from bloomery.diffusion.code.modelling.windows import END_ID, PAD_ID, Windows, batched, cut, encoded

PYTHON = b'''"""Two
lines."""
import a, b

# a remark
def f(a,
      b):
    if a:
        return [b, (a)]

    return """x
y""" + b


class C:
    pass
'''
GO = b"package p\n\nfunc f(a int) {\n\tif a > 1 {\n\t\tg(a)\n\t}\n}\n"


@pytest.fixture(scope="module")
def tokenizer() -> LexemeTokenizer:
    return LexemeTokenizer.trained([(PYTHON * 3, "python"), (GO * 3, "go")], 1600)


@pytest.mark.parametrize(("data", "language"), [(PYTHON, "python"), (GO, "go")])
def test_lines_begin_where_the_text_has_line_ends(
    tokenizer: LexemeTokenizer, data: bytes, language: str
) -> None:
    """Against the text itself: what stands before a start decodes to whole lines."""
    file = encoded(tokenizer, File("f", language, data))
    texts = [
        tokenizer.decode([*file.header.tolist(), *file.body[:start].tolist()]) for start in file.starts[1:]
    ]
    written = [b"".join(data.splitlines(True)[:line]) for line in range(1, len(data.splitlines()))]
    assert file.starts[0] == 0
    assert {text.rstrip() for text in texts} <= {text.rstrip() for text in written}
    blank = sum(not line.strip() for line in data.splitlines())
    inside = 2 if language == "python" else 0  # lines that begin inside a string
    assert len(file.starts) == len(data.splitlines()) - blank - inside


@pytest.mark.parametrize("length", [16, 24, 40, 200])
def test_a_cut_file_is_whole_and_breaks_at_lines(tokenizer: LexemeTokenizer, length: int) -> None:
    file = encoded(tokenizer, File("f.py", "python", PYTHON))
    parts = cut(file, length)
    assert all(len(one.tokens) <= length and one.shown == 2 for one in parts)
    assert np.array_equal(np.concatenate([one.tokens[2:] for one in parts]), file.body)
    assert file.body[-1] == END_ID
    breaks = np.cumsum([len(one.tokens) - 2 for one in parts])[:-1]
    assert set(breaks) <= set(file.starts)
    assert tokenizer.decode([*file.header.tolist(), *file.body[:-1].tolist()]) == PYTHON


def test_a_line_longer_than_a_window_is_broken_all_the_same(tokenizer: LexemeTokenizer) -> None:
    file = encoded(tokenizer, File("f.py", "python", b"x = [" + b"a, " * 60 + b"]\n"))
    parts = cut(file, 16)
    assert sum(len(one.tokens) - 2 for one in parts) == len(file.body)
    assert max(len(one.tokens) for one in parts) == 16


def test_windows_are_drawn_anew_each_epoch_and_the_same_for_a_seed(tokenizer: LexemeTokenizer) -> None:
    files = [encoded(tokenizer, File("f", "python", PYTHON * 8)), encoded(tokenizer, File("g", "go", GO * 9))]
    windows = Windows(files, 32, seed=3)
    drawn = [[windows.window(epoch, index) for index in range(len(windows))] for epoch in range(30)]
    again = Windows(files, 32, seed=3).window(4, 5).tokens
    assert np.array_equal(again, drawn[4][5].tokens)
    assert not np.array_equal(again, Windows(files, 32, seed=4).window(4, 5).tokens)
    seen = [np.zeros(len(file.body)) for file in files]
    for one in (one for epoch in drawn for one in epoch):
        which = 0 if one.tokens[0] == files[0].header[0] else 1
        body = files[which].body
        starts = [at for at in files[which].starts if np.array_equal(body[at : at + 30], one.tokens[2:])]
        assert starts  # a line begins there
        seen[which][starts[0] : starts[0] + 30] += 1 / len(starts)
    assert len(windows) == sum(-(-len(file.body) // 30) for file in files)


def test_batches_hide_headers_and_padding_from_masks(tokenizer: LexemeTokenizer) -> None:
    file = encoded(tokenizer, File("g", "go", GO))
    batch = batched(cut(file, 16), 20)
    assert torch.equal(batch["seen"], batch["x"] != PAD_ID)
    assert not batch["mask"][:, :2].any()
    assert torch.equal(batch["mask"][:, 2:], batch["seen"][:, 2:])
    assert int(batch["mask"].sum()) == len(file.body)


def test_a_window_without_room_is_refused(tokenizer: LexemeTokenizer) -> None:
    with pytest.raises(UserError, match="a window of 8 tokens"):
        cut(encoded(tokenizer, File("g", "go", GO)), 8)
