"""Code by masked diffusion: tokens that are lexemes, and canvases that stay completable programs."""
