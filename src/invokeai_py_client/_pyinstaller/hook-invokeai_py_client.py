"""For programs frozen by PyInstaller: data, and modules that are imported by name."""

from __future__ import annotations

from PyInstaller.utils.hooks import collect_data_files, collect_submodules

datas = collect_data_files("invokeai_py_client")
# Names are imported when they are first used, which PyInstaller cannot see; the
# simulator comes along only with programs that import it.
hiddenimports = collect_submodules(
    "invokeai_py_client",
    filter=lambda name: (
        not name.startswith(
            (
                "invokeai_py_client.simulator",
                "invokeai_py_client.cli",
                "invokeai_py_client.pytest_plugin",
            )
        )
    ),
)
