"""Planners of other nets: built, trained, kept and read again."""

import pytest
import torch

from bloomery.core.errors import FormatRefused, UnknownName
from bloomery.diffusion.planning.evolving.evolve import real_windows
from bloomery.diffusion.planning.folder import load_planner, save_planner
from bloomery.diffusion.planning.learning import PlannerConfig, fresh_net, learn, windows_loss
from bloomery.diffusion.planning.mazes import named
from bloomery.diffusion.planning.nets import SIZES, built, described
from bloomery.diffusion.planning.planner import clean_data
from bloomery.diffusion.planning.windows import WIDTH, Spec

MAZE, SPEC = named("umaze"), Spec(horizon=9, stride=20)  # 9: no whole number of halvings


@pytest.mark.parametrize("kind", SIZES)
def test_each_kind_learns_and_is_read_again_with_the_same_plans(kind, rides, tmp_path):
    config = PlannerConfig(
        net=kind, hidden=16, depth=2, steps=60, batch=32, rate=1e-2, precision="fp32", average=0.5, seed=1
    )
    planner = learn(MAZE, rides, SPEC, config)
    each, batch = windows_loss(clean_data(), config), real_windows(planner, rides, 64, 0)
    before, after = (
        float(each(net, batch, torch.Generator().manual_seed(0)).mean().detach())
        for net in (fresh_net(MAZE, SPEC, config), planner.net)
    )
    assert after < 0.9 * before, (before, after)
    x, t = torch.randn(3, SPEC.horizon, WIDTH), torch.rand(3)
    assert planner.net(x, t).shape == x.shape
    save_planner(planner, tmp_path / "one")
    back = load_planner(tmp_path / "one")
    assert type(back.net) is type(planner.net)
    torch.testing.assert_close(back.net(x, t), planner.net(x, t), rtol=0, atol=0)


def test_other_kinds_are_refused():
    with pytest.raises(UnknownName, match="did you mean 'transformer'"):
        built(MAZE, SPEC, "transformers")
    with pytest.raises(FormatRefused, match="not a Linear"):
        described(torch.nn.Linear(2, 2))


def test_sizes_are_those_of_their_kind_unless_told():
    for kind, (hidden, depth) in SIZES.items():
        assert described(built(MAZE, SPEC, kind)) == {"kind": kind, "hidden": hidden, "depth": depth}
        assert described(built(MAZE, SPEC, kind, 8, 2))["hidden"] == 8
