"""The verdict in one sentence, with the figures of the answer and no others."""

from collections.abc import Mapping
from typing import Any

from serving.review import days, forms, texts


def verdict(risk: str, said: Mapping[str, Any], as_of: str, horizon: int) -> str:
    """Where the seller stands today, and how likely a breach is at the horizon's end."""
    standard, (low, high) = said["standard"], said["interval_90"]
    state = "in_breach" if said["in_breach"] else "no_volume" if standard["current_rate"] is None else "kept"
    return texts.plain(
        f"verdict.{state}",
        rate_name=texts.plain(f"risk.{risk}_rate"),
        probability=forms.percent(said["probability"]),
        low=forms.percent(low),
        high=forms.percent(high),
        until=forms.day(days.after(as_of, horizon)),
        rate=forms.rate(standard["current_rate"]),
        volume=standard["volume"],
        limit=forms.rate(standard["limit"]),
    )
