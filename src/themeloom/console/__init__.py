"""What people see in the terminal: progress bars and tables."""
