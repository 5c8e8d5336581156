"""Functions that make features which differ only in what they count: volumes, rates, trends, times since, levels."""

from collections.abc import Iterable

from features.catalogue.failure_kinds import Failure
from features.catalogue.feature import Feature

PRIOR = 20  # prior strength of a seller's rate, in orders at the peer group's rate
GROUP_PRIOR = 5  # prior strength of a group's rate, in orders at the market's rate
SPANS = (7, 14, 28, 60, 90, 180)
LONGEST_SINCE = 180  # days; a longer time since a failure counts as this
ORDERS_WERE = "no order was/1 order was/# orders were"
# Groups with few sellers, often one: a seller's own orders are left out, since they would only repeat its own rate.
WITHOUT_OWN_ORDERS = ("item",)
GROUP_TITLES = {"peer": "in the peer group", "item": "of the item's other sellers"}
GROUP_WORDS = {
    "market": "In the whole market, ",
    "peer": "Among {peer_sellers|no similar seller/1 similar seller/# similar sellers}[ ({peer_group})], ",
    "category": "[Among sellers whose main category is {category}, ]",
    "item": "[Among other sellers whose main item is {item}, ]",
    "region": "[Among sellers in the region {region}, ]",
}


def volume(span: int) -> Feature:
    """Orders over a window."""
    return Feature(
        name=f"orders_{span}",
        title=f"Orders, last {span} days",
        family="volume",
        unit="orders",
        direction="none",
        formula=f"cast(ordered_{span} as double)",
        sentence=f"{{ordered_{span}|{ORDERS_WERE}}} placed in the last {span} days.",
    )


def growth(name: str, family: str, recent: int, usual: int, group: str = "", where: str = "") -> Feature:
    """Recent orders against the average of a longer window."""
    now, longer = f"{group}ordered_{recent}", f"{group}ordered_{usual}"
    return Feature(
        name=name,
        title=f"Orders{' of the market' if group else ''} in the last {recent} days against the average of {usual}",
        family=family,
        unit="ratio",
        direction="none",
        formula=f"({now} + 5.0) / ({longer} * {recent}.0 / {usual}.0 + 5.0)",
        sentence=f"{where}{{{now}|{ORDERS_WERE}}} placed in the last {recent} days; "
        f"at the average rate of the last {usual} days it would be {{{longer}*{recent}/{usual}}}.",
    )


def a_year_ago(failure: Failure, name: str) -> Feature:
    """How the market's rate changed a year ago, from the same 28 days to the next."""

    def between(quantity: str, first: int, last: int) -> str:
        return f"(market_{quantity}_{first} - market_{quantity}_{last})"

    def counted(first: int, last: int) -> str:
        bad, volume = (f"market_{q}_{first}-market_{q}_{last}" for q in (failure.bad, failure.volume))
        return f"{{{bad}|no {failure.one}/1 {failure.one}/# {failure.many}}} (of {{{volume}}})"

    before, after = (
        f"{between(failure.bad, *days)} / nullif(cast({between(failure.volume, *days)} as double), 0)"
        for days in ((392, 364), (364, 336))
    )
    return Feature(
        name=name,
        title=f"{failure.title}: change of the market's share in the following 28 days, a year ago",
        family="season",
        unit="share",
        direction="up",
        formula=f"{after} - {before}",
        sentence=f"[A year ago, {counted(364, 336)} in the following 28 days; {counted(392, 364)} in the 28 before.]",
    )


def shrunk(bad: str, volume: str, span: int) -> str:
    """A rate over a window, with PRIOR more orders at the peer group's rate over 60 days."""
    prior = f"{PRIOR}.0 * coalesce(peer_{bad}_60 / nullif(peer_{volume}_60, 0), 0)"
    return f"({bad}_{span} + {prior}) / ({volume}_{span} + {PRIOR}.0)"


