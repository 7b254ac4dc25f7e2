"""Approval flows as plain data: what they may be, which applies, who may decide, when a release may run."""
