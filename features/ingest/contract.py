"""The data contract: every table and column that a marketplace may provide, once, with its constraints."""

from dataclasses import dataclass

FAULTS = ("seller", "buyer", "carrier", "platform", "unknown")
CASE_KINDS = ("inquiry", "item_not_received", "not_as_described", "other")
HELPING = ("listing_fix", "handling_time", "carrier", "coaching")  # interventions that help a seller
RESTRICTING = ("order_cap", "hold")  # interventions that restrict a seller
CORRECTED = ("orders", "returns", "cases", "feedback")  # tables that an appeal can correct
SALE, NO_SALES = "sale", ("replacement", "test")  # kinds of order lines
DATE_MEANS = "a date without a time means the end of that day"
LARGEST_QUANTITY = 1e6  # pieces; more is an error in the data
LARGEST_AMOUNT = 1e12  # a larger amount is an error in the data


@dataclass(frozen=True)
class Column:
    """One column. Kinds: text, boolean, choice, whole, share, money, time, time_or_date."""

    name: str
    kind: str
    doc: str
    required: bool = False
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    typed_name: str = ""  # the name in the typed table, if it differs

    @property
    def typed(self) -> dict[str, str]:
        """The names and SQL types of this column in the typed table; a time has two columns."""
        name = self.typed_name or self.name
        if self.kind in ("time", "time_or_date"):
            return {name: "bigint", f"{name}_day": "integer"}
        types = {"boolean": "boolean", "whole": "integer", "share": "double", "money": "bigint"}
        return {name: types.get(self.kind, "varchar")}


@dataclass(frozen=True)
class Table:
    """One table. A row is known from the time in its column `happened_at`, or from `recorded_at` if that is later."""

    name: str
    key: tuple[str, ...]
    happened_at: str
    columns: tuple[Column, ...]
    required: bool = False
    fixed: tuple[str, ...] = ()  # columns that all versions of a key agree on; another value is another row

    def column(self, name: str) -> Column:
        """The column with this name."""
        return next(c for c in self.columns if c.name == name)

    @property
    def typed_fixed(self) -> tuple[str, ...]:
        """The typed columns of `fixed`; an instant stands for its day too."""
        return tuple(next(iter(self.column(name).typed)) for name in self.fixed)

    @property
    def version_key(self) -> tuple[str, ...]:
        """The columns that identify a version of a row."""
        return (*self.key, "recorded_at")

    @property
    def typed(self) -> dict[str, str]:
        """The names and SQL types of all columns of the typed table."""
        return {name: kind for column in self.columns for name, kind in column.typed.items()}


def _text(name: str, doc: str, required: bool = False, typed_name: str = "") -> Column:
    return Column(name, "text", doc, required, typed_name=typed_name)


def _choice(name: str, choices: tuple[str, ...], doc: str, required: bool = False, typed_name: str = "") -> Column:
    return Column(name, "choice", doc, required, choices=choices, typed_name=typed_name)


def _time(name: str, doc: str, required: bool = False) -> Column:
    return Column(name, "time", doc, required)


def _money(name: str, doc: str, typed_name: str) -> Column:
    return Column(name, "money", doc, minimum=0, maximum=LARGEST_AMOUNT, typed_name=typed_name)


ORDER_ID = _text("order_id", "the order", required=True)
LINE_ID = _text("line_id", "the line within its order", required=True)
SELLER_ID = _text("seller_id", "the seller", required=True)
RECORDED_AT = _time("recorded_at", "when the marketplace learned of it or changed it; each change is a new version")
SHARED = Column("shared", "boolean", "true if the source names only the order, so that each of its sellers has a row")

ORDERS = Table(
    "orders",
    ("order_id", "line_id"),
    "ordered_at",
    (
        ORDER_ID,
        LINE_ID,
        SELLER_ID,
        _text("item_id", "the item sold"),
        _text("category", "category of the item"),
        _money("price", "price of the line", "price_cents"),
        Column("quantity", "whole", "number of pieces in the line", minimum=0, maximum=LARGEST_QUANTITY),
        _text("currency", "currency of the amounts; one for the whole marketplace"),
        _choice("kind", (SALE, *NO_SALES), "what the line is; only sales count in the ledger"),
        _text("buyer_id", "a pseudonym of the customer"),
        _time("ordered_at", "when the customer ordered", required=True),
        Column("ship_by", "time_or_date", f"by when the seller must ship it; {DATE_MEANS}"),
        _time("shipped_at", "when it was handed to the carrier"),
        Column("tracking_valid", "boolean", "whether the tracking number worked"),
        Column("promised_at", "time_or_date", f"promised delivery; {DATE_MEANS}"),
        _time("delivered_at", "when it was delivered"),
        _time("cancelled_at", "when it was cancelled"),
        _choice("cancelled_by", FAULTS, "who cancelled it"),
        RECORDED_AT,
    ),
    required=True,
    fixed=("seller_id", "ordered_at"),
)

