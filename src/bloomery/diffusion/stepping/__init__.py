"""Ways from x_t to x_s: for numbers `ddpm`, `ddim`, `dpm_solver`; for tokens `ancestral`, `remasking`.

`selecting` is apart: where a `Selector` says which tokens are kept, the samples are not those of the process,
and what is claimed of likelihood holds of the exact steps only. `blocks` goes from left to right, with any of
them. `grids` are the times to stop at, `stopping` ends early, `passes` counts what it all costs.
"""
