"""How reports are written: to terminals, files and spreadsheets, each with its stamp."""
