"""Sample calls of the client itself."""

from contract.calls import call

CALLS = [
    call("server_version"),
    call("check"),
    call("events").but(events=[("connect", {}), ("queue_cleared", {})], first=2),
    call("request", "get", "/api/v1/boards/", params={"all": "true"}),
    call("request", "delete", "/api/v2/models/i/key"),
]
