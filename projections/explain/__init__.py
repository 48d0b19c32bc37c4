"""Why a figure is what it is: trees of arithmetic down to events, added up again."""
