"""The types of what `client.events()` yields.

```python
from invokeai_py_client.events import ModelInstallEvent

for event in client.events(ModelInstallEvent):
    print(event.job_id, event.bytes, event.total_bytes)
```
"""

from invokeai_py_client._core.events import (
    BatchEnqueuedEvent as BatchEnqueuedEvent,
    ConnectionEvent as ConnectionEvent,
    InvocationCompleteEvent as InvocationCompleteEvent,
    InvocationErrorEvent as InvocationErrorEvent,
    InvocationEvent as InvocationEvent,
    InvocationProgressEvent as InvocationProgressEvent,
    InvocationStartedEvent as InvocationStartedEvent,
    JobEvent as JobEvent,
    JobsCanceledEvent as JobsCanceledEvent,
    JobsRetriedEvent as JobsRetriedEvent,
    JobStatusChangedEvent as JobStatusChangedEvent,
    PreviewImage as PreviewImage,
    QueueClearedEvent as QueueClearedEvent,
    ServerEvent as ServerEvent,
    UnknownEvent as UnknownEvent,
)
from invokeai_py_client._core.server_events import (
    EVENT_TYPES as EVENT_TYPES,
    BulkDownloadEvent as BulkDownloadEvent,
    DownloadEvent as DownloadEvent,
    LanguageModelEvent as LanguageModelEvent,
    ModelInstallEvent as ModelInstallEvent,
    ModelLoadEvent as ModelLoadEvent,
    RecallParametersUpdatedEvent as RecallParametersUpdatedEvent,
    WorkflowLibraryEvent as WorkflowLibraryEvent,
)

__all__ = ["EVENT_TYPES"]
__all__ += sorted(key for key, kind in globals().items() if isinstance(kind, type))
