"""Approval flows: the list, one flow, its form, trying it out, and who is eligible."""
