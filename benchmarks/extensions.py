"""Extra figures of a backtest: the frozen reference on public records, the truth on simulated marketplaces."""

from collections.abc import Mapping
from pathlib import Path

from benchmarks.reference import PublicReference
from benchmarks.simulated_truth import truth
from benchmarks.simulated_truth.extension import SimulatedTruth
from simulation import parameters
from training.backtest.scores import ReportExtension

# The public records of the reference: what its boosting groups each by.
PUBLIC_RECORDS: Mapping[str, tuple[str, ...]] = {
    "flights-route": ("category", "region", "item"),
    "flights-aircraft": ("category", "region", "item"),
    "olist": (),
}


def extension_for(name: str, data: Path) -> ReportExtension | None:
    """The report extension of a record, by its name and folder; None for any other marketplace."""
    if all((data / file).is_file() for file in (truth.FILE, truth.CAUSES)):
        families = {cause.name: cause.families for cause in parameters.load().causes}
        return SimulatedTruth(truth.TruthFiles(data, families))
    return PublicReference(PUBLIC_RECORDS[name]) if name in PUBLIC_RECORDS else None
