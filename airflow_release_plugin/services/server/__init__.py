"""An API server as a whole: what it does when it starts and while it runs, and whether it is well."""
