"""Write what lets a shell complete commands, options and their values.

    bl completion bash > ~/.local/share/bash-completion/completions/bl
    bl completion zsh > ~/.zfunc/_bl
    bl completion fish > ~/.config/fish/completions/bl.fish

For zsh the folder has to stand in fpath before compinit is called. A new shell reads it.
"""

from __future__ import annotations

import enum
import sys

from replay.arguments.options import Watching


class Shell(enum.StrEnum):
    """A shell that can be told how to complete."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def run(shell: Shell, /, *, options: Watching | None = None) -> int:
    """Write the completion of a shell to stdout.

    Args:
        shell: bash, zsh or fish.
    """
    del options  # nothing is asked
    # Imported here: it knows every command, this one too.
    from replay.__main__ import application  # noqa: PLC0415

    text = application([]).generate_completion(prog_name="bl", shell=shell.value)
    sys.stdout.write(text)
    return 0
