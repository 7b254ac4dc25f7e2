"""How well releasing goes, as plain arithmetic: periods, distributions of durations, figures, comparisons."""
