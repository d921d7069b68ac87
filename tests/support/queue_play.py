"""A queue in memory that answers flows as the real one does, without a clock."""

from __future__ import annotations

from flow_play import Play

from invokeai_py_client.models import JobStatus

UNREADABLE = (
    "Unexpected error while fetching queue item: 1 validation error for "
    "GraphExecutionState\ngraph.nodes.a.width\n  Input should be a valid integer"
)
WEB_PAGE = (200, b"<!DOCTYPE html>")
QUEUE = "/api/v1/queue/default/"


class Queue(Play):
    """A queue in memory with the quirks of the real one; a runner."""

    def __init__(self, *jobs, version=(6, 14), max_new=100):
        super().__init__(self.reply)
        self.rows = {job["item_id"]: job for job in jobs}
        self.version = version
        self.shared.version = f"{version[0]}.{version[1]}.1"
        self.max_new = max_new
        self.started = True
        self.processing_elsewhere = False

    def stream(self, flow):
        start = len(self.emitted)
        self.run(flow)
        return iter(self.emitted[start:])

    def reply(self, request):
        if request.path == "/api/v1/app/version":
            return 200, {"version": ".".join(map(str, self.version))}
        verb = request.path.removeprefix(QUEUE).replace("/", "_")
        if verb.startswith("i_"):
            return self.item(int(verb.split("_")[1]), verb)
        return getattr(self, verb)(request)

    def item(self, item_id, verb):
        row = self.rows.get(item_id)
        if row is None:
            return 404, {"detail": f"Queue item with id {item_id} not found"}
        if row.get("bad"):
            return 500, {"detail": UNREADABLE}
        if verb.endswith("cancel"):
            row["status"] = "canceled"
        return 200, row

    def item_ids(self, request):
        if self.version < (6, 7):
            return WEB_PAGE
        # Newest batch first, but ascending inside a batch.
        return 200, {"item_ids": sorted(self.rows, key=lambda item: (item % 7, item))}

    def item_summaries_by_ids(self, request):
        if self.version < (6, 14):
            return 405, {"detail": "Method Not Allowed"}
        return 200, self.found(request, keep_bad=True)

    def items_by_ids(self, request):
        return 200, self.found(request, keep_bad=False)

    def found(self, request, keep_bad):
        ids = request.json["item_ids"]
        assert len(ids) <= 1000
        rows = [self.rows[item] for item in ids if item in self.rows]
        return [row for row in rows if keep_bad or not row.get("bad")]

    def list_all(self, request):
        return 200, list(self.rows.values())

    def count(self, status):
        return sum(row["status"] == status for row in self.rows.values())

    def status(self, request):
        counts = {status.value: self.count(status) for status in JobStatus}
        busy = counts["in_progress"] > 0 or self.processing_elsewhere
        return 200, {
            "queue": {"queue_id": "default", "total": len(self.rows), **counts},
            "processor": {"is_started": self.started, "is_processing": busy},
        }

    def next(self, request):
        pending = [row for row in self.rows.values() if row["status"] == "pending"]
        pending.sort(key=lambda row: (-row.get("priority", 0), row["item_id"]))
        if not pending:
            return 200, None
        return (
            (500, {"detail": UNREADABLE})
            if pending[0].get("bad")
            else (
                200,
                pending[0],
            )
        )

    def retry_items_by_id(self, request):
        retried = []
        for item in request.json[: self.max_new]:
            row = self.rows[item]
            first = row.get("retried_from_item_id") or item
            new = max(self.rows) + 1
            self.rows[new] = job(new, batch=row["batch_id"], retried=first)
            retried.append(item)
        return 200, {"queue_id": "default", "retried_item_ids": retried}


def job(item_id, status="pending", *, batch="b", retried=None, **more):
    return {
        "item_id": item_id,
        "status": status,
        "batch_id": batch,
        "retried_from_item_id": retried,
        **more,
    }
