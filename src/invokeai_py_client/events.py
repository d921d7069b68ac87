"""The types of what `client.events()` yields.

```python
from invokeai_py_client.events import ModelInstallEvent

for event in client.events(ModelInstallEvent):
    print(event.job_id, event.bytes, event.total_bytes)
```
"""

from invokeai_py_client._core.events import (
    EVENT_TYPES,
    BatchEnqueuedEvent,
    ConnectionEvent,
    InvocationCompleteEvent,
    InvocationErrorEvent,
    InvocationEvent,
    InvocationProgressEvent,
    InvocationStartedEvent,
    JobEvent,
    JobsCanceledEvent,
    JobsRetriedEvent,
    JobStatusChangedEvent,
    PreviewImage,
    QueueClearedEvent,
    ServerEvent,
    UnknownEvent,
)
from invokeai_py_client._core.server_events import (
    BulkDownloadEvent,
    DownloadEvent,
    LanguageModelEvent,
    ModelInstallEvent,
    ModelLoadEvent,
    RecallParametersUpdatedEvent,
    WorkflowLibraryEvent,
)

__all__ = [
    "EVENT_TYPES",
    "BatchEnqueuedEvent",
    "BulkDownloadEvent",
    "ConnectionEvent",
    "DownloadEvent",
    "InvocationCompleteEvent",
    "InvocationErrorEvent",
    "InvocationEvent",
    "InvocationProgressEvent",
    "InvocationStartedEvent",
    "JobEvent",
    "JobStatusChangedEvent",
    "JobsCanceledEvent",
    "JobsRetriedEvent",
    "LanguageModelEvent",
    "ModelInstallEvent",
    "ModelLoadEvent",
    "PreviewImage",
    "QueueClearedEvent",
    "RecallParametersUpdatedEvent",
    "ServerEvent",
    "UnknownEvent",
    "WorkflowLibraryEvent",
]
