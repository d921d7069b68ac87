"""Enqueuing: once, or refused, or unknown and settleable."""

from __future__ import annotations

from collections import deque

import pytest
from queue_double import Fault, QueueDouble, drive, reply

from invokeai_py_client.exceptions import (
    APIConnectionError,
    APIStatusError,
    InternalServerError,
    QueueFullError,
    SubmissionUnknownError,
)
from invokeai_py_client.queue.flows import find_batch
from invokeai_py_client.workflow.jobs.batch_request import BatchRequest
from invokeai_py_client.workflow.submitting.enqueue_flows import (
    enqueue,
    settle,
)
from invokeai_py_client.workflow.submitting.enqueue_options import EnqueueOptions

ENQUEUE = "/api/v1/queue/default/enqueue_batch"


def batch(prompts=("a", "b", "c"), runs=1, **more):
    data = [[{"node_path": "n", "field_name": "p", "items": list(prompts)}]]
    graph = {"id": f"g:{runs * max(len(prompts), 1)}", "nodes": {"n": {"id": "n"}}}
    return BatchRequest(
        "batch-1", graph=graph, data=data if prompts else [], runs=runs, **more
    )


def live(queue):
    """Prompts of the jobs that will run or have run."""
    return [
        row["field_values"][0]["value"]
        for row in queue.of_batch("batch-1")
        if row["status"] != "canceled"
    ]


def test_ids_come_back_in_expansion_order():
    queue = QueueDouble()
    outcome = drive(enqueue(batch(), EnqueueOptions()), queue)
    assert outcome.item_ids == (1, 2, 3)
    assert queue.requests == [("POST", "/api/v1/queue/default/enqueue_batch")]


def test_a_reply_lost_after_the_jobs_arrived_is_settled_without_sending_again():
    queue = QueueDouble(faults=deque([Fault("lost", handled=True)]))
    outcome = drive(enqueue(batch(), EnqueueOptions()), queue)
    assert outcome.item_ids == (1, 2, 3)
    assert queue.enqueue_calls == 1


def test_jobs_that_appear_late_are_waited_for():
    queue = QueueDouble(faults=deque([Fault("lost", handled=True, after=0.6)]))
    outcome = drive(enqueue(batch(), EnqueueOptions()), queue)
    assert outcome.item_ids == (1, 2, 3)
    assert queue.enqueue_calls == 1
    assert queue.time < 2


def test_a_request_that_never_arrived_is_sent_once_more():
    queue = QueueDouble(faults=deque([Fault("lost")]))
    outcome = drive(enqueue(batch(), EnqueueOptions(settle_time=3)), queue)
    assert outcome.item_ids == (1, 2, 3)
    assert queue.requests.count(("POST", "/api/v1/queue/default/enqueue_batch")) == 2
    assert queue.time == pytest.approx(6, abs=1)


def test_a_copy_that_arrives_after_the_second_sending_is_cancelled():
    queue = QueueDouble(faults=deque([Fault("lost", handled=True, after=12.0)]))
    outcome = drive(enqueue(batch(), EnqueueOptions(settle_time=10)), queue)
    assert live(queue) == ["a", "b", "c"]
    assert outcome.item_ids == (1, 2, 3)
    assert queue.enqueue_calls == 2
    # Who looks the batch up finds its jobs, not the copy that went.
    found = drive(find_batch("default", "batch-1"), queue)
    assert tuple(job.item_id for job in found) == outcome.item_ids


def test_a_request_that_could_not_be_sent_is_not_a_lost_submission():
    queue = QueueDouble(faults=deque([Fault("refused")]))
    with pytest.raises(APIConnectionError, match="refused"):
        drive(enqueue(batch(), EnqueueOptions()), queue)
    assert queue.time < 1


def test_without_any_answer_the_submission_is_unknown():
    queue = QueueDouble(faults=deque([Fault("lost")] * 1000))
    with pytest.raises(SubmissionUnknownError) as caught:
        drive(enqueue(batch(), EnqueueOptions(settle_time=5)), queue)
    assert caught.value.batch_id == "batch-1"
    assert isinstance(caught.value.__cause__, APIConnectionError)


def test_settling_later_finds_the_jobs_or_submits_them():
    queue = QueueDouble()
    queue.enqueue(batch().body())
    outcome = drive(settle(batch(), EnqueueOptions()), queue)
    assert outcome.item_ids == (1, 2, 3)
    empty = QueueDouble()
    assert drive(settle(batch(), EnqueueOptions(settle_time=1)), empty).item_ids == (
        1,
        2,
        3,
    )


def test_a_server_error_while_enqueuing_is_reported_when_nothing_arrived():
    queue = QueueDouble(faults=deque([Fault("500")]))
    with pytest.raises(InternalServerError):
        drive(enqueue(batch(), EnqueueOptions(settle_time=1)), queue)
    assert queue.enqueue_calls == 0


