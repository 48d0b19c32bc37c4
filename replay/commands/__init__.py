"""The commands of ``bl``: one command, one module, whose docstring is its manual."""
