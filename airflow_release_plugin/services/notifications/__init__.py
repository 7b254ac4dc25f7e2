"""Sending what ``approvals.notifications`` and ``drift.alarms`` put into the outbox; what failed to go."""
