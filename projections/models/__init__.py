"""What is kept of each kind of object: one file for each read model, and their register."""
