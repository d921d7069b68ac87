"""What is said about videos and the gallery."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from talks.conversation import Answer, Conversation, graph, png

# Half a second of red, 16 x 16 pixels, 4 frames per second.
TINY = (Path(__file__).parents[2] / "data" / "tiny.mp4").read_bytes()
_V = "/api/v1/videos"
_UPLOAD = f"{_V}/upload?video_category=user&is_intermediate=false"
_SHOWN = (
    "content-type",
    "content-length",
    "cache-control",
    "content-disposition",
    "connection",
    "retry-after",
    "www-authenticate",
)


def parts(*given: tuple[str, bytes], end: bytes = b"--") -> bytes:
    """A multipart body of headers and contents, its boundary `parts`."""
    lines = [
        f"--parts\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode()
        + content
        + b"\r\n"
        for head, content in given
    ]
    return b"".join(lines) + b"--parts" + end + b"\r\n"


def video_part(
    content: bytes = TINY,
    *,
    name: str = "x.mp4",
    kind: str = "video/mp4",
    key: str = "file",
) -> tuple[str, bytes]:
    """The part of a multipart body that holds a video."""
    return f'name="{key}"; filename="{name}"\r\nContent-Type: {kind}', content


def upload(
    c: Conversation, label: str, body: bytes, path: str = _UPLOAD, **more: Any
) -> Any:
    """Send a multipart body."""
    headers = {"Content-Type": "multipart/form-data; boundary=parts"}
    headers.update(more.pop("headers", {}))
    return c.ask(label, "POST", path, content=body, headers=headers, **more)


def note_headers(c: Conversation, label: str, name: str = "-") -> None:
    """Compare the headers of the latest answer too."""
    seen = {key: c.headers[key] for key in _SHOWN if key in c.headers}
    if seen.get("content-type") == "image/webp":
        del seen["content-length"]  # of a picture that only the real server has
    text = json.dumps(seen).replace(name, "<name>")
    c.answers.append(Answer(f"headers of {label}", 0, "", json.loads(text)))


def talk_about_uploads(c: Conversation) -> None:
    """What is taken for a video, and what is not."""
    whole = parts(video_part())
    made = upload(c, "upload", whole)
    name = made["video_name"]
    c.answers.append(
        Answer(
            "facts",
            0,
            "",
            [made[key] for key in ("width", "height", "duration", "fps")],
        )
    )
    note_headers(c, "upload", name)
    by_name = video_part(kind="application/octet-stream", name="X.MP4")
    names = [name, upload(c, "by its name", parts(by_name))["video_name"]]
    by_kind = video_part(name="x.bin")
    told = ('name="metadata"', b'{"prompt": "a"}')
    names.append(upload(c, "metadata", parts(by_kind, told))["video_name"])
    c.ask("its metadata", "GET", f"{_V}/i/{names[-1]}/metadata")
    for label, text in (
        ("list", b"[1]"),
        ("text", b'"a"'),
        ("broken", b"{"),
        ("empty", b""),
    ):
        body = parts(video_part(), ('name="metadata"', text))
        upload(c, f"metadata {label}", body)
    upload(c, "no file", parts(('name="other"', b"x")))
    upload(c, "nothing", parts())
    upload(c, "other key", parts(video_part(key="video")))
    brand = TINY.replace(b"ftypisom", b"ftypqt  ")
    for label, content in (
        ("empty", b""),
        ("text", b"no video at all"),
        ("quicktime", brand),
        ("only the brand", TINY[:200]),
    ):
        upload(c, f"video {label}", parts(video_part(content)))
    c.ask("delete all", "POST", f"{_V}/delete", {"video_names": names})


def talk_about_videos(c: Conversation) -> None:
    """Lists, records, files, stars, boards, deletion, and the gallery."""
    name = upload(c, "upload", parts(video_part()))["video_name"]
    board = c.ask("board", "POST", "/api/v1/boards/?board_name=v")["board_id"]
    path = f"{_UPLOAD}&board_id={board}&session_id=s"
    other = upload(c, "onto a board", parts(video_part()), path)["video_name"]
    image = c.upload(
        "image", f"?image_category=user&is_intermediate=false&board_id={board}",
        png(), "image/png",
    )["image_name"]  # fmt: skip
    c.ask("the board", "GET", f"/api/v1/boards/{board}")
    for at in (name, "gone"):
        for what in ("", "/metadata", "/workflow", "/urls", "/full", "/thumbnail"):
            c.ask(f"{at == name} {what}", "GET", f"{_V}/i/{at}{what}")
            note_headers(c, f"{at == name} {what}", name)
        c.ask(f"head {at == name}", "HEAD", f"{_V}/i/{at}/full")
        note_headers(c, f"head {at == name}", name)
    _talk_about_lists(c, board)
    _talk_about_changes(c, name, other, board)
    c.ask("delete board", "DELETE", f"/api/v1/boards/{board}")
    c.ask("image deleted", "DELETE", f"/api/v1/images/i/{image}")
    c.ask("delete", "DELETE", f"{_V}/i/{name}")
    c.ask("delete again", "DELETE", f"{_V}/i/{name}")
    c.ask("delete rest", "POST", f"{_V}/delete", {"video_names": [other, "gone"]})
    c.ask("delete too many", "POST", f"{_V}/delete", {"video_names": ["x"] * 1001})
    c.ask("delete long", "POST", f"{_V}/delete", {"video_names": ["x" * 256]})
    c.ask("delete nothing", "POST", f"{_V}/delete", {})


def _talk_about_lists(c: Conversation, board: str) -> None:
    gallery, days = "/api/v1/gallery", "/api/v1/virtual_boards/by_date"
    here = f"board_id={board}"
    for query in (
        here, f"{here}&limit=1", f"{here}&limit=1&offset=9", f"{here}&limit=0",
        "limit=-1", "limit=1001", "offset=-1", "board_id=nope", "order_dir=UP",
        f"{here}&order_dir=ASC&starred_first=false", f"{here}&categories=general",
        f"{here}&categories=user&categories=mask", "categories=nope",
        f"{here}&search_term=zzz", f"{here}&is_intermediate=true",
    ):  # fmt: skip
        for where in (_V + "/", f"{gallery}/items/"):
            c.ask(
                f"{where} {query.replace(board, '<board>')}", "GET", f"{where}?{query}"
            )
    c.ask("origin of videos", "GET", f"{_V}/?{here}&video_origin=internal")
    c.ask("origin of items", "GET", f"{gallery}/items/?{here}&origin=external")
    c.ask("no origin", "GET", f"{gallery}/items/?origin=nope")
    for where in (f"{_V}/names", f"{gallery}/item_names", f"{gallery}/items/names"):
        c.ask(where, "GET", f"{where}?{here}")
        c.ask(f"{where} nowhere", "GET", f"{where}?board_id=nope")
        c.ask(f"{where} bad", "GET", f"{where}?order_dir=x&starred_first=y")
    c.ask("of a day", "GET", f"{gallery}/item_names?{here}&created_date=1999-01-01")
    found = c.ask("days", "GET", days)
    for day in (found[0]["date"], "1999-01-01", "never"):
        label = "never" if day == "never" else str(day == found[0]["date"])
        for what in ("image_names", "item_names"):
            c.ask(f"{what} {label}", "GET", f"{days}/{day}/{what}")
    c.ask("day bad", "GET", f"{days}/1999-01-01/item_names?categories=nope")


def _talk_about_changes(c: Conversation, name: str, other: str, board: str) -> None:
    both = {"video_names": [name, "gone", name]}
    c.ask("star", "POST", f"{_V}/star", both)
    c.ask("unstar", "POST", f"{_V}/unstar", both)
    for label, changes in (
        ("star", {"starred": True}),
        ("category", {"video_category": "general", "is_intermediate": False}),
        ("session", {"session_id": "t"}),
        ("nothing", {}),
        ("more", {"nope": 1}),
        ("loose", {"starred": 1, "video_category": "x", "session_id": 2}),
        ("null", None),
    ):
        c.ask(f"change {label}", "PATCH", f"{_V}/i/{name}", changes)
    c.ask("change none", "PATCH", f"{_V}/i/gone", {"starred": True})
    for label, wanted in (
        ("to a board", {"board_id": board, "video_name": name}),
        ("to no board", {"board_id": "nope", "video_name": name}),
        ("no video", {"board_id": board, "video_name": "gone"}),
        ("half", {"board_id": board}),
    ):
        c.ask(f"move {label}", "POST", f"{_V}/board", wanted)
    for label, wanted in (
        ("off", {"video_name": name}),
        ("off again", {"video_name": name}),
        ("off none", {"video_name": "gone"}),
        ("off half", {}),
    ):
        c.ask(f"move {label}", "DELETE", f"{_V}/board", wanted)
    c.ask("move back", "POST", f"{_V}/board", {"board_id": board, "video_name": other})


def talk_about_video_nodes(c: Conversation) -> None:
    """What nodes make of videos, in numbers and in errors."""
    queue = "/api/v1/queue/default"
    name = upload(c, "upload", parts(video_part()))["video_name"]
    video = {"video_name": name}

    def run(label: str, *edges: tuple[str, str], **nodes: dict[str, Any]) -> Any:
        wanted = {"batch": {"graph": graph(*edges, **nodes)}}
        reply = c.ask("", "POST", f"{queue}/enqueue_batch", wanted, record=False)
        item_id = reply["item_ids"][0]
        c.finished(item_id)
        item = c.ask(f"item of {label}", "GET", f"{queue}/i/{item_id}")
        results = item["session"]["results"].values()
        numbers = [
            {k: round(v, 2) for k, v in result.items() if isinstance(v, (int, float))}
            for result in results
        ]
        ended = [item["status"], item.get("error_type"), item.get("error_message")]
        told = json.loads(json.dumps([ended, numbers]).replace(name, "<name>"))
        c.answers.append(Answer(label, 0, "", told))
        return next((r["video"]["video_name"] for r in results if "video" in r), None)

    def cut(**values: Any) -> dict[str, Any]:
        return {"type": "extract_video_range", "video": video, **values}

    run("primitive", v={"type": "video", "video": video})
    run("no video", v={"type": "video", "video": {"video_name": "gone"}})
    made = run("range", r=cut())
    for what in ("", "/metadata"):
        c.ask(f"made {what}", "GET", f"{_V}/i/{made}{what}")
    for label, values in (
        ("first", {"end_frame": 0}),
        ("last", {"start_frame": -1}),
        ("fps", {"fps": 7}),
        ("beyond", {"end_frame": 2}),
        ("before", {"start_frame": -3}),
        ("backwards", {"start_frame": 1, "end_frame": 0}),
        ("of nothing", {"video": {"video_name": "gone"}}),
        ("of none", {"video": None}),
    ):
        run(f"range {label}", r=cut(**values))
    chain = ("r.video", "again.video")
    run("range of a range", chain, r=cut(fps=10), again=cut(video=None, end_frame=0))
    for index in (0, 1, -1, -2):
        node = {"type": "video_frame_extract", "video": video, "frame_index": index}
        run(f"frame {index}", f=node)

    def join(label: str, *videos: Any, **values: Any) -> None:
        node = {"type": "video_concat", "videos": list(videos), **values}
        run(f"join {label}", j=node)

    join("two", video, video)
    join("three", video, video, video, fps=9)
    join("faded", video, video, transition="crossfade", transition_frames=1)
    join("dark", video, video, transition="fade_through_black", transition_frames=3)
    join("nothing", video, {"video_name": "gone"})
    join("other rates", video, {"video_name": run("slow", r=cut(fps=2))})
    items = [video, {"video_name": "gone"}]
    data = [[{"node_path": "r", "field_name": "video", "items": items}]]
    body = {"batch": {"graph": graph(r=cut()), "data": data}}
    reply = c.ask("batch of videos", "POST", f"{queue}/enqueue_batch", body)
    for item_id in sorted(reply["item_ids"]):
        c.finished(item_id)
        item = c.ask(f"batched {item_id}", "GET", f"{queue}/i/{item_id}", record=False)
        c.answers.append(Answer("batched", 0, "", item["status"]))
    c.ask("clean", "DELETE", f"{_V}/uncategorized")


TALKS = (talk_about_uploads, talk_about_videos, talk_about_video_nodes)
