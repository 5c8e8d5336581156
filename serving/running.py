"""What a serving process holds while it runs, for those who answer."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from features.settings import Settings
from serving.access.door import Door
from serving.freshness import Freshness

if TYPE_CHECKING:  # brings LightGBM, which BentoML's parent process has no use for
    from serving.scoring import Scoring


@dataclass(frozen=True)
class Running:
    """The settings, who may ask, and the model, store and records that scores come from."""

    settings: Settings
    door: Door
    scoring: "Scoring"
    freshness: Freshness