def group_rate(group: str, bad: str, volume: str, span: int) -> str:
    """A group's rate over a window, with GROUP_PRIOR more orders at the market's rate over 60 days."""
    prior = f"{GROUP_PRIOR}.0 * coalesce(market_{bad}_60 / nullif(market_{volume}_60, 0), 0)"
    failures, total = (f"{group}_{quantity}_{span}" for quantity in (bad, volume))
    if group in WITHOUT_OWN_ORDERS:
        failures, total = f"greatest({failures} - {bad}_{span}, 0)", f"greatest({total} - {volume}_{span}, 0)"
    return f"({failures} + {prior}) / ({total} + {GROUP_PRIOR}.0)"


def rates(failure: Failure, spans: Iterable[int] = SPANS) -> list[Feature]:
    """A seller's rate over several windows; each sentence adds the number expected at the peer group's rate."""
    bad, volume = failure.bad, failure.volume
    usual = (
        "[; at the rate of similar sellers: {{peer_{bad}_60/peer_{volume}_60*{volume}_{span}}} of {{{volume}_{span}}}]"
    )
    return [
        Feature(
            name=f"{bad}_rate_{span}",
            title=f"{failure.title}, last {span} days",
            family=failure.family,
            unit="share",
            direction="up",
            formula=shrunk(bad, volume, span),
            sentence=f"{failure.counted(span)}{usual.format(bad=bad, volume=volume, span=span)}.",
            evidence=f"{bad}_{span}",
            unless=failure.unless,
        )
        for span in spans
    ]


def trend(failure: Failure) -> Feature:
    """How the last 14 days differ from the last 60."""
    bad, volume = failure.bad, failure.volume
    return Feature(
        name=f"{bad}_trend",
        title=f"{failure.title}: last 14 days against the last 60",
        family=failure.family,
        unit="share",
        direction="up",
        formula=f"{shrunk(bad, volume, 14)} - {shrunk(bad, volume, 60)}",
        sentence=f"{failure.counted(14)}; over 60 days it was {{{bad}_60}} of {{{volume}_60}}.",
        evidence=f"{bad}_14",
        unless=failure.unless,
    )


def since(failure: Failure) -> Feature:
    """Days since the failure last happened; unknown if it never did."""
    last = f"since_{failure.bad}"
    return Feature(
        name=f"days_{last}",
        title=f"Days since {with_article(failure.one)}, at most {LONGEST_SINCE}",
        family=failure.family,
        unit="days",
        direction="down",
        formula=f"case when {last} > {LONGEST_SINCE} then {LONGEST_SINCE}.0 else cast({last} as double) end",
        sentence=f"The last time that {with_article(failure.one)}: {{{last}|today/1 day ago/# days ago/never so far}}.",
        evidence=f"{failure.bad}_{LONGEST_SINCE}",
        unless=failure.unless,
    )


def with_article(words: str) -> str:
    """The words with their article."""
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def level(failure: Failure, group: str, span: int, family: str = "") -> Feature:
    """A group's rate over a window."""
    others = group in WITHOUT_OWN_ORDERS
    own = f"{group}_{failure.bad}_{span}/{group}_{failure.volume}_{span}"
    share = "" if others else f"[ ({{{own}|share}})]"
    return Feature(
        name=f"{group}_{failure.bad}_rate_{span}",
        title=f"{failure.title}, {GROUP_TITLES.get(group, f'in the {group}')}, last {span} days",
        family=family or ("market" if group == "market" else "peers"),
        unit="share",
        direction="up",
        formula=group_rate(group, failure.bad, failure.volume, span),
        sentence=f"{GROUP_WORDS[group]}{failure.counted(span, f'{group}_', others)}{share}.",
    )


def share_of_orders(quantity: str, family: str, which: str) -> Feature:
    """The share of the orders of the last 28 days that are of one kind."""
    return Feature(
        name=f"{quantity}_share",
        title=f"Share of orders {which}, last 28 days",
        family=family,
        unit="share",
        direction="up",
        formula=f"{quantity}_28 / nullif(cast(ordered_28 as double), 0)",
        sentence=f"{{{quantity}_28|none/1/#}} of {{ordered_28|no order/1 order/# orders}} in the last 28 days "
        f"{{{quantity}_28|were/was/were}} {which}.",
        evidence=f"{quantity}_28",
    )
