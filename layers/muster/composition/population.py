"""A pack's statistics as the recognition takes them."""

from muster.packs.statistics import NetworkStatistics, PackStatistics
from muster.recognition.calibration import Calibration
from muster.recognition.scoring import NetworkPopulation, Population
from muster.recognition.thresholds import IMPOSTOR_TAIL
from muster.recognition.two_covariance import TwoCovarianceModel


def population_of(statistics: PackStatistics) -> Population:
    """Return what scores are normalised by; with the evidence of several photos per person where the pack has it."""
    count = len(statistics.networks)
    # Of networks of which nobody knows how they agree, the scores are taken to be independent.
    weights = [count**-0.5] * count if statistics.weights is None else [float(w) for w in statistics.weights]
    networks = tuple(_network(network, weight) for network, weight in zip(statistics.networks, weights, strict=True))
    calibration = Calibration() if statistics.calibration is None else Calibration(*statistics.calibration.tolist())
    tail = IMPOSTOR_TAIL
    if statistics.tail is not None:
        tail = tuple((float(chance), float(score)) for chance, score in statistics.tail)
    return Population(networks, calibration, tail)


def _network(statistics: NetworkStatistics, weight: float) -> NetworkPopulation:
    directions, reliability, standard = statistics.directions, statistics.reliability, statistics.standard
    if directions is None or reliability is None or standard is None:
        return NetworkPopulation(statistics.mean, statistics.factor, None, weight)
    two_covariance = TwoCovarianceModel(directions, reliability, float(standard[0]), float(standard[1]))
    return NetworkPopulation(statistics.mean, statistics.factor, two_covariance, weight)
