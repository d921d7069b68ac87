"""Sweeps: one workflow with many values, on one server or many, and nothing is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from invokeai_py_client._exports import lazy_exports

if TYPE_CHECKING:
    from invokeai_py_client._aio.server_pool import AsyncServerPool as AsyncServerPool
    from invokeai_py_client._aio.sweep_plan import AsyncSweepPlan as AsyncSweepPlan
    from invokeai_py_client.sweep.display.gallery import gallery as gallery
    from invokeai_py_client.sweep.display.grid_image import grid as grid
    from invokeai_py_client.sweep.display.shown_item import ShownItem as ShownItem
    from invokeai_py_client.sweep.folder.remote_target import RemoteFile as RemoteFile
    from invokeai_py_client.sweep.planning.drawn_seeds import (
        SeedList as SeedList,
        seeds as seeds,
    )
    from invokeai_py_client.sweep.planning.items import SweepItem as SweepItem
    from invokeai_py_client.sweep.pool.chain_values import RowResult as RowResult
    from invokeai_py_client.sweep.pool.server_pool import ServerPool as ServerPool
    from invokeai_py_client.sweep.running.progress import (
        ServerProgress as ServerProgress,
        SweepProgress as SweepProgress,
        SweepResult as SweepResult,
    )
    from invokeai_py_client.sweep.running.sweep_run import FinishedItem as FinishedItem
    from invokeai_py_client.sweep.sweep import Sweep as Sweep
    from invokeai_py_client.sweep.sweep_plan import SweepPlan as SweepPlan
else:
    _HOMES = {
        "_aio.server_pool": "AsyncServerPool",
        "_aio.sweep_plan": "AsyncSweepPlan",
        "sweep.display.gallery": "gallery",
        "sweep.display.grid_image": "grid",
        "sweep.display.shown_item": "ShownItem",
        "sweep.folder.remote_target": "RemoteFile",
        "sweep.planning.drawn_seeds": "SeedList seeds",
        "sweep.planning.items": "SweepItem",
        "sweep.pool.chain_values": "RowResult",
        "sweep.pool.server_pool": "ServerPool",
        "sweep.running.progress": "ServerProgress SweepProgress SweepResult",
        "sweep.running.sweep_run": "FinishedItem",
        "sweep.sweep": "Sweep",
        "sweep.sweep_plan": "SweepPlan",
    }
    __getattr__, __dir__, __all__ = lazy_exports(__name__, _HOMES)
