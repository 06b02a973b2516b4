"""winback completion."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

SHELLS = ("bash", "zsh", "fish")


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the script that lets a shell complete winback's verbs and options.

    \b
    bash:  echo 'eval "$(winback completion bash)"' >> ~/.bashrc
    zsh:   echo 'eval "$(winback completion zsh)"' >> ~/.zshrc
    fish:  winback completion fish > ~/.config/fish/completions/winback.fish

    Example: winback completion bash
    """
    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"click knows no completion for {shell}")
    # The check of bash's version that comes before a script is for the shell that completes, not for this process.
    complete = kind(ctx.find_root().command, {}, "winback", "_WINBACK_COMPLETE")
    click.echo(complete.source_template % complete.source_vars())
