"""Sample calls of `queue_repo`, and of the jobs that workflows put into the queue."""

from contract.calls import call
from contract.recording import Answers

QUEUE = "/api/v1/queue/{queue_id}"
JOB = {
    "item_id": 5,
    "status": "failed",
    "batch_id": "batch",
    "queue_id": "default",
    "session_id": "session",
    "priority": 0,
    "destination": "a/b",
    "started_at": "2026-01-02 03:04:05.000",
    "completed_at": "2026-01-02 03:04:07.000",
}
PENDING = {**JOB, "status": "pending"}
RETRIED = {**PENDING, "item_id": 6, "retried_from_item_id": 5}
COUNTS = {
    "queue_id": "default",
    "pending": 1,
    "in_progress": 0,
    "waiting": 0,
    "completed": 0,
    "failed": 0,
    "canceled": 0,
    "total": 1,
}
WAITING = {
    "queue": COUNTS,
    "processor": {"is_started": True, "is_processing": False},
}
IDLE = {**WAITING, "queue": {**COUNTS, "pending": 0, "completed": 1, "item_id": 5}}
JOBS = {
    f"GET {QUEUE}/item_ids": {"item_ids": [5], "total_count": 1},
    f"POST {QUEUE}/item_summaries_by_ids": [JOB],
    f"POST {QUEUE}/items_by_ids": [JOB],
    f"GET {QUEUE}/i/{{item_id}}": JOB,
    f"PUT {QUEUE}/i/{{item_id}}/cancel": JOB,
    f"GET {QUEUE}/list_all": [JOB],
    f"GET {QUEUE}/status": IDLE,
}
OLD = {
    **JOBS,
    "GET /api/v1/app/version": {"version": "6.3.0"},
    f"GET {QUEUE}/item_ids": (404, {"detail": "Not Found"}),
}
BEFORE_SUMMARIES = {
    **JOBS,
    "GET /api/v1/app/version": {"version": "6.13.0"},
    f"POST {QUEUE}/item_summaries_by_ids": (405, {"detail": "Method Not Allowed"}),
}
NOTHING = {f"GET {QUEUE}/current": None, f"GET {QUEUE}/next": None}

CALLS = [
    call("queue_repo.get_queue_status").answered({f"GET {QUEUE}/status": WAITING}),
    call("queue_repo.get_job_position", 5).answered(
        {**JOBS, f"GET {QUEUE}/i/{{item_id}}": PENDING}
    ),
    call("queue_repo.list_jobs").answered(JOBS),
    call("queue_repo.iter_jobs").answered(JOBS),
    call("queue_repo.list_jobs", status="failed", limit=1).answered(BEFORE_SUMMARIES),
    call("queue_repo.list_jobs").answered(OLD),
    call("queue_repo.get_job", 5).answered(JOBS),
    call("queue_repo.find_job", 5).answered(JOBS),
    call("queue_repo.find_current_job").answered(NOTHING),
    call("queue_repo.find_next_job").answered(NOTHING),
    call("queue_repo.get_batch_status", "a batch"),
    call("queue_repo.get_destination_counts", "a/b"),
    call("queue_repo.count_tagged", "mine"),
    call("queue_repo.cancel_tagged", "mine"),
    call("queue_repo.cancel_job", 5).answered(JOBS),
    call("queue_repo.cancel_batch", ["a", "b"]),
    call("queue_repo.cancel_jobs_by_destination", "a/b"),
    call("queue_repo.cancel_pending_jobs"),
    call("queue_repo.delete_pending_jobs"),
    call("queue_repo.delete_job", 5),
    call("queue_repo.delete_jobs_by_destination", "mine"),
    call("queue_repo.delete_jobs_by_destination", "a/b").answered(JOBS),
    call("queue_repo.clear_queue"),
    call("queue_repo.prune_queue"),
    call("queue_repo.retry_jobs", [5]).answered(
        {
            **JOBS,
            f"GET {QUEUE}/item_ids": Answers(
                [
                    {"item_ids": [5], "total_count": 1},
                    {"item_ids": [6, 5], "total_count": 2},
                ]
            ),
            f"POST {QUEUE}/items_by_ids": Answers([[JOB], [RETRIED]]),
        }
    ),
    call("queue_repo.pause_processor"),
    call("queue_repo.resume_processor"),
    call("queue_repo.wait_until_queue_idle").answered(
        {f"GET {QUEUE}/status": Answers([WAITING, IDLE])}
    ),
    call("queue_repo.watch_queue", until_idle=True).answered(
        {**JOBS, f"GET {QUEUE}/status": Answers([WAITING, IDLE])}
    ),
    call("queue_repo.watch_queue", 5).answered(
        {
            **JOBS,
            f"GET {QUEUE}/i/{{item_id}}": Answers([PENDING, JOB]),
            f"GET {QUEUE}/status": Answers([WAITING, IDLE]),
        }
    ),
    call("queue_repo.get_submission", "batch").answered(
        {**JOBS, f"GET {QUEUE}/b/{{batch_id}}/status": {**COUNTS, "batch_id": "batch"}}
    ),
]
