"""Enqueuing: once, or refused, or unknown and settleable."""

from __future__ import annotations

from collections import deque

import pytest

from invokeai_py_client.exceptions import (
    APIConnectionError,
    APIStatusError,
    InternalServerError,
    QueueFullError,
    SubmissionUnknownError,
)
from invokeai_py_client.workflow.enqueue_flows import Placing, adopt, enqueue, settle
from invokeai_py_client.workflow.orders import Order
from invokeai_py_client.workflow.queue_calls import find_jobs
from queue_double import Fault, QueueDouble, drive, reply


def order(prompts=("a", "b", "c"), runs=1, **more):
    data = [[{"node_path": "n", "field_name": "p", "items": list(prompts)}]]
    return Order("batch-1", graph={}, data=data if prompts else [], runs=runs, **more)


def live(queue):
    """Prompts of the jobs that will run or have run."""
    return [
        row["field_values"][0]["value"]
        for row in queue.of_batch("batch-1")
        if row["status"] != "canceled"
    ]


def test_ids_come_back_in_expansion_order():
    queue = QueueDouble()
    placed = drive(enqueue(order(), Placing()), queue)
    assert placed.item_ids == (1, 2, 3)
    assert queue.requests == [("POST", "/api/v1/queue/default/enqueue_batch")]


def test_a_reply_lost_after_the_jobs_arrived_is_settled_without_sending_again():
    queue = QueueDouble(faults=deque([Fault("lost", handled=True)]))
    placed = drive(enqueue(order(), Placing()), queue)
    assert placed.item_ids == (1, 2, 3)
    assert queue.enqueue_calls == 1


def test_jobs_that_appear_late_are_waited_for():
    queue = QueueDouble(faults=deque([Fault("lost", handled=True, after=0.6)]))
    placed = drive(enqueue(order(), Placing()), queue)
    assert placed.item_ids == (1, 2, 3)
    assert queue.enqueue_calls == 1
    assert queue.time < 2


def test_a_request_that_never_arrived_is_sent_once_more():
    queue = QueueDouble(faults=deque([Fault("lost")]))
    placed = drive(enqueue(order(), Placing(settle_time=3)), queue)
    assert placed.item_ids == (1, 2, 3)
    assert placed.resent
    assert queue.time == pytest.approx(6, abs=1)


def test_a_copy_that_arrives_after_the_second_sending_is_cancelled():
    queue = QueueDouble(faults=deque([Fault("lost", handled=True, after=12.0)]))
    placed = drive(enqueue(order(), Placing(settle_time=10)), queue)
    assert live(queue) == ["a", "b", "c"]
    assert placed.item_ids == (1, 2, 3)
    assert queue.enqueue_calls == 2
    # Who looks the batch up finds its jobs, not the copy that went.
    found = drive(find_jobs("default", "batch-1"), queue)
    assert tuple(job.item_id for job in found) == placed.item_ids


def test_a_request_that_could_not_be_sent_is_no_lost_submission():
    queue = QueueDouble(faults=deque([Fault("refused")]))
    with pytest.raises(APIConnectionError, match="refused"):
        drive(enqueue(order(), Placing()), queue)
    assert queue.time < 1


def test_without_any_answer_the_submission_is_unknown():
    queue = QueueDouble(faults=deque([Fault("lost")] * 1000))
    with pytest.raises(SubmissionUnknownError) as caught:
        drive(enqueue(order(), Placing(settle_time=5)), queue)
    assert caught.value.batch_id == "batch-1"
    assert isinstance(caught.value.__cause__, APIConnectionError)


def test_settling_later_finds_the_jobs_or_submits_them():
    queue = QueueDouble()
    queue.enqueue(order().body())
    placed = drive(settle(order(), Placing()), queue)
    assert placed.item_ids == (1, 2, 3)
    empty = QueueDouble()
    assert drive(settle(order(), Placing(settle_time=1)), empty).item_ids == (1, 2, 3)


def test_a_server_error_while_enqueuing_is_reported_when_nothing_arrived():
    queue = QueueDouble(faults=deque([Fault("500")]))
    with pytest.raises(InternalServerError):
        drive(enqueue(order(), Placing(settle_time=1)), queue)
    assert queue.enqueue_calls == 0


@pytest.mark.parametrize("status", ["408", "429"])
def test_not_now_is_a_refusal_after_one_look(status):
    queue = QueueDouble(faults=deque([Fault(status)]))
    with pytest.raises(APIStatusError) as caught:
        drive(enqueue(order(), Placing()), queue)
    assert caught.value.status_code == int(status)
    assert queue.enqueue_calls == 0
    assert queue.time < 1


@pytest.mark.parametrize("status", ["408", "429"])
def test_not_now_that_was_said_too_late_is_a_submission(status):
    queue = QueueDouble(faults=deque([Fault(status, handled=True)]))
    assert drive(enqueue(order(), Placing()), queue).item_ids == (1, 2, 3)
    assert queue.enqueue_calls == 1


def test_not_now_to_the_second_sending_is_a_refusal():
    queue = QueueDouble(faults=deque([Fault("lost")]))
    route = "/api/v1/queue/default/enqueue_batch"
    queue.extra_routes[route] = lambda request: reply(request, 429, b"{}")
    with pytest.raises(APIStatusError) as caught:
        drive(enqueue(order(), Placing(settle_time=1)), queue)
    assert caught.value.status_code == 429
    assert live(queue) == []


def test_not_now_without_a_look_is_unknown():
    queue = QueueDouble(faults=deque([Fault("429"), *[Fault("lost")] * 1000]))
    with pytest.raises(SubmissionUnknownError):
        drive(enqueue(order(), Placing(settle_time=1)), queue)


