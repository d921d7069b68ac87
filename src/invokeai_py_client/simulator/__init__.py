"""The bundled server: a simulated InvokeAI for tests, demonstrations and dry runs."""

from .faults import EventFault, Faults, RequestFault
from .models_inventory import default_models, model_record
from .server import SimulatedServer, SimulatorStartError
from .settings import Settings
from .simulation import Simulation

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
