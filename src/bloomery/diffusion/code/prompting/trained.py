"""The workspace's own prompt model, trained once and remembered there."""

from bloomery.core.closure import Deferred
from bloomery.core.run import Run, Watch
from bloomery.core.step import StepContext
from bloomery.core.workspace import Workspace
from bloomery.diffusion.code.prompting.learning import LearningConfig, fresh, learn
from bloomery.diffusion.code.prompting.model import PromptModel

STEP = "prompts"


def model_of(
    workspace: Workspace, *, steps: int | None = None, seed: int = 0, watch: Watch | None = None
) -> PromptModel:
    """Where the workspace has none, it is trained now; killed or stopped, the next call goes on.

    Raises: Paused, WorkspaceBusy.
    """
    config = {"steps": steps or LearningConfig().steps}
    with Run.start(workspace, recipe="prompt model", config=config, seed=seed, watch=watch) as run:
        cid = run.step(STEP, Deferred(__name__, "train"), config=config).outputs[STEP]
    return PromptModel.load(workspace.store.path(cid))


def train(context: StepContext) -> None:
    """The step: a model of all five languages."""
    config = LearningConfig(steps=context.config["steps"], seed=context.seed)
    model = fresh(config)
    learn(model, config, folder=context.checkpoint, tell=context.progress, should_stop=context.stop_requested)
    model.save(context.output / STEP)
