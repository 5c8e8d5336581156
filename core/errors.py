"""Errors that a user can act on."""


class ForesellError(Exception):
    """An error that the user can correct: the rule that was broken, the value found, and the next step."""

    def __init__(self, rule: str, found: object, next_step: str) -> None:
        super().__init__(f"{rule} Found: {found}. Next: {next_step}")
        self.rule = rule
        self.found = str(found)
        self.next_step = next_step
