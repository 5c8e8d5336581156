"""What casework refuses, as types that a page can tell apart."""

from features.errors import ForesellError


class ConflictError(ForesellError):
    """The case has changed since it was read: nothing was done, nothing is lost."""


class NotAllowedError(ForesellError):
    """The person, or the state of the case, does not admit the action."""


class MissingError(ForesellError):
    """What was asked for does not exist, or not for this person."""


class IncompleteError(ForesellError):
    """Something that the decision, the letter or the objection needs is not there. field: the form's field."""

    def __init__(self, field: str, rule: str, found: object, next_step: str) -> None:
        super().__init__(rule, found, next_step)
        self.field = field
