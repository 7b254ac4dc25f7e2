"""What templates draw with: words, icons, diffs, pictures, tables."""
