"""The bundled server: a simulated InvokeAI for tests, demonstrations and dry runs."""

from invokeai_py_client._version import extra_hint

try:
    from .base.faults import EventFault, Faults, RequestFault
    from .base.settings import Settings
    from .models.models_inventory import default_models, model_record
    from .server import SimulatedServer, SimulatorStartError
    from .simulation import Simulation
except ModuleNotFoundError as _error:
    raise ModuleNotFoundError(
        f"the simulator needs {_error.name}: {extra_hint('simulator')}",
        name=_error.name,
    ) from None

__all__ = [
    "EventFault",
    "Faults",
    "RequestFault",
    "Settings",
    "SimulatedServer",
    "Simulation",
    "SimulatorStartError",
    "default_models",
    "model_record",
]
