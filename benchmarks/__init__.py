"""What must stay fast, each row beside what people use today."""
