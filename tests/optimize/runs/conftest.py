from tests.optimize.runs.shops import private_git, quick, shop

__all__ = ["private_git", "quick", "shop"]
