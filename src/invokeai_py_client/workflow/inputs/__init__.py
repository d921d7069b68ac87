"""What users set and read on a workflow: inputs, names, seeds, outputs.

May use the rooms from `document` to `locking`.
"""
