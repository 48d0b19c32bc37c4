"""What people write on a command line, and what it stands for."""
