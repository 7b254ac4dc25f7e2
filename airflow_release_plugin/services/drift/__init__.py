"""What runs against what was approved: the look, the alarm, the repair, and keeping a change by a release."""
