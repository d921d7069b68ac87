"""What `help(client)` tells."""

from __future__ import annotations

import pydoc
from functools import cached_property

import pytest

from invokeai_py_client import AsyncInvokeAIClient, InvokeAIClient


@pytest.mark.parametrize("kind", [InvokeAIClient, AsyncInvokeAIClient])
def test_help_says_what_each_repository_is_and_is_for(kind):
    text = pydoc.render_doc(kind, renderer=pydoc.plaintext)
    repositories = {
        name: value
        for name, value in vars(kind).items()
        if isinstance(value, cached_property)
    }
    assert len(repositories) == 16
    for name, value in repositories.items():
        returned = value.func.__annotations__["return"].partition("[")[0]
        class_name, _, purpose = value.__doc__.partition(": ")
        assert class_name == f"`{returned}`"
        assert purpose.endswith(".")
        shown = text[text.index(f" {name} = ") :]
        assert value.__doc__ in shown.split("\n", 2)[1]