def own_words(request, status):
    return reply(request, status, b'{"detail": "no"}')


@pytest.mark.parametrize("status", [400, 401, 403, 422])
def test_what_invokeai_itself_refuses_is_refused_at_once(status):
    queue = QueueDouble()
    queue.extra_routes[ENQUEUE] = lambda request: own_words(request, status)
    with pytest.raises(APIStatusError) as caught:
        drive(enqueue(batch(), EnqueueOptions()), queue)
    assert caught.value.status_code == status
    assert queue.time < 1


PROXY_SAYS = ["400", "401", "403", "404", "408", "413", "418", "422", "429", "451"]


@pytest.mark.parametrize("status", PROXY_SAYS)
def test_what_a_proxy_says_is_a_refusal_only_after_the_settle_time(status):
    queue = QueueDouble(faults=deque([Fault(status)]))
    with pytest.raises(APIStatusError) as caught:
        drive(enqueue(batch(), EnqueueOptions()), queue)
    assert caught.value.status_code == int(status)
    assert queue.enqueue_calls == 0
    assert queue.time > 10


@pytest.mark.parametrize("after", [0.0, 0.8, 9.0])
@pytest.mark.parametrize("status", PROXY_SAYS)
def test_what_a_proxy_refuses_may_be_there_all_the_same(status, after):
    queue = QueueDouble(faults=deque([Fault(status, handled=True, after=after)]))
    assert drive(enqueue(batch(), EnqueueOptions()), queue).item_ids == (1, 2, 3)
    assert queue.enqueue_calls == 1


@pytest.mark.parametrize("status", [408, 413, 425, 429])
def test_json_of_a_proxy_is_not_a_refusal_of_invokeai(status):
    queue = QueueDouble()

    def enqueue_late(request):
        queue.at(queue.time + 0.8, lambda: queue.enqueue(request.json))
        return own_words(request, status)

    queue.extra_routes[ENQUEUE] = enqueue_late
    assert drive(enqueue(batch(), EnqueueOptions()), queue).item_ids == (1, 2, 3)


@pytest.mark.parametrize("status", ["401", "403", "404", "413", "418", "451"])
def test_a_look_that_is_refused_says_nothing_about_the_jobs(status):
    schedule = [Fault("lost", handled=True), Fault(status)]
    queue = QueueDouble(faults=deque(schedule))
    assert drive(enqueue(batch(), EnqueueOptions()), queue).item_ids == (1, 2, 3)
    queue = QueueDouble(faults=deque([schedule[0], *[Fault(status)] * 1000]))
    with pytest.raises(SubmissionUnknownError, match=status) as caught:
        drive(enqueue(batch(), EnqueueOptions()), queue)
    assert caught.value.batch_id == "batch-1"


@pytest.mark.parametrize("status", [401, 413, 422, 429])
def test_a_refusal_of_the_second_sending_does_not_speak_of_the_first(status):
    queue = QueueDouble(faults=deque([Fault("lost", handled=True, after=12.0)]))
    queue.extra_routes[ENQUEUE] = lambda request: own_words(request, status)
    queue.faults[0].handled = False
    queue.at(12.0, lambda: queue.enqueue(batch().body()))
    assert drive(enqueue(batch(), EnqueueOptions()), queue).item_ids == (1, 2, 3)
    never = QueueDouble(faults=deque([Fault("lost")]))
    never.extra_routes = queue.extra_routes
    with pytest.raises(SubmissionUnknownError) as caught:
        drive(enqueue(batch(), EnqueueOptions()), never)
    assert isinstance(caught.value.__cause__, APIStatusError)


def test_a_server_slower_than_the_settle_time_is_waited_for():
    queue = QueueDouble(faults=deque([Fault("lost", handled=True)]))

    def slow(request):
        # Longer than the settle time, shorter than what a request may take.
        queue.advance(25)
        return queue.batch_status("batch-1")

    queue.extra_routes["/api/v1/queue/default/b/"] = slow
    outcome = drive(enqueue(batch(), EnqueueOptions(settle_time=5)), queue)
    assert outcome.item_ids == (1, 2, 3)
    assert queue.enqueue_calls == 1


def test_not_now_without_a_look_is_unknown():
    queue = QueueDouble(faults=deque([Fault("429"), *[Fault("lost")] * 1000]))
    with pytest.raises(SubmissionUnknownError):
        drive(enqueue(batch(), EnqueueOptions(settle_time=1)), queue)


def test_a_server_error_after_the_jobs_arrived_is_a_submission():
    queue = QueueDouble(faults=deque([Fault("500", handled=True)]))
    assert drive(enqueue(batch(), EnqueueOptions()), queue).item_ids == (1, 2, 3)


