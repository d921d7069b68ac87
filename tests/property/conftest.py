"""What the modules of this folder share."""

from __future__ import annotations

import logging

import pytest


@pytest.fixture(scope="module")
def quiet():
    """No log of the thousands of things that go wrong on purpose."""
    logger = logging.getLogger("invokeai_py_client")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    yield
    logger.setLevel(before)
