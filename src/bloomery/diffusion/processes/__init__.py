"""Diffusion in continuous time: t goes from 0, the data, to 1, the noise.

A process (`process`) has two members: `continuous`, Gaussian noise over numbers, and `masked`, masks over
tokens. How much of the data is left at t says a curve (`curves`), whatever the noise is. `sampling` goes from
noise to data with any process, net and stepper.
"""
