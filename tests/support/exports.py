"""Exports as shops and marketplaces write them: the layouts are theirs, the rows are drawn here."""

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np


def names_in(text: str) -> list[str]:
    """The names in a header."""
    return text.split(",")


SHOPIFY = names_in(
    "Name,Email,Financial Status,Paid at,Fulfillment Status,Fulfilled at,Accepts Marketing,Currency,Subtotal,Shipping,"
    "Taxes,Total,Discount Code,Discount Amount,Shipping Method,Created at,Lineitem quantity,Lineitem name,"
    "Lineitem price,Lineitem compare at price,Lineitem sku,Lineitem requires shipping,Lineitem taxable,"
    "Lineitem fulfillment status,Cancelled at,Payment Method,Refunded Amount,Vendor,Id,Tags,Source"
)
AMAZON = names_in(
    "amazon-order-id,merchant-order-id,purchase-date,last-updated-date,order-status,fulfillment-channel,sales-channel,"
    "ship-service-level,product-name,sku,asin,item-status,quantity,currency,item-price,item-tax,shipping-price,"
    "ship-city,ship-state,ship-postal-code,ship-country,promotion-ids"
)
AMAZON_RETURNS = names_in(
    "return-date,order-id,sku,asin,fnsku,product-name,quantity,fulfillment-center-id,detailed-disposition,reason,"
    "status,license-plate-number,customer-comments"
)
EBAY = names_in(
    "Sales Record Number,Order Number,Buyer Username,Item Number,Item Title,Custom Label,Quantity,Sold For,"
    "Shipping And Handling,Sale Date,Paid On Date,Ship By Date,Minimum Estimated Delivery Date,"
    "Maximum Estimated Delivery Date,Shipped On Date,Shipping Service,Tracking Number"
)
SHEET = ("Bestellung", "Datum", "Händler", "Artikel", "Menge", "Einzelpreis", "Lieferart", "Zugestellt", "Storniert am")
START = datetime(2024, 1, 1, 8, tzinfo=UTC)


@dataclass(frozen=True)
class DrawnOrder:
    """One order with one or two lines, of a seller whose rates of trouble wander."""

    number: int
    seller: str
    at: datetime
    items: tuple[str, ...]
    cancelled: bool
    late: bool
    returned: bool


def drawn_orders(sellers: int = 40, days: int = 250, seed: int = 2) -> Iterator[DrawnOrder]:
    """Orders in the order of their times."""
    rng = np.random.default_rng(seed)
    wander = np.cumsum(rng.normal(0, 0.15, (sellers, days)), axis=1) + rng.normal(-2.4, 0.6, (sellers, 1))
    risk = 1 / (1 + np.exp(-wander))
    number = 0
    for day in range(days):
        for seller in range(sellers):
            for _ in range(int(rng.poisson(0.4 + 0.06 * (seller % 20)))):
                trouble = rng.random(3) < risk[seller, day]
                items = tuple(f"sku-{seller}-{i}" for i in rng.permutation(6)[: 1 + int(rng.random() < 0.2)])
                at = START + timedelta(days=day, minutes=int(rng.integers(0, 700)))
                number += 1
                yield DrawnOrder(number, f"shop{seller:02d}", at, items, *map(bool, trouble))


def write_rows(path: Path, names: Sequence[str], rows: Sequence[dict[str, Any]], **how: Any) -> Path:
    """Delimited text with a header; what a row lacks is empty."""
    encoding = how.pop("encoding", "utf-8")
    with path.open("w", encoding=encoding, newline="") as out:
        writer = csv.DictWriter(out, names, restval="", **how)
        writer.writeheader()
        writer.writerows(rows)
    return path


def shopify(path: Path) -> Path:
    """Orders > Export: the columns of an order are filled in its first line only."""
    rows: list[dict[str, Any]] = []
    for order in drawn_orders():
        zoned = order.at.astimezone(UTC)
        for place, item in enumerate(order.items):
            row: dict[str, Any] = {"Name": f"#{order.number}", "Lineitem quantity": 1 + place, "Lineitem sku": item}
            row |= {"Lineitem name": item.upper(), "Lineitem price": "12.50", "Vendor": order.seller}
            if place == 0:
                row |= {"Created at": f"{zoned:%Y-%m-%d %H:%M:%S} +0000", "Currency": "EUR", "Total": "25.00"}
                done = zoned + timedelta(days=1)
                key = "Cancelled at" if order.cancelled else "Fulfilled at"
                row[key] = f"{done:%Y-%m-%d %H:%M:%S} +0000"
            rows.append(row)
    return write_rows(path, SHOPIFY, rows)


