"""Every route of the review pages, with who may ask it. What is not here does not exist."""

from serving.review import login
from serving.review.call import ROLES, View

VIEWS: tuple[View, ...] = (
    View("GET", "/login", (), login.show),
    View("POST", "/login", (), login.log_in),
    View("POST", "/logout", ROLES, login.log_out),
    View("POST", "/keys", ROLES, login.keys),
    View("GET", "/", ROLES, login.start),
)
