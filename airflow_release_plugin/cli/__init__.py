"""The commands of ``airflow release``; each parses arguments, calls one use case and prints."""
