"""Where a project runs, as one table: what is installed, how large, and how much longer it takes."""

from dataclasses import dataclass

from bloomery.core.errors import UnknownName
from bloomery.papers.planning.judged import Sizes
from bloomery.papers.planning.planned import EnvironmentName


@dataclass(frozen=True, kw_only=True)
class Environment:
    """What differs from one place to another."""

    name: EnvironmentName
    title: str
    before: tuple[str, ...]  # commands before the project is made
    install: tuple[str, ...]  # commands that install its dependencies
    notebooks: tuple[str, ...]
    default: Sizes
    factor: float  # on the time of phases that train
    note: str


PACKAGES = "torch numpy einops pyyaml"
SMALL = Sizes(width=64, layers=2, heads=2, sequence=64, batch=8, steps=100)  # seconds on one core
QUICKSTART = "notebooks/quickstart.ipynb"
COLAB = "notebooks/colab.ipynb"

ENVIRONMENTS: dict[EnvironmentName, Environment] = {
    environment.name: environment
    for environment in (
        Environment(
            name="cpu",
            title="Local CPU",
            before=(),
            install=(f"uv add {PACKAGES}  # a build of torch for CPUs is enough",),
            notebooks=(QUICKSTART,),
            default=Sizes(width=128, layers=4, heads=4, sequence=256, batch=16, steps=2000),
            factor=2.0,
            note="Sizes are for one or two cores; claims at the papers' scale stay not run here.",
        ),
        Environment(
            name="gpu",
            title="Local GPU",
            before=("nvidia-smi",),
            install=(
                f"uv add {PACKAGES}",
                'uv run python -c "import torch; assert torch.cuda.is_available()"',
            ),
            notebooks=(QUICKSTART,),
            default=Sizes(
                width=512,
                layers=12,
                heads=8,
                sequence=1024,
                batch=32,
                steps=20_000,
                precision="bfloat16",
            ),
            factor=1.0,
            note="Tests run on the CPU in float32 and float64; training uses bfloat16.",
        ),
        Environment(
            name="colab-free",
            title="Colab Free",
            before=("pip install uv",),
            install=(f"uv add {PACKAGES}",),
            notebooks=(QUICKSTART, COLAB),
            default=Sizes(
                width=256, layers=6, heads=4, sequence=512, batch=16, steps=5000, precision="float16"
            ),
            factor=1.5,
            note="A session may end at any time: checkpoints go to the mounted drive, and training resumes.",
        ),
        Environment(
            name="colab-pro",
            title="Colab Pro",
            before=("pip install uv",),
            install=(f"uv add {PACKAGES}",),
            notebooks=(QUICKSTART, COLAB),
            default=Sizes(
                width=384,
                layers=8,
                heads=6,
                sequence=1024,
                batch=24,
                steps=10_000,
                precision="bfloat16",
            ),
            factor=1.25,
            note="Sessions last longer, and still end: checkpoints go to the mounted drive.",
        ),
    )
}


def environment_of(name: str) -> Environment:
    """Raises: UnknownName."""
    for key, environment in ENVIRONMENTS.items():
        if key == name:
            return environment
    raise UnknownName("environment", name, ENVIRONMENTS)
