"""The server as a program: accounts, settings, node packs, files, client state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from invokeai_py_client._exports import lazy_exports

if TYPE_CHECKING:
    from invokeai_py_client._aio.app import AsyncAppRepository as AsyncAppRepository
    from invokeai_py_client._aio.client_state import (
        AsyncClientStateRepository as AsyncClientStateRepository,
    )
    from invokeai_py_client._aio.image_move import (
        AsyncImageMoveRepository as AsyncImageMoveRepository,
    )
    from invokeai_py_client._aio.node_pack import (
        AsyncNodePackRepository as AsyncNodePackRepository,
    )
    from invokeai_py_client._aio.user import AsyncUserRepository as AsyncUserRepository
    from invokeai_py_client.admin.app import AppRepository as AppRepository
    from invokeai_py_client.admin.app_models import (
        ExternalProvider as ExternalProvider,
        ExternalProviderStatus as ExternalProviderStatus,
        Font as Font,
        FontFace as FontFace,
        GenerationDevice as GenerationDevice,
        InvocationCache as InvocationCache,
        LogLevel as LogLevel,
        RuntimeConfig as RuntimeConfig,
    )
    from invokeai_py_client.admin.client_state import (
        ClientStateRepository as ClientStateRepository,
    )
    from invokeai_py_client.admin.image_move import (
        ImageMoveJob as ImageMoveJob,
        ImageMoveRepository as ImageMoveRepository,
        ImageMoveState as ImageMoveState,
        ImageMoveStatus as ImageMoveStatus,
    )
    from invokeai_py_client.admin.node_pack import (
        InstalledNodePack as InstalledNodePack,
        NodePack as NodePack,
        NodePackRepository as NodePackRepository,
        NodePacks as NodePacks,
    )
    from invokeai_py_client.admin.user import (
        AuthStatus as AuthStatus,
        User as User,
        UserRepository as UserRepository,
    )
else:
    _HOMES = {
        "_aio.app": "AsyncAppRepository",
        "_aio.client_state": "AsyncClientStateRepository",
        "_aio.image_move": "AsyncImageMoveRepository",
        "_aio.node_pack": "AsyncNodePackRepository",
        "_aio.user": "AsyncUserRepository",
        "admin.app": "AppRepository",
        "admin.app_models": (
            "ExternalProvider ExternalProviderStatus Font FontFace GenerationDevice "
            "InvocationCache LogLevel RuntimeConfig"
        ),
        "admin.client_state": "ClientStateRepository",
        "admin.image_move": (
            "ImageMoveJob ImageMoveRepository ImageMoveState ImageMoveStatus"
        ),
        "admin.node_pack": "InstalledNodePack NodePack NodePackRepository NodePacks",
        "admin.user": "AuthStatus User UserRepository",
    }
    __getattr__, __dir__, __all__ = lazy_exports(__name__, _HOMES)
