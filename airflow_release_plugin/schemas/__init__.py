"""Bodies and answers of the REST API, shared by the server and the client."""
