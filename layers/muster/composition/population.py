"""A pack's statistics as the recognition takes them."""

from muster.packs.load import PackStatistics
from muster.recognition.scoring import Evidence, Population


def population_of(statistics: PackStatistics) -> Population:
    """Return what scores are normalised by; with the evidence of several photos a person where the pack has it."""
    directions, reliability, standard = statistics.directions, statistics.reliability, statistics.standard
    if directions is None or reliability is None or standard is None:
        return Population(statistics.mean, statistics.factor)
    evidence = Evidence(directions, reliability, float(standard[0]), float(standard[1]))
    return Population(statistics.mean, statistics.factor, evidence)
