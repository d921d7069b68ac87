"""Errors come back from other processes as what they were."""

from __future__ import annotations

import errno
import pickle

import pytest
from public_api import public_classes

from invokeai_py_client import exceptions
from invokeai_py_client.exceptions import (
    ArgumentError,
    FieldProblem,
    FieldValidationError,
    InvokeAIError,
    LocalFileError,
)

ERRORS = [kind for kind in public_classes() if issubclass(kind, InvokeAIError)]


def again(error):
    return pickle.loads(pickle.dumps(error))


def test_every_error_is_among_those():
    listed = {getattr(exceptions, name) for name in exceptions.__all__}
    kinds = {kind for kind in listed if isinstance(kind, type)}
    assert {kind for kind in kinds if issubclass(kind, InvokeAIError)} <= set(ERRORS)


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
def test_an_error_of_each_class_can_be_pickled(kind):
    # Their constructors take different arguments; what they have in common is data.
    error = kind.__new__(kind)
    InvokeAIError.__init__(error, "what happened", hint="what to do")
    error.detail = {"status": 503}
    found = again(error)
    assert type(found) is kind
    assert str(found) == str(error)
    assert vars(found) == vars(error)


def test_an_error_has_its_details_on_the_other_side():
    problem = FieldProblem("is too small", "minimum", "node", "steps", value=0)
    found = again(FieldValidationError([problem]))
    assert list(found.problems) == [problem]
    wrong = again(ArgumentError("runs", 0, "a whole number from 1 on"))
    assert (wrong.argument, wrong.value) == ("runs", 0)
    full = again(LocalFileError.of(OSError(errno.ENOSPC, "no space", "/disk/file")))
    assert (full.errno, full.filename) == (errno.ENOSPC, "/disk/file")
