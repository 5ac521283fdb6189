"""Actor-critic: a bandit chooses what is measured next, a critic says beforehand what will come of it."""

from bloomery.optimize.methods.actor_critic.acting import ActorCritic
from bloomery.optimize.methods.actor_critic.calibration import Calibration, Forecast, calibrated
from bloomery.optimize.methods.actor_critic.critic import Critic
from bloomery.optimize.methods.actor_critic.policy import LinUcb

__all__ = ["ActorCritic", "Calibration", "Critic", "Forecast", "LinUcb", "calibrated"]
