"""Decoding against brute force, real parsers and closed forms."""

import ast
import functools
import itertools
import operator
import warnings

import pytest
import torch
from torch import Tensor

from bloomery.core.errors import UserError
from bloomery.diffusion.code.completing.canvas import completable
from bloomery.diffusion.code.completing.terminals import Constraint
from bloomery.diffusion.code.decoding.caching import between, cached, prepared_between
from bloomery.diffusion.code.decoding.decode import Decoded, decode
from bloomery.diffusion.code.lexemes.tokenizer import LexemeTokenizer
from bloomery.diffusion.code.lexemes.vocabulary import MASK, SPECIAL
from bloomery.diffusion.code.modelling.model import CodeModel
from bloomery.diffusion.stepping.selecting import entropy_bound, factor, leftmost, surest, threshold

CODE = b"""def total(values, start=0):
    found = start
    for value in values:
        found += value
    return found
"""
MASKED = SPECIAL.index(MASK)


@pytest.fixture(scope="module")
def tokenizer() -> LexemeTokenizer:
    return LexemeTokenizer.trained([(CODE * 6, "python")], 1400)


@pytest.fixture(scope="module")
def constraint(tokenizer: LexemeTokenizer) -> Constraint:
    return Constraint(tokenizer, "python")


@pytest.fixture(scope="module")
def special(tokenizer: LexemeTokenizer) -> Tensor:
    return torch.arange(len(tokenizer)) < len(SPECIAL)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def fixed(length: int, vocabulary: int, seed: int = 0, spread: float = 3.0):
    """Logits that do not look at the canvas. Shapes: (L, V)"""
    return spread * torch.randn(length, vocabulary, generator=generator(seed), dtype=torch.float64)


def parses(tokenizer: LexemeTokenizer, tokens: list[int]) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(tokenizer.decode(tokens, "python"))
    except SyntaxError:
        return False
    return True


def refusing(tokenizer: LexemeTokenizer):
    return lambda tokens: "" if parses(tokenizer, tokens) else "it does not parse"


def masked(tokenizer: LexemeTokenizer, places: list[int]) -> Tensor:
    tokens = tokenizer.encode(CODE, "python")
    return torch.tensor([[MASKED if at in places else token for at, token in enumerate(tokens)]])


def test_without_constraint_a_low_threshold_takes_the_likeliest_of_all_in_one_pass(
    tokenizer: LexemeTokenizer,
):
    canvas, logits = masked(tokenizer, list(range(4, 12))), fixed(64, len(tokenizer))
    logits[:, MASKED] = 99.0  # what a net must never be taken at its word for
    found = decode(
        lambda ids: logits[None, : ids.shape[1]],
        canvas,
        mask=MASKED,
        generator=generator(),
        selector=threshold(1e-9),
    )
    logits[:, MASKED] = -torch.inf
    assert found.counts.passes == 1
    assert found.tokens[0, 4:12].tolist() == logits[4:12].argmax(-1).tolist()
    assert torch.equal(found.tokens[0, 12:], canvas[0, 12:])
    expected = logits.log_softmax(-1)[4:12].max(-1).values
    assert torch.allclose(found.log_p[0, 4:12], expected, atol=1e-12)


def test_one_mask_becomes_the_likeliest_token_with_which_the_program_parses(
    tokenizer: LexemeTokenizer, constraint: Constraint, special: Tensor
):
    """Brute force over the vocabulary, judged by `ast`."""
    for place in (3, 5, 8, 14, 17, 22, 30):
        canvas, logits = masked(tokenizer, [place]), fixed(64, len(tokenizer), seed=place)
        best = next(
            token
            for token in logits[place].argsort(descending=True).tolist()
            if not special[token]
            and token < tokenizer.vocabulary.first_piece
            and constraint.sets[token] & constraint.wild
            and parses(tokenizer, [*canvas[0, :place].tolist(), token, *canvas[0, place + 1 :].tolist()])
        )
        found = decode(
            lambda ids, logits=logits: logits[None, : ids.shape[1]],
            canvas,
            mask=MASKED,
            generator=generator(),
            constraint=constraint,
            accept=refusing(tokenizer),
            banned=special,
            dead_ends=50,
        )
        assert found.answered == [True]
        assert int(found.tokens[0, place]) == best


