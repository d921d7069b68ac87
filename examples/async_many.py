"""Many at once with asyncio: one client, one event socket, any number of waits.

    INVOKEAI_URL=http://localhost:9090 python async_many.py images

Needs no model: every image is of one colour. The jobs are one in the server's queue
after the other; what runs at once is the submitting, waiting and downloading.
"""

import asyncio
import sys
from pathlib import Path

from invokeai_py_client import AsyncInvokeAIClient, AsyncWorkflowHandle

OUT = Path(sys.argv[1] if sys.argv[1:] else "images")
FILE = Path(__file__).parent / "workflows" / "blank.json"
COLOURS = {
    "brick": "#b5533c",
    "sand": "#d9c08f",
    "moss": "#6b7f3a",
    "sea": "#2f6f8f",
    "plum": "#6d3f6e",
    "chalk": "#f2efe6",
}


async def paint(blank: AsyncWorkflowHandle, name: str, colour: str) -> Path:
    # The values of one call are for that call: tasks share the handle without harm.
    result = await blank.run(colour=colour, timeout=300)
    return await result.image.save(OUT / f"{name}.png")


async def main() -> None:
    async with AsyncInvokeAIClient() as client:
        blank = await client.workflow_repo.load(FILE)
        tasks = [paint(blank, *item) for item in COLOURS.items()]
        for finished in asyncio.as_completed(tasks):
            print(await finished)


asyncio.run(main())