def test_a_full_queue_is_an_error_and_what_was_taken_is_taken_back():
    queue = QueueDouble(max_queue_size=2)
    with pytest.raises(QueueFullError) as caught:
        drive(enqueue(batch(), EnqueueOptions()), queue)
    assert (caught.value.requested, caught.value.enqueued) == (3, 2)
    assert live(queue) == []


def test_a_full_queue_may_keep_the_part_that_fitted():
    queue = QueueDouble(max_queue_size=2)
    outcome = drive(enqueue(batch(), EnqueueOptions(on_full="partial")), queue)
    assert outcome.item_ids == (1, 2)
    assert outcome.requested == 3


def test_the_rest_of_a_batch_follows_as_room_appears():
    queue = QueueDouble(max_queue_size=2)
    for moment in range(1, 30):
        queue.at(moment, lambda: finish_one(queue))
    outcome = drive(enqueue(batch("abcde"), EnqueueOptions(on_full="wait")), queue)
    assert live(queue) == list("abcde")
    assert outcome.item_ids == (1, 2, 3, 4, 5)


@pytest.mark.parametrize("status", ["408", "429", "503"])
def test_the_rest_of_a_batch_waits_for_a_server_that_says_not_now(status):
    queue = QueueDouble(max_queue_size=2, faults=deque([None, Fault(status)]))
    queue.at(1, lambda: finish_one(queue))
    outcome = drive(enqueue(batch(), EnqueueOptions(on_full="wait")), queue)
    assert outcome.item_ids == (1, 2, 3)
    assert live(queue) == ["a", "b", "c"]


def finish_one(queue):
    for row in queue.rows.values():
        if row["status"] == "pending":
            queue.move(row["item_id"], "completed")
            return


def test_the_rest_of_a_batch_without_data_is_a_number_of_runs():
    rest = batch(prompts=(), runs=5).rest([2, 3, 4], [1, 2], "g")
    assert (rest.runs, rest.data, rest.requested) == (3, [], 3)
    assert rest.known == {1, 2}


def test_expansion_is_runs_then_product_with_the_last_group_fastest():
    both = BatchRequest(
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
    both = BatchRequest(
        "b",
        graph={},
        data=[
            [{"node_path": "n", "field_name": "a", "items": [1, 2]}],
            [{"node_path": "n", "field_name": "b", "items": [10, 20]}],
        ],
    )
    rest = both.rest([1, 2, 3], [7], "g")
    assert rest.expansion() == both.expansion()[1:]
    assert (rest.known, rest.graph["id"]) == ({7}, "g")


def test_known_jobs_of_the_batch_id_are_never_taken_for_ours():
    queue = QueueDouble(max_queue_size=2)
    with pytest.raises(QueueFullError):
        drive(enqueue(batch(), EnqueueOptions()), queue)
    queue.max_queue_size = 100
    outcome = drive(enqueue(batch(known=frozenset({1, 2})), EnqueueOptions()), queue)
    assert outcome.item_ids == (3, 4, 5)


def test_known_jobs_are_let_be_when_a_reply_is_lost():
    queue = QueueDouble(max_queue_size=2)
    with pytest.raises(QueueFullError):
        drive(enqueue(batch(), EnqueueOptions()), queue)
    queue.max_queue_size = 100
    queue.faults.append(Fault("lost", handled=True))
    outcome = drive(enqueue(batch(known=frozenset({1, 2})), EnqueueOptions()), queue)
    assert outcome.item_ids == (3, 4, 5)
    assert [queue.rows[key]["status"] for key in (1, 2)] == ["canceled"] * 2
    assert live(queue) == ["a", "b", "c"]


def test_two_processes_with_one_key_end_with_one_copy():
    queue = QueueDouble()
    first = drive(enqueue(batch(), EnqueueOptions()), queue)
    queue.move(1, "in_progress")
    # The second looked before the first had posted.
    second = drive(enqueue(batch(), EnqueueOptions()), queue)
    assert first.item_ids == second.item_ids == (1, 2, 3)
    assert live(queue) == ["a", "b", "c"]


def test_children_of_workflow_calls_are_not_jobs_of_the_batch():
    queue = QueueDouble()
    queue.enqueue(batch().body())
    queue.add("batch-1", parent_item_id=1)
    found = drive(find_batch("default", "batch-1"), queue)
    assert [job.item_id for job in found] == [1, 2, 3]


def test_jobs_are_found_on_servers_without_summaries():
    queue = QueueDouble(has_summaries=False)
    queue.add("somebody-else")
    queue.enqueue(batch().body())
    found = drive(find_batch("default", "batch-1"), queue)
    assert [job.item_id for job in found] == [2, 3, 4]