@pytest.mark.parametrize(
    "selector", [threshold(0.2), factor(1.5), entropy_bound(2.0), leftmost(2), surest(3)]
)
def test_every_committed_canvas_can_be_completed_by_what_brute_force_finds(
    tokenizer: LexemeTokenizer, constraint: Constraint, selector
):
    """Few tokens and three masks: after each pass some choice for the masks left makes a program of `ast`."""
    ids = tokenizer.vocabulary.ids
    texts = [("word", "values"), ("sign", "("), ("sign", ")"), ("sign", ","), ("sign", "+"), ("sign", ":")]
    few = [ids[text] for text in texts]
    banned = torch.ones(len(tokenizer), dtype=torch.bool)
    banned[few] = False
    tokens = tokenizer.encode(b"found = values ( values ) \n", "python")
    places = [4, 5, 6]
    canvas = torch.tensor([[MASKED if at in places else token for at, token in enumerate(tokens)]])
    said = functools.reduce(operator.or_, (constraint.sets[token] for token in few))
    limited = constraint.framed(limits=dict.fromkeys(places, said))
    for seed in range(8):
        logits, seen = fixed(len(tokens), len(tokenizer), seed), []
        found = decode(
            lambda ids, logits=logits: logits[None],
            canvas,
            mask=MASKED,
            generator=generator(),
            constraint=limited,
            selector=selector,
            banned=banned,
            temperature=1.0,
            each=lambda rows, seen=seen: seen.append(rows[0]),
        )
        assert found.answered == [True]
        for row in seen:
            left = [at for at, token in enumerate(row) if token == MASKED]
            options = itertools.product(few, repeat=len(left))
            assert any(parses(tokenizer, _with(row, left, option)) for option in options), row[4:7]


def _with(row: list[int], places: list[int], tokens: tuple[int, ...]) -> list[int]:
    found = list(row)
    for at, token in zip(places, tokens, strict=True):
        found[at] = token
    return found


def test_equal_seeds_give_equal_bits_and_others_do_not(
    tokenizer: LexemeTokenizer, constraint: Constraint, special: Tensor
):
    canvas, logits = masked(tokenizer, list(range(9, 24))).repeat(2, 1), fixed(64, len(tokenizer), spread=1.0)

    def drawn(seed: int) -> Decoded:
        return decode(
            lambda ids: logits[None, : ids.shape[1]].expand(len(ids), -1, -1),
            canvas,
            mask=MASKED,
            generator=generator(seed),
            constraint=constraint,
            banned=special,
            temperature=1.0,
        )

    one, same, other = drawn(1), drawn(1), drawn(2)
    assert torch.equal(one.tokens, same.tokens)
    assert torch.equal(one.log_p, same.log_p)
    assert not torch.equal(one.tokens, other.tokens)
    assert not torch.equal(one.tokens[0], one.tokens[1])


def test_what_is_given_stays_and_no_special_token_is_made(
    tokenizer: LexemeTokenizer, constraint: Constraint, special: Tensor
):
    canvas = masked(tokenizer, list(range(5, 30, 2)))
    found = decode(
        lambda ids: fixed(ids.shape[1], len(tokenizer))[None],
        canvas,
        mask=MASKED,
        generator=generator(),
        constraint=constraint,
        banned=special,
    )
    kept = canvas != MASKED
    assert torch.equal(found.tokens[kept], canvas[kept])
    assert not special[found.tokens[~kept]].any()
    assert constraint.completable(found.tokens[0].tolist())
    assert found.counts.commits >= 13


def test_what_cannot_be_completed_is_refused_before_any_pass(
    tokenizer: LexemeTokenizer, constraint: Constraint
):
    ids = tokenizer.vocabulary.ids
    canvas = torch.tensor([[ids["sign", ")"], MASKED, ids["newline", "0"]]])
    found = decode(lambda ids: 1 / 0, canvas, mask=MASKED, generator=generator(), constraint=constraint)
    assert (found.answered, found.counts.passes) == ([False], 0)
    assert "nothing to complete" in found.reasons[0]
    assert torch.equal(found.tokens, canvas)


def test_where_no_token_is_admissible_neighbours_are_masked_again_and_at_last_the_row_is_refused(
    tokenizer: LexemeTokenizer, constraint: Constraint
):
    """Only brackets that open may be said: each commit is completable, but not by what may be said."""
    ids = tokenizer.vocabulary.ids
    banned = torch.ones(len(tokenizer), dtype=torch.bool)
    banned[[ids["sign", "("], ids["word", "values"]]] = False
    line = [ids["word", "found"], ids["sign", "="]]
    canvas = torch.tensor([[*line, MASKED, MASKED, MASKED, ids["newline", "0"]]])
    found = decode(
        lambda _: fixed(6, len(tokenizer))[None],
        canvas,
        mask=MASKED,
        generator=generator(),
        constraint=constraint,
        banned=banned,
        dead_ends=3,
    )
    assert found.answered == [False]
    assert found.counts.dead_ends == 3
    assert "no token" in found.reasons[0]
    assert torch.equal(found.tokens, canvas)