def amazon(folder: Path) -> Path:
    """A report of all orders and one of returns for each seller account, tab-separated."""
    by_seller: dict[str, list[DrawnOrder]] = {}
    for order in drawn_orders():
        by_seller.setdefault(order.seller, []).append(order)
    for seller, orders in by_seller.items():
        rows, returns = [], []
        for order in orders:
            for item in order.items:
                rows.append(
                    {
                        "amazon-order-id": f"402-{order.number:07d}",
                        "purchase-date": order.at.isoformat(),
                        "last-updated-date": (order.at + timedelta(days=1)).isoformat(),
                        "order-status": "Cancelled" if order.cancelled else "Shipped",
                        **{"sku": item, "quantity": 1, "currency": "USD", "item-price": "9.99"},
                    }
                )
            if order.returned and not order.cancelled:
                back = {
                    "return-date": (order.at + timedelta(days=9)).isoformat(),
                    "order-id": f"402-{order.number:07d}",
                }
                back |= {"sku": order.items[-1], "license-plate-number": f"LPN{order.number}"}
                returns.append(back)
        write_rows(folder / f"{seller}.orders.txt", AMAZON, rows, delimiter="\t")
        write_rows(folder / f"{seller}.returns.txt", AMAZON_RETURNS, returns, delimiter="\t")
    return folder


def ebay(folder: Path) -> Path:
    """Download report: a blank line first, amounts with a sign, and totals at the end."""
    by_seller: dict[str, list[DrawnOrder]] = {}
    for order in drawn_orders(sellers=6, days=60):
        by_seller.setdefault(order.seller, []).append(order)
    for seller, orders in by_seller.items():
        path = write_rows(
            folder / f"{seller}.csv",
            EBAY,
            [
                {
                    **{"Order Number": f"26-{o.number}", "Item Number": item, "Quantity": 1, "Sold For": "$1,012.50"},
                    **{"Buyer Username": f"b{o.number}", "Sale Date": f"{o.at:%b-%d-%y}"},
                    "Maximum Estimated Delivery Date": f"{o.at + timedelta(days=5):%b-%d-%y}",
                    "Shipped On Date": f"{o.at + timedelta(days=1):%b-%d-%y}",
                }
                for o in orders
                for item in o.items
            ],
        )
        path.write_text(f"\n{path.read_text()}\n{len(orders)},record(s) downloaded\nSeller ID : {seller}\n")
    return folder


def spreadsheet(path: Path) -> Path:
    """A German list in Windows letters: semicolons, decimal commas, days before months, words for nothing."""
    rows: list[dict[str, Any]] = []
    for order in drawn_orders():
        for item in order.items:
            arrived = order.at + timedelta(days=9 if order.late else 2)
            row = {"Bestellung": order.number, "Datum": f"{order.at:%d.%m.%Y %H:%M}", "Händler": order.seller}
            row |= {"Artikel": item, "Menge": "1", "Einzelpreis": "1.012,50 €", "Lieferart": "Standard"}
            row["Zugestellt"] = "-" if order.cancelled else f"{arrived:%d.%m.%Y %H:%M}"
            row["Storniert am"] = f"{order.at + timedelta(hours=5):%d.%m.%Y %H:%M}" if order.cancelled else "-"
            rows.append(row)
    return write_rows(path, SHEET, rows, delimiter=";", encoding="cp1252")


def nested_json(path: Path) -> Path:
    """Orders of an API: each record with a list of lines."""
    orders = [
        {
            "id": order.number,
            "created_at": order.at.isoformat(),
            "customer": {"id": f"c{order.number % 50}"},
            "line_items": [{"id": i + 1, "sku": item, "vendor": order.seller} for i, item in enumerate(order.items)],
        }
        for order in drawn_orders(sellers=5, days=40)
    ]
    path.write_text(json.dumps({"data": {"orders": orders}}))
    return path
