"""Waiting without a worker; many waits share one request."""