def test_what_a_parser_refuses_is_masked_again_until_it_is_taken(tokenizer: LexemeTokenizer):
    """Reject and remask: the parser's word alone, without a constraint."""
    ids = tokenizer.vocabulary.ids
    tokens = tokenizer.encode(b"found = values\n", "python")
    place = tokens.index(ids["word", "values"])
    canvas = torch.tensor([[MASKED if at == place else token for at, token in enumerate(tokens)]])
    logits = torch.full((1, len(tokens), len(tokenizer)), -9.0)
    for score, text in ((3.0, ("sign", ")")), (2.0, ("sign", ",")), (1.0, ("word", "start"))):
        logits[0, place, ids[text]] = score
    arguments = {"mask": MASKED, "generator": generator(), "accept": refusing(tokenizer)}
    found = decode(lambda _: logits, canvas, **arguments)
    assert int(found.tokens[0, place]) == ids["word", "start"]
    assert (found.answered, found.counts.dead_ends) == ([True], 2)
    refused = decode(lambda _: logits, canvas, **arguments, dead_ends=1)
    assert refused.answered == [False]
    assert "does not parse" in refused.reasons[0]
    assert torch.equal(refused.tokens, canvas)


def test_steps_share_out_the_masks_evenly(tokenizer: LexemeTokenizer):
    canvas, seen = masked(tokenizer, list(range(4, 16))), []
    decode(
        lambda ids: fixed(ids.shape[1], len(tokenizer))[None],
        canvas,
        mask=MASKED,
        generator=generator(),
        selector=surest(),
        steps=4,
        each=lambda rows: seen.append(rows[0].count(MASKED)),
    )
    assert seen == [9, 6, 3, 0]


def test_blocks_are_filled_from_left_to_right_each_by_its_own_net(tokenizer: LexemeTokenizer):
    canvas, asked, seen = masked(tokenizer, list(range(4, 16))), [], []

    def prepare(ids: Tensor, start: int, end: int):
        asked.append((start, end, (ids[0] == MASKED).sum().item()))
        return lambda x: fixed(x.shape[1], len(tokenizer))[None, start:end]

    found = decode(
        lambda _: 1 / 0,
        canvas,
        mask=MASKED,
        generator=generator(),
        block=8,
        prepare=prepare,
        selector=surest(2),
        each=lambda rows: seen.append([at for at, token in enumerate(rows[0]) if token == MASKED]),
    )
    assert asked == [(0, 8, 12), (8, 16, 8)]
    assert [len(left) for left in seen] == [10, 8, 6, 4, 2, 0]
    assert seen[1] == list(range(8, 16))
    assert (found.counts.passes, found.counts.part) == (8, 6)
    whole = fixed(canvas.shape[1], len(tokenizer))
    whole[:, MASKED] = -torch.inf
    assert found.tokens[0, 4:16].tolist() == whole[4:16].argmax(-1).tolist()


def test_rows_have_their_own_constraints_and_their_own_ends(
    tokenizer: LexemeTokenizer, constraint: Constraint, special: Tensor
):
    canvas = masked(tokenizer, list(range(5, 20))).repeat(3, 1)
    canvas[1] = torch.tensor(tokenizer.encode(CODE, "python"))
    logits = fixed(64, len(tokenizer))
    options = {"mask": MASKED, "banned": special, "selector": threshold(0.3)}
    net = lambda ids: logits[None, : ids.shape[1]].expand(len(ids), -1, -1)  # noqa: E731
    both = decode(net, canvas, generator=generator(), constraint=[constraint.again(), None, None], **options)
    one = decode(net, canvas[:1], generator=generator(), constraint=constraint, **options)
    free = decode(net, canvas[2:], generator=generator(), **options)
    assert torch.equal(both.tokens[0], one.tokens[0])
    assert torch.equal(both.tokens[1], canvas[1])
    assert torch.equal(both.tokens[2], free.tokens[0])


