"""Read models made anew as a whole: facts kept beside the log, folded object by object."""
