"""Training: recipes, the loop, the stages. Nothing here is needed to compose."""

from phraseloom.training.run import run_recipe

__all__ = ["run_recipe"]
