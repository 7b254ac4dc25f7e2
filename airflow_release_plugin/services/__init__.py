"""The use cases, in packages by what they are for; who may do what is decided here and nowhere else."""