def test_a_server_error_after_the_jobs_arrived_is_a_submission():
    queue = QueueDouble(faults=deque([Fault("500", handled=True)]))
    assert drive(enqueue(order(), Placing()), queue).item_ids == (1, 2, 3)


def test_a_full_queue_is_an_error_and_what_was_taken_is_taken_back():
    queue = QueueDouble(max_queue_size=2)
    with pytest.raises(QueueFullError) as caught:
        drive(enqueue(order(), Placing()), queue)
    assert (caught.value.requested, caught.value.enqueued) == (3, 2)
    assert live(queue) == []


def test_a_full_queue_may_keep_the_part_that_fitted():
    queue = QueueDouble(max_queue_size=2)
    placed = drive(enqueue(order(), Placing(on_full="partial")), queue)
    assert placed.item_ids == (1, 2)
    assert placed.requested == 3


def test_the_rest_of_an_order_follows_as_room_appears():
    queue = QueueDouble(max_queue_size=2)
    for moment in range(1, 30):
        queue.at(moment, lambda: finish_one(queue))
    placed = drive(enqueue(order("abcde"), Placing(on_full="wait")), queue)
    assert live(queue) == list("abcde")
    assert placed.item_ids == (1, 2, 3, 4, 5)


@pytest.mark.parametrize("status", ["408", "429", "503"])
def test_the_rest_of_an_order_waits_for_a_server_that_says_not_now(status):
    queue = QueueDouble(max_queue_size=2, faults=deque([None, Fault(status)]))
    queue.at(1, lambda: finish_one(queue))
    placed = drive(enqueue(order(), Placing(on_full="wait")), queue)
    assert placed.item_ids == (1, 2, 3)
    assert live(queue) == ["a", "b", "c"]


def finish_one(queue):
    for row in queue.rows.values():
        if row["status"] == "pending":
            queue.move(row["item_id"], "completed")
            return


def test_the_rest_of_a_batch_without_data_is_a_number_of_runs():
    rest = order(prompts=(), runs=5).after(2, [1, 2])
    assert (rest.runs, rest.data, rest.requested) == (3, [], 3)
    assert rest.known == {1, 2}


def test_expansion_is_runs_then_product_with_the_last_group_fastest():
    both = Order(
        "b",
        graph={},
        data=[
            [{"node_path": "n", "field_name": "a", "items": [1, 2]}],
            [{"node_path": "n", "field_name": "b", "items": [10, 20, 30]}],
        ],
        runs=2,
    )
    once = [(1, 10), (1, 20), (1, 30), (2, 10), (2, 20), (2, 30)]
    pairs = [tuple(value["value"] for value in job) for job in both.expansion()]
    assert pairs == once * 2
    assert both.requested == 12


def test_the_rest_of_a_product_is_one_zipped_group_in_the_same_order():
    both = Order(
        "b",
        graph={},
        data=[
            [{"node_path": "n", "field_name": "a", "items": [1, 2]}],
            [{"node_path": "n", "field_name": "b", "items": [10, 20]}],
        ],
    )
    assert both.after(1, [7]).expansion() == both.expansion()[1:]


def test_jobs_under_the_same_key_are_adopted_however_they_ended():
    queue = QueueDouble()
    queue.enqueue(order().body())
    queue.move(2, "canceled")
    found = drive(find_jobs("default", "batch-1"), queue)
    placed = adopt(order(), found)
    assert placed is not None
    assert placed.item_ids == (1, 2, 3)
    assert placed.adopted


def test_jobs_taken_back_from_a_full_queue_are_not_adopted():
    queue = QueueDouble(max_queue_size=2)
    with pytest.raises(QueueFullError):
        drive(enqueue(order(), Placing()), queue)
    found = drive(find_jobs("default", "batch-1"), queue)
    assert adopt(order(), found) is None


def test_known_jobs_of_the_batch_id_are_never_taken_for_ours():
    queue = QueueDouble(max_queue_size=2)
    with pytest.raises(QueueFullError):
        drive(enqueue(order(), Placing()), queue)
    queue.max_queue_size = 100
    placed = drive(enqueue(order(known=frozenset({1, 2})), Placing()), queue)
    assert placed.item_ids == (3, 4, 5)


def test_known_jobs_are_let_be_when_a_reply_is_lost():
    queue = QueueDouble(max_queue_size=2)
    with pytest.raises(QueueFullError):
        drive(enqueue(order(), Placing()), queue)
    queue.max_queue_size = 100
    queue.faults.append(Fault("lost", handled=True))
    placed = drive(enqueue(order(known=frozenset({1, 2})), Placing()), queue)
    assert placed.item_ids == (3, 4, 5)
    assert [queue.rows[key]["status"] for key in (1, 2)] == ["canceled"] * 2
    assert live(queue) == ["a", "b", "c"]


def test_two_processes_with_one_key_end_with_one_copy():
    queue = QueueDouble()
    first = drive(enqueue(order(), Placing()), queue)
    queue.move(1, "in_progress")
    # The second looked before the first had posted.
    second = drive(enqueue(order(), Placing()), queue)
    assert first.item_ids == second.item_ids == (1, 2, 3)
    assert live(queue) == ["a", "b", "c"]


def test_children_of_workflow_calls_are_no_jobs_of_the_batch():
    queue = QueueDouble()
    queue.enqueue(order().body())
    queue.add("batch-1", parent_item_id=1)
    found = drive(find_jobs("default", "batch-1"), queue)
    assert [job.item_id for job in found] == [1, 2, 3]


def test_jobs_are_found_on_servers_without_summaries():
    queue = QueueDouble(has_summaries=False)
    queue.add("somebody-else")
    queue.enqueue(order().body())
    found = drive(find_jobs("default", "batch-1"), queue)
    assert [job.item_id for job in found] == [2, 3, 4]
