"""What pages show that draws on all the rest: releases, comparisons, trials of flows, states to watch."""
