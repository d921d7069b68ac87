"""What two servers give into one folder: two files."""

from __future__ import annotations

import pytest
from media_files import png
from scripted_server import Answer, ScriptedServer

from invokeai_py_client import AsyncInvokeAIClient, InvokeAIClient
from invokeai_py_client.simulator import SimulatedServer


@pytest.fixture
def exporting():
    """Two servers that export presets, which the simulator does not."""

    def answer(_):
        return Answer(b"name,prompt,negative_prompt\n", kind="text/csv")

    with ScriptedServer(answer) as one, ScriptedServer(answer) as other:
        yield one.url, other.url


async def test_presets_of_two_servers_are_two_files(exporting, tmp_path):
    for _ in range(2):  # The same server replaces its own.
        for url in exporting:
            with InvokeAIClient(url) as client:
                client.style_preset_repo.export_presets(tmp_path)
            async with AsyncInvokeAIClient(url) as client:
                path = await client.style_preset_repo.export_presets(tmp_path)
                assert path.suffix == ".csv"
    assert len(list(tmp_path.iterdir())) == 2


def test_zips_of_images_on_no_board_of_two_servers_are_two_files(tmp_path):
    with SimulatedServer() as one, SimulatedServer() as other:
        for server in (one, other, one):
            with InvokeAIClient(server.url) as client:
                client.image_repo.upload_image(png(3, 2))
                client.board_repo.get_board_handle("none").download_images_as_zip(
                    tmp_path
                )
    assert [path.suffix for path in tmp_path.iterdir()] == [".zip", ".zip"]
