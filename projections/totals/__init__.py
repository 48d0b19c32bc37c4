"""What a period costs: its lines, from invoices, items that wait, and estimates."""
