"""A user's script, for the type checker alone: what each expression is seen as.

`tests/project/test_typing.py` compares every `reveal_type` with the comment behind it.
"""
# ruff: noqa: F821 -- only type checkers know `reveal_type` before Python 3.11.

import asyncio
from typing import Any

from invokeai_py_client import (
    AsyncInvokeAIClient,
    InvokeAIClient,
    IvkField,
    WorkflowDefinition,
    field_registry,
    register_output_type,
)


def blocking(png: bytes) -> None:
    with InvokeAIClient.from_url("http://localhost:9090", token="t") as client:
        reveal_type(client)  # InvokeAIClient
        definition = WorkflowDefinition.from_file("portrait.json")
        made = client.workflow_repo.create_workflow(definition)
        reveal_type(made)  # WorkflowHandle
        workflow = client.workflow_repo.load("portrait.json")
        reveal_type(workflow)  # WorkflowHandle
        reveal_type(workflow.list_inputs())  # list[WorkflowInput]
        reveal_type(workflow.inputs["steps"])  # WorkflowInput
        reveal_type(workflow.get_input(0).input_index)  # int
        reveal_type(workflow.get_input(0).field)  # IvkField[Any]
        reveal_type(workflow.get_input_value(0))  # IvkField[Any]
        reveal_type(workflow.get_node_field("noise", "seed"))  # IvkField[Any]
        reveal_type(workflow.seeds)  # Seeds
        reveal_type(workflow.list_outputs())  # list[WorkflowOutput]
        reveal_type(workflow.with_inputs({0: "x"}, steps=30))  # WorkflowHandle
        workflow["steps"] = 30

        board = client.board_repo.create_board("Portraits")
        result = workflow.run({0: "x"}, board=board, seed=7, timeout=60.0, image=png)
        reveal_type(result)  # RunResult[IvkImage, IvkVideo]
        reveal_type(result.image)  # IvkImage
        reveal_type(result.images)  # tuple[IvkImage, ...]
        reveal_type(result.image.image_name)  # str
        reveal_type(result.image.save("pictures/"))  # Path
        reveal_type(result.image.bytes())  # bytes
        reveal_type(result.jobs[0].status)  # JobStatus
        reveal_type(result.jobs[0].image)  # IvkImage
        reveal_type(result.outputs["Portrait"].images)  # tuple[IvkImage, ...]
        reveal_type(result.video)  # IvkVideo
        reveal_type(result.jobs[0].videos)  # tuple[IvkVideo, ...]
        reveal_type(workflow.map_outputs(result)[0].images)  # tuple[IvkImage, ...]

        submission = workflow.submit(key="once", runs=2, seed="random")
        reveal_type(submission)  # Submission
        reveal_type(submission.wait(timeout=60))  # RunResult[IvkImage, IvkVideo]
        reveal_type(submission.events())  # Iterator[ServerEvent]
        reveal_type(submission.status())  # SubmissionStatus
        reveal_type(workflow.submit_sync())  # Submission
        reveal_type(
            workflow.wait_for_completion_sync()
        )  # RunResult[IvkImage, IvkVideo]
        both = client.submit_many([workflow, (workflow, {"seed": 1})])
        reveal_type(both)  # list[Submission]
        reveal_type(client.queue_repo.get_submission("id"))  # Submission

        reveal_type(board)  # BoardHandle
        reveal_type(board.upload_image_file("a.png"))  # IvkImage
        reveal_type(client.board_repo.list_boards())  # list[Board]
        reveal_type(client.image_repo.list_images())  # list[IvkImage]
        reveal_type(client.image_repo.iter_images())  # Iterator[IvkImage]
        reveal_type(client.model_repo.list_models())  # list[ModelRecord]


def misspelt() -> None:
    # Strict type checkers report an `ignore` that nothing needs.
    InvokeAIClient.from_url("http://localhost:9090", tokn="t")  # type: ignore[call-arg]
    InvokeAIClient("http://localhost:9090", verify=3)  # type: ignore[arg-type]


async def asynchronous() -> None:
    async with AsyncInvokeAIClient.from_url("http://localhost:9090") as client:
        reveal_type(client)  # AsyncInvokeAIClient
        workflow = await client.workflow_repo.load("portrait.json")
        reveal_type(workflow)  # AsyncWorkflowHandle
        board = await client.board_repo.create_board("Portraits")
        result = await workflow.run(steps=30, board=board)
        reveal_type(result)  # RunResult[AsyncIvkImage, AsyncIvkVideo]
        reveal_type(result.image)  # AsyncIvkImage
        reveal_type(await result.image.save("pictures/"))  # Path
        reveal_type(result.jobs[0].image)  # AsyncIvkImage
        reveal_type(result.outputs["Portrait"].images)  # tuple[AsyncIvkImage, ...]
        reveal_type(result.video)  # AsyncIvkVideo

        submission = await workflow.submit(key="once")
        reveal_type(submission)  # AsyncSubmission
        reveal_type(await submission.wait())  # RunResult[AsyncIvkImage, AsyncIvkVideo]
        async for event in submission.events():
            reveal_type(event)  # ServerEvent
        reveal_type(await client.submit_many([workflow]))  # list[AsyncSubmission]
        found = await client.queue_repo.get_submission("id")
        reveal_type(found)  # AsyncSubmission
        images = client.image_repo.iter_images(board=board)
        reveal_type(images)  # AsyncIterator[AsyncIvkImage]
        together = await asyncio.gather(workflow.run(), workflow.run())
        reveal_type(together[0].image)  # AsyncIvkImage


class IvkCustomField(IvkField[str]):
    value: str

    def validate_field(self) -> None: ...

    def to_api_format(self) -> dict[str, Any]:
        return {"type": "custom", "value": self.value}


undo = field_registry.register(
    lambda info: info.get("type") == "CustomField",
    lambda info: IvkCustomField(value=info.get("value", "")),
)
reveal_type(undo)  # def ()
reveal_type(register_output_type("show_image"))  # def ()
reveal_type(IvkCustomField(value="x").value)  # str
