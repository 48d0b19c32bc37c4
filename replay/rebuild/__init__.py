"""Read models made anew, beside the live ones or to be compared with them."""
