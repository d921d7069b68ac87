"""A bundled server that speaks InvokeAI's HTTP and Socket.IO without a GPU."""
