"""What happened: the log, and the pure domain on which everything else stands."""
