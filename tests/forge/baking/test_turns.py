"""What was baked, after other turns."""

from bloomery.forge.baking.divergence import residual
from bloomery.forge.baking.turns import after_turns, turns_before
from tests.forge.baking.bakes import BAR, loud_share
from tests.forge.baking.promptable import CONTROLS, TOKENIZER, UNSEEN, promptable_llama


def test_the_persona_is_kept_over_distractor_turns(loud):
    """Turns of another kind stand between, answered by the model before it was baked."""
    (model, _), base = loud, promptable_llama()
    for turns in (0, 1, 2):
        texts = turns_before(base, TOKENIZER, CONTROLS, turns=turns, count=len(UNSEEN), max_new_tokens=4)
        assert {text.count("\n") for text in texts} == {turns}
        asked = [text + one for text, one in zip(texts, UNSEEN, strict=True)]
        assert loud_share(model, asked) >= 0.9
        assert loud_share(base, asked) == 0


def test_the_residual_stays_small_after_turns(loud, held_out):
    """The teacher is asked at once, the student after two turns."""
    (model, _), base = loud, promptable_llama()
    texts = turns_before(base, TOKENIZER, CONTROLS, turns=2, count=len(held_out), max_new_tokens=4)
    later = after_turns(TOKENIZER, held_out, texts)
    left = residual(base, promptable_llama(), model, TOKENIZER, later)
    assert left.ratio <= 2 * BAR
    assert left.base > 0.5
