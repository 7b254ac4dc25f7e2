"""What every use case stands on: surroundings, transaction, rights, the trail, work in the background."""
