"""A store keeps what was put, for one attempt."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bloomery.tasks.tools.store import MOST_ENTRIES, key_value_store
from bloomery.tasks.tools.tool import ToolFailed, World

keys, values = st.sampled_from("abc"), st.none() | st.text("xy", max_size=2)


@given(st.lists(st.tuples(keys, values)))
def test_it_answers_as_a_dictionary_does(uses):
    use, model = key_value_store().start(World()), {}
    for key, value in uses:
        if value is not None:
            model[key] = value
        if key in model:
            assert use(key=key, **({} if value is None else {"value": value})) == model[key]
        else:
            with pytest.raises(ToolFailed, match=f"no key '{key}'"):
                use(key=key)


def test_a_full_store_takes_no_new_key_and_still_changes_old_ones():
    use = key_value_store().start(World())
    for place in range(MOST_ENTRIES):
        use(key=str(place), value="old")
    with pytest.raises(ToolFailed, match="full"):
        use(key="one more", value="x")
    assert use(key="7", value="changed") == use(key="7") == "changed"
