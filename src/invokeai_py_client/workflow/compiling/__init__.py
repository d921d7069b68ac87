"""From a loaded workflow and edited values to the graph and batch data of the request.

May use the rooms from `document` to `loading`.
"""
