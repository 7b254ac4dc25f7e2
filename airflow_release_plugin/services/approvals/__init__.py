"""Who has to agree: flows and how they are configured, approvals, gates, deputies, and telling people."""