RETURNS = Table(
    "returns",
    ("return_id",),
    "opened_at",
    (
        _text("return_id", "the return", required=True),
        ORDER_ID,
        LINE_ID,
        _time("opened_at", "when the customer asked to return it", required=True),
        _text("reason", "the customer's reason; it blames the goods if it contains a word such as `defective`"),
        _choice("fault", FAULTS, "whose fault it was; known when refunded"),
        _time("refunded_at", "when the money was refunded"),
        _money("refund_amount", "the amount refunded", "refund_cents"),
        RECORDED_AT,
    ),
    fixed=("order_id", "line_id"),
)

CASES = Table(
    "cases",
    ("case_id",),
    "opened_at",
    (
        _text("case_id", "the complaint, claim or inquiry", required=True),
        SELLER_ID,
        _choice("kind", CASE_KINDS, "what it is about", required=True),
        _time("opened_at", "when the customer opened it", required=True),
        _text("order_id", "the order it is about"),
        _time("first_response_at", "when the seller first answered"),
        _time("closed_at", "when it was closed"),
        _choice("resolution", ("seller", "platform", "buyer"), "who resolved it; known when closed"),
        _choice("fault", FAULTS, "whose fault it was; known when closed"),
        SHARED,
        RECORDED_AT,
    ),
    fixed=("seller_id",),
)

FEEDBACK = Table(
    "feedback",
    ("feedback_id",),
    "created_at",
    (
        _text("feedback_id", "the rating", required=True),
        ORDER_ID,
        SELLER_ID,
        Column("rating", "whole", "1 (worst) to 5", required=True, minimum=1, maximum=5),
        _time("created_at", "when the customer gave the rating, not when it was requested", required=True),
        SHARED,
        RECORDED_AT,
    ),
    fixed=("seller_id",),
)

SELLERS = Table(
    "sellers",
    ("seller_id",),
    "joined_at",
    (
        SELLER_ID,
        _text("name", "the name that customers see"),
        _time("joined_at", "first day on the marketplace"),
        _time("left_at", "last day on the marketplace"),
        _text("region", "where the seller ships from"),
        _choice("fulfilment", ("seller", "platform"), "who ships the orders"),
        Column("natural_person", "boolean", "true for a person, false for a company"),
        RECORDED_AT,
    ),
    required=True,
)

INTERVENTIONS = Table(
    "interventions",
    ("intervention_id",),
    "started_at",
    (
        _text("intervention_id", "the intervention: something done to help or restrain a seller", required=True),
        SELLER_ID,
        _choice("kind", (*HELPING, *RESTRICTING), "what was done", required=True),
        _time("started_at", "when it began", required=True),
        _time("ended_at", "when it ended"),
        _choice("arm", ("treatment", "holdout"), "arm of an experiment"),
        Column("propensity", "share", "probability of treatment when it was assigned", minimum=0, maximum=1),
        RECORDED_AT,
    ),
    fixed=("seller_id",),
)

CORRECTIONS = Table(
    "corrections",
    ("correction_id",),
    "decided_at",
    (
        _text("correction_id", "the correction: what an appeal changed in a row", required=True),
        SELLER_ID,
        _choice("table", CORRECTED, "the row's table", required=True, typed_name="table_name"),
        _text("row_key", "the row's key; for an order line `order_id/line_id`", required=True),
        _time("decided_at", "when the appeal was decided", required=True),
        _choice("effect", ("excluded", "fault_changed"), "how the row changes", required=True),
        _choice("new_fault", FAULTS, "the fault after the appeal"),
        _text("reason", "the reason of the decision"),
        RECORDED_AT,
    ),
)

ALIASES = Table(
    "aliases",
    ("old_seller_id",),
    "valid_from",
    (
        _text("old_seller_id", "the seller's id before it was renamed, or merged into another seller", required=True),
        _text("new_seller_id", "the id that keeps the history", required=True),
        _time("valid_from", "when the new id took over", required=True),
        RECORDED_AT,
    ),
    fixed=("new_seller_id",),
)

TABLES = {t.name: t for t in (ORDERS, RETURNS, CASES, FEEDBACK, SELLERS, INTERVENTIONS, CORRECTIONS, ALIASES)}
