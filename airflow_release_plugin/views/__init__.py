"""The pages under ``/release/ui``; each parses the request, calls use cases and renders."""
