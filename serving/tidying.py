"""What is removed when its time is over, beside the answers: keys' answers and the results of jobs."""

import sqlalchemy as sa

from features.settings import Settings
from serving.job_files import forget_old
from serving.records.claims import forget_expired
from serving.records.database import writing

TIDY_SECONDS = 3600.0


def tidy(settings: Settings, engine: sa.Engine) -> None:
    """Remove it; of several workers, the first finds it all."""
    with writing(engine) as con:
        forget_expired(con)
    forget_old(settings, engine)
