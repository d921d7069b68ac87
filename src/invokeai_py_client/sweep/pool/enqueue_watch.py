"""Whether a flow may have put jobs into a queue, seen by what it sends."""

from __future__ import annotations

from typing import Any, TypeVar

from invokeai_py_client._core.flow import Flow, intercept, with_inner
from invokeai_py_client._core.messages import Message, Request
from invokeai_py_client.exceptions import APIError
from invokeai_py_client.workflow.submitting.lost_reply_flows import may_have_arrived

T = TypeVar("T")


class EnqueueWatch:
    """Watches whether a flow may have put jobs into a queue."""

    def __init__(self) -> None:
        self.may_have_sent = False

    def follow(self, flow: Flow[T]) -> Flow[T]:
        """Run a flow, and note whether a batch that it sends may have arrived."""
        return intercept(flow, self._answer)

    def _answer(self, message: Message) -> Flow[Any]:
        if not _is_batch(message):
            return (yield with_inner(message, self.follow))
        may_be_there = True
        try:
            return (yield message)
        except APIError as error:
            may_be_there = may_have_arrived(error)
            raise
        finally:
            self.may_have_sent |= may_be_there


def _is_batch(message: Message) -> bool:
    return isinstance(message, Request) and message.path.endswith("/enqueue_batch")
