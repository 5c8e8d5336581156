"""`foresell review`: the review pages' process, with the online store it reads."""

from pathlib import Path

from features.settings import Settings
from foresell.console import steps
from foresell.service import check_loadable, write_online_store
from serving.review.settings import ReviewSettings, check_address


def serve_pages(data: Path | None, zone: str | None) -> None:
    """Serve the pages until stopped."""
    settings, review = Settings(), ReviewSettings()
    check_address(review)
    with steps() as say:
        if data:
            write_online_store(data, zone, settings, say)
        check_loadable(settings, say)
    print(f"Review pages at {review.address} until Ctrl-C.", flush=True)
    _run(settings, review)


def _run(settings: Settings, review: ReviewSettings) -> None:
    import uvicorn

    from serving.review.app import create

    # Only a proxy on this machine is believed when it says whom it speaks for.
    uvicorn.run(
        create(settings, review),
        host=review.host,
        port=review.port,
        log_level="warning",
        server_header=False,
        forwarded_allow_ips="127.0.0.1",
    )
