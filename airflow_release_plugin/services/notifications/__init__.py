"""Sending what ``approval.notifications`` and ``drift.alarms`` put into the outbox, and what failed to go."""
