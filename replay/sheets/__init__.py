"""What is exported: tables, files, and the journal in double entry."""
