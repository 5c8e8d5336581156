"""Every route of the review pages, with who may ask it. What is not here does not exist."""

from serving.review import actions, login, queue
from serving.review.call import ROLES, STAFF, View
from serving.review.seller import evidence
from serving.review.seller import page as seller

VIEWS: tuple[View, ...] = (
    View("GET", "/login", (), login.show),
    View("POST", "/login", (), login.log_in),
    View("POST", "/logout", ROLES, login.log_out),
    View("POST", "/keys", ROLES, login.keys),
    View("GET", "/", ROLES, login.start),
    View("GET", "/queue", STAFF, queue.show),
    View("POST", "/queue/take-next", STAFF, actions.take_next),
    View("POST", "/queue/{action}", STAFF, actions.several),
    View("POST", "/case/{case_id}/{action}", STAFF, actions.act),
    View("GET", "/seller/{seller_id}", STAFF, seller.show),
    View("GET", "/seller/{seller_id}/orders", STAFF, evidence.show),
)
