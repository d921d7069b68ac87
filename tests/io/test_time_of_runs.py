"""`timeout=` is for everything that `run` and `wait` do, whatever the server does."""

from __future__ import annotations

import asyncio
import http.client
import re
import time
from urllib.parse import urlsplit

import pytest
from test_slow_networks import RawServer

from faults.rig.workflows import blank
from invokeai_py_client import AsyncInvokeAIClient, InvokeAIClient
from invokeai_py_client.exceptions import JobTimeoutError, SubmissionUnknownError
from invokeai_py_client.simulator import SimulatedServer

JSON_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
DRIPS = {
    "body": (JSON_HEAD + b"Content-Length: 100000\r\n\r\n[", b"1"),
    "head": (JSON_HEAD + b"X-Long: ", b"x"),
    "102": (b"", b"HTTP/1.1 102 Processing\r\n\r\n"),
    "silence": (b"", b""),
}
PLACES = {
    "before": r"/app/version|openapi|/models/",
    "enqueue": r"enqueue_batch",
    "looks": r"item_summaries_by_ids|/b/[^/]+/status",
    "results": r"items_by_ids|images_by_names",
}


@pytest.fixture(scope="module")
def server():
    with SimulatedServer(job_delay=0.02) as running:
        yield running


def dripping(target, place, drip):
    """A proxy before `target` which never ends its answers at a place."""
    parts = urlsplit(target)
    start, more = DRIPS[drip]

    def serve(proxy, connection):
        file = connection.makefile("rb")
        while True:
            line = file.readline().decode().split()
            if not line:
                return
            method, path, _ = line
            headers = http.client.parse_headers(file)
            body = file.read(int(headers.get("content-length", 0)))
            if "socket.io" in path:
                return
            upstream = http.client.HTTPConnection(parts.hostname, parts.port)
            kept = {name: headers[name] for name in headers if name != "Host"}
            upstream.request(method, path, body, kept)
            answer = upstream.getresponse()
            content = answer.read()
            upstream.close()
            if re.search(PLACES[place], path):
                connection.sendall(start)
                proxy.repeat(connection, more, 0.2)
            names = ("content-length", "transfer-encoding", "connection")
            lines = [f"HTTP/1.1 {answer.status} OK"] + [
                f"{name}: {value}"
                for name, value in answer.getheaders()
                if name.lower() not in names
            ]
            lines += [f"Content-Length: {len(content)}", "", ""]
            connection.sendall("\r\n".join(lines).encode() + content)

    return RawServer(serve)


def run(kind, url, **options):
    """The error of a run, and how long it took."""
    if kind == "blocking":
        with InvokeAIClient(url, request_timeout=30) as client:
            handle = client.workflow_repo.create_workflow(blank())
            began = time.monotonic()
            with pytest.raises((JobTimeoutError, SubmissionUnknownError)) as caught:
                handle.run(width=8, **options)
            return caught.value, time.monotonic() - began

    async def main():
        async with AsyncInvokeAIClient(url, request_timeout=30) as client:
            handle = client.workflow_repo.create_workflow(blank())
            began = time.monotonic()
            with pytest.raises((JobTimeoutError, SubmissionUnknownError)) as caught:
                await handle.run(width=8, **options)
            return caught.value, time.monotonic() - began

    return asyncio.run(main())


CASES = [("blocking", drip) for drip in DRIPS] + [("asyncio", "head")]


@pytest.mark.parametrize(("kind", "drip"), CASES)
@pytest.mark.parametrize("place", PLACES)
def test_a_run_is_over_in_its_time(server, place, drip, kind):
    with dripping(server.url, place, drip) as proxy:
        error, seconds = run(kind, proxy.url, timeout=1.5)
    assert seconds < 1.5 + 2
    if place == "enqueue":
        assert isinstance(error, SubmissionUnknownError)
        assert error.batch_id
    else:
        assert isinstance(error, JobTimeoutError)
        before = "before anything was submitted"
        assert (before in str(error)) == (place == "before")
