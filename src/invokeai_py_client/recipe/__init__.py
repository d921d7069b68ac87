"""What made an image: its values and where each is known from; a search of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from invokeai_py_client._exports import lazy_exports

if TYPE_CHECKING:
    from invokeai_py_client.recipe.recipe import Recipe as Recipe
    from invokeai_py_client.recipe.values import RecipeValue as RecipeValue
else:
    _HOMES = {"recipe.recipe": "Recipe", "recipe.values": "RecipeValue"}
    __getattr__, __dir__, __all__ = lazy_exports(__name__, _HOMES)
