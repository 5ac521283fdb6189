"""What a training's config refuses, and what it counts."""

from pathlib import Path

import pytest

from bloomery.core.errors import UserError
from bloomery.forge.supervised.architectures import IMAGES, LANGUAGE, PUZZLES, SIGHTS
from bloomery.forge.supervised.settings import MODELS
from bloomery.forge.supervised.training import plan

PAPER = Path(__file__).parents[3] / "papers" / "lenet5"


def changed(*overrides: str):
    return plan(PAPER / "modern.yaml", overrides).config


def test_every_known_model_can_be_made_and_every_other_is_not_known():
    known = {"images": list(IMAGES), "language": list(LANGUAGE), "puzzles": list(PUZZLES)}
    assert known == {kind: [name for name, its in MODELS.items() if its == kind] for kind in known}
    assert set(MODELS.values()) == set(known)
    assert set(SIGHTS) == set(IMAGES)


def test_an_epoch_is_the_images_that_are_not_held_out():
    config = changed("images.epochs=3", "images.train.micro_batch=64")
    assert config.images.steps() == 3 * (60000 // 64)
    assert changed("images.epochs=3", "images.validation=5000").images.steps() == 3 * (55000 // 64)
    assert changed("images.epochs=3", "images.train.accumulate=2").images.steps() == 3 * (60000 // 64) // 2


@pytest.mark.parametrize("name", ["modern", "original"])
def test_the_papers_configs_say_what_they_are_of(name):
    config = plan(PAPER / f"{name}.yaml").config
    assert (config.model, config.architecture["variant"], config.images.validation) == ("lenet5", name, 0)
    assert config.bars == {"mnist": {"modern": 0.99, "original": 0.985}[name]}


def test_one_config_extends_another_and_an_override_has_the_last_word():
    config = changed("threads=1")
    assert (config.model, config.threads, config.images.train["checkpoint_every"]) == ("lenet5", 1, 500)


@pytest.mark.parametrize(
    ("override", "says"),
    [
        (
            "architecture.memory_options.bias=l3",
            "bias must be one of dot, l2, lp, huber, value_shift; got 'l3'",
        ),
        ("architecture.memory_options.retention.name=none", "retention must be one of decay, norm"),
        ("architecture.memory_options.bias.p=2", "'p'"),
        ("architecture.num_attention_heads=7", "does not split into 7 heads"),
    ],
)
def test_a_part_that_a_memory_does_not_know_is_named_before_anything_runs(override, says):
    with pytest.raises(UserError) as told:
        plan(PAPER.parent / "miras" / "pair.yaml", ["architecture.variant=mag", override])
    assert says in str(told.value)


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("model=lenet", "unknown model 'lenet'; did you mean 'lenet5'"),
        ("architecture.variannt=modern", "unknown key 'architecture.variannt'; did you mean 'variant'"),
        ("architecture.variant=1998", "variant must be one of modern, original; got 1998"),
        ("architecture.vocab_size=3", "unknown key 'architecture.vocab_size'"),
        ("model=titans", "titans is a model of language and learns from images here; give 'language' alone"),
        ("images=null", "lenet5 is a model of images and learns from nothing here"),
        ("images.data=mnits", "unknown data set of images 'mnits'; did you mean 'mnist'"),
        ("images.data=gsm8k", "unknown data set of images 'gsm8k'"),
        ("images.augment.shifts=1", "unknown key 'images.augment.shifts'; did you mean 'shift'"),
        ("images.augment.rotate=200", "at most 180.0"),
        ("images.validation=60000", "a batch of 64 cannot be drawn from the others"),
        ("images.schedule.warmup_steps=90000", "there are 7496 steps: warm up for fewer"),
        ("images.train.steps_=1", "images.train.steps_"),
        ("bars.mnits=0.9", "in 'bars' 'mnits'; did you mean 'mnist'"),
    ],
)
def test_a_wrong_setting_is_one_line_that_names_it(override, says):
    with pytest.raises(UserError) as told:
        changed(override)
    assert says in str(told.value)
