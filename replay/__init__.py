"""How we know: the bl command, and the simulator it rehearses with."""
