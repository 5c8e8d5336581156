"""Every route of the review pages, with who may ask it. What is not here does not exist."""

from serving.review import actions, appeals, letters, login, manager, manager_tables, queue, second
from serving.review.call import MANAGER, REVIEWER, ROLES, SELLER, STAFF, View
from serving.review.own import objecting
from serving.review.own import page as own
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
    View("GET", "/letter/{case_decision_id}", STAFF, letters.show),
    View("GET", "/letter/{case_decision_id}/text", STAFF, letters.text),
    View("GET", "/objections", STAFF, appeals.show_all),
    View("GET", "/objection/{objection_id}", STAFF, appeals.show),
    View("POST", "/objection/{objection_id}", (REVIEWER,), appeals.answer),
    View("GET", "/second", (REVIEWER,), second.show),
    View("POST", "/second/{case_id}", (REVIEWER,), second.say),
    View("GET", "/figures", (MANAGER,), manager.show),
    View("GET", "/figures/{table}", (MANAGER,), manager_tables.table),
    View("GET", "/standing", (SELLER,), own.show),
    View("GET", "/standing/letter/{case_decision_id}", (SELLER,), letters.show),
    View("GET", "/standing/letter/{case_decision_id}/text", (SELLER,), letters.text),
    View("GET", "/standing/object", (SELLER,), objecting.show),
    View("POST", "/standing/objections", (SELLER,), objecting.send),
)
