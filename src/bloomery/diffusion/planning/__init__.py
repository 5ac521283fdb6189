"""Plans through mazes: a point mass, an expert that shows the way, and a diffusion model that plans windows.

mazes       layouts, shortest paths                 simulator   the point mass, in batches
controller  the way-point expert                    data        what it does between random goals
scores      reward, D4RL's score, intervals         windows     what planners learn from
window_net, nets  denoisers of windows              learning    training it
planner     in-painting of start and goal           tracking    driving along plans
driving     open loop, new plans, best of n         judging     the discriminator of synthetic plans
familiar    what is out of distribution             agent       plan(state, goal, reward) for agents
gold, legs  unseen coins                            drawing     pictures
folder      a planner as files
"""
