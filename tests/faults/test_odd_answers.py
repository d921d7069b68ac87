"""Whatever JSON a server answers, a call gives a result or an error of ours."""

from __future__ import annotations

import contextlib
import warnings

import pytest

from contract.api_schema import api_schema
from contract.calls import all_calls
from faults.rig.odd_answers import EndlessError, perform
from invokeai_py_client.exceptions import InvokeAIError

ANY_JSON = "for any JSON that comes back, a call ends or raises an `InvokeAIError`"

pytestmark = pytest.mark.usefixtures("quiet")


def try_all(seeds, folder):
    document, tried = api_schema(), 0
    for call in all_calls():
        # Local folders are shared: what one call left there is no answer's fault.
        for seed in seeds:
            own = folder / f"{tried}"
            own.mkdir()
            # Waiting for ever is what a wait without a timeout is asked to do.
            with contextlib.suppress(InvokeAIError, EndlessError):
                repr(perform(call, document, own, seed))
            tried += 1
    return tried


@pytest.fixture(autouse=True)
def _no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def test_no_answer_breaks_a_call(tmp_path, outcomes):
    tried = try_all(range(3), tmp_path)
    assert tried > 500
    methods = {call.method for call in all_calls()}
    # Among them those that submit, wait and watch.
    assert methods >= {"WorkflowHandle.run", "ModelInstallJob.wait", "events"}
    outcomes.tried(ANY_JSON, "calls with parts of the answers replaced", tried)
    outcomes.tried(ANY_JSON, "public methods that were called", len(methods))


@pytest.mark.long
def test_no_answer_of_many_breaks_a_call(tmp_path):
    assert try_all(range(3, 60), tmp_path) > 10_000
