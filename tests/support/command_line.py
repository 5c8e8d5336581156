"""The commands of the command line, as its library holds them."""

from collections.abc import Mapping
from typing import Any

from typer.core import TyperGroup


def subcommands(command: object) -> Mapping[str, Any]:
    """The commands of a group, by name."""
    assert isinstance(command, TyperGroup)
    return command.commands
