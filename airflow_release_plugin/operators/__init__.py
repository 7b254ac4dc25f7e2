"""What a task of a pipeline does with releases, exports and imports, over the REST API."""
