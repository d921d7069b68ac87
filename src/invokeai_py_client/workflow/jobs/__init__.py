"""What is in the queue: requests, jobs, submissions.

Uses no other room.
"""