@pytest.mark.parametrize(
    ("canvas", "options", "why"),
    [
        (torch.zeros(3, dtype=torch.long), {}, "rows of token ids"),
        (torch.zeros(1, 3), {}, "rows of token ids"),
        (torch.zeros(1, 3, dtype=torch.long), {"block": 0}, "1 or more"),
        (torch.zeros(1, 3, dtype=torch.long), {"constraint": [None, None]}, "2 constraints for 1 rows"),
    ],
)
def test_what_is_no_canvas_is_refused(canvas: Tensor, options: dict, why: str):
    with pytest.raises(UserError, match=why):
        decode(lambda _: 1 / 0, canvas, mask=1, generator=generator(), **options)


def test_a_constraint_in_a_frame_says_what_the_whole_canvas_says(
    tokenizer: LexemeTokenizer, constraint: Constraint
):
    tokens = tokenizer.encode(CODE, "python")
    whole = [MASKED if at in {8, 10, 12, 13} else token for at, token in enumerate(tokens)]
    framed = constraint.framed(constraint.canvas(whole[:8]), constraint.canvas(whole[16:]))
    assert framed.completable(whole[8:16])
    expected = constraint.admissible(whole)
    assert (framed.admissible(whole[8:16]) == expected[8:16]).all()
    assert (framed.admissible_at(whole[8:16], 4) == expected[12]).all()
    names = [constraint.grammar.names(bits) for bits in constraint.canvas(tokens)]
    assert completable(names, "python")
    known = constraint.grammar
    at, (name, _, *_) = next(
        (at, names)
        for at in (8, 10, 12, 13)
        if len(names := known.names(constraint._completer.admissible(constraint.canvas(whole), at)[0])) > 1
    )
    limited = constraint.framed(limits={at: known.bits([name])})
    alone = [
        bool(bits & known.bits([name])) and token != MASKED for token, bits in enumerate(constraint.sets)
    ]
    assert limited.admissible_at(whole, at).tolist() == alone


def test_a_block_whose_surroundings_are_kept_decodes_as_whole_passes_do_in_a_net_of_one_layer(
    tokenizer: LexemeTokenizer, constraint: Constraint, special: Tensor
):
    """Keys and values of one layer, without neighbours, depend on their own tokens only, which stay."""
    model = CodeModel.fresh(tokenizer, "tiny", num_hidden_layers=1, neighbours=0, places=False, seed=3)
    with torch.no_grad():
        model.net.stack.head.weight.normal_(0, 0.5, generator=generator(4))
    left, right = tokenizer.encode(CODE, "python")[:9], tokenizer.encode(CODE, "python")[17:]
    hole = torch.full((2, 8), MASKED)
    options = {"mask": MASKED, "banned": special, "temperature": 1.0, "selector": entropy_bound(2.0)}
    asked = []

    def counted(ids: Tensor, start: int, end: int):
        net = cached(model)(ids, start, end)
        return lambda x: asked.append(said := net(x)) or said

    sides = constraint.canvas(left), constraint.canvas(right)
    whole, kept = (
        decode(between(model.logits, left, right), hole, generator=generator(5), prepare=prepare,
               constraint=constraint.framed(*sides), **options)
        for prepare in (None, prepared_between(counted, left, right))
    )  # fmt: skip
    assert torch.equal(whole.tokens, kept.tokens)
    assert torch.allclose(whole.log_p, kept.log_p, atol=1e-4)
    assert all(whole.answered)
    assert {tuple(said.shape) for said in asked} == {(2, 8, len(tokenizer))}
    assert kept.counts.part == len(asked) == kept.counts.passes - 1


def test_what_the_grammar_refused_is_not_proposed_again_nor_are_tokens_like_it(
    tokenizer: LexemeTokenizer, constraint: Constraint
):
    """Three line ends are likelier than the name that fits: one refusal speaks for all three."""
    ids = tokenizer.vocabulary.ids
    canvas = torch.tensor([[ids["word", "found"], ids["sign", "="], MASKED, ids["newline", "0"]]])
    logits = torch.full((1, 4, len(tokenizer)), -9.0)
    for score, text in enumerate((("word", "start"), ("newline", "2"), ("newline", "1"), ("newline", "0"))):
        logits[0, 2, ids[text]] = float(score)
    found = decode(lambda _: logits, canvas, mask=MASKED, generator=generator(), constraint=constraint)
    assert int(found.tokens[0, 2]) == ids["word", "start"]
    assert (found.counts.refusals, found.counts.passes, found.counts.dead_ends) == (1, 1, 0)
