"""What a language model is told as an actor: the change that the policy chose, what the critic expects."""

from collections.abc import Mapping, Sequence

from bloomery.optimize.asking import MODELS
from bloomery.optimize.methods.actor_critic.critic import Critic
from bloomery.optimize.methods.actor_critic.features import proposal_features
from bloomery.optimize.methods.actor_critic.policy import LinUcb
from bloomery.optimize.proposal import Goal, Known, Proposal
from bloomery.optimize.proposers.models.proposing import APPROACHES

REASONS = 5


def kinds_of(goal: Goal) -> Sequence[str]:
    return APPROACHES.get(goal, ())


def chosen(
    policy: LinUcb, kinds: Sequence[str], path: str, function: str, before: Mapping[str, str]
) -> tuple[str, Mapping[str, float]]:
    """The kind of change with the largest bound for this function, and the features that it would have."""
    offers = [
        proposal_features(Proposal(MODELS, kind, "", {path: before[path]}, function), before)
        for kind in kinds
    ]
    at = policy.choose(offers)
    return kinds[at], offers[at]


def brief(
    critic: Critic, kind: str, features: Mapping[str, float], function: str, tried: Sequence[str]
) -> Known:
    return Known(
        part="actor", functions=(function,), tried={function: list(tried)}, kind=kind,
        forecast=forecast(critic, features),
    )  # fmt: skip


def forecast(critic: Critic, features: Mapping[str, float]) -> str:
    """The critic's prediction with the features that weigh most in it; empty before it learned anything."""
    if not critic.names:
        return ""
    chance, score = critic.predict(features)
    lines = [f"{'for' if one > 0 else 'against'} it: {name} ({one:+.2f})"
             for name, one in critic.reasons(features)[:REASONS]]  # fmt: skip
    return "\n".join([f"accepted with a chance of {chance:.2f}, score {score:.2f} of 1", *lines])
