"""Events in sentences, for whoever wants to know what happened."""
