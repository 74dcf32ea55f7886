"""Population statistics of a pack's embeddings, as one .npz file."""

from dataclasses import dataclass
from io import BytesIO

import numpy as np

from muster.arrays import FloatArray


@dataclass(frozen=True, eq=False, slots=True)
class NetworkStatistics:
    """Statistics of one network's embeddings, of length D.

    Attributes:
        mean: float32 (D,), of unit embeddings.
        factor: float32 (D, R), R columns whose outer products add up to the covariance.
        directions: float32 (D, K),
        reliability: float32 (K,), and
        standard: float32 (2,), mean and deviation of strangers' log-likelihood ratios: how photos of one person differ
            (`muster.recognition.two_covariance`); all None in a pack whose statistics hold one photo per person.
    """

    mean: FloatArray
    factor: FloatArray
    directions: FloatArray | None = None
    reliability: FloatArray | None = None
    standard: FloatArray | None = None


@dataclass(frozen=True, eq=False, slots=True)
class PackStatistics:
    """Statistics of a pack.

    Attributes:
        networks: one for each of the pack's K embedders, in their order.
        weights: float32 (K,), above 0, with which the networks' scores add up to one of deviation 1 over strangers;
            None where nobody measured how the networks agree.
        calibration: float32 (2,), slope and offset that make a log-likelihood ratio in nats of that score; None where
            nobody measured it.
        tail: float32 (T, 2), pairs of a chance and the score that strangers exceed with that chance, by falling chance;
            None where nobody measured it.
    """

    networks: tuple[NetworkStatistics, ...]
    weights: FloatArray | None = None
    calibration: FloatArray | None = None
    tail: FloatArray | None = None


_OF_NETWORK = tuple(NetworkStatistics.__slots__)
_OF_PACK = ("weights", "calibration", "tail")


def statistics_bytes(statistics: PackStatistics) -> bytes:
    """Write statistics as an .npz file; the arrays of network 0 are named `mean_0` and so on."""
    arrays = {
        f"{name}_{number}": getattr(network, name)
        for number, network in enumerate(statistics.networks)
        for name in _OF_NETWORK
    }
    arrays |= {name: getattr(statistics, name) for name in _OF_PACK}
    buffer = BytesIO()
    np.savez(buffer, **{name: array for name, array in arrays.items() if array is not None})
    return buffer.getvalue()


def read_statistics(content: bytes, sizes: tuple[int, ...]) -> PackStatistics:
    """Read the result of `statistics_bytes`.

    Args:
        sizes: length of each network's embedding, in the order of the pack.

    Raises:
        ValueError, KeyError, BadZipFile: the content is invalid, or belongs to other networks.
    """
    with np.load(BytesIO(content), allow_pickle=False) as arrays:
        kept = {name: arrays[name] for name in arrays.files}
    found = tuple(len(kept[f"mean_{number}"]) for number in range(sum(name.startswith("mean_") for name in kept)))
    if found != sizes:
        raise ValueError(f"statistics for embeddings of {sizes} were expected, not of {found}")
    networks = tuple(
        NetworkStatistics(**{name: kept[f"{name}_{number}"] for name in _OF_NETWORK if f"{name}_{number}" in kept})
        for number in range(len(sizes))
    )
    return PackStatistics(networks, **{name: kept[name] for name in _OF_PACK if name in kept})


def neutral_statistics(deviation: float, sizes: tuple[int, ...]) -> PackStatistics:
    """Return statistics with which the normalised score is the cosine divided by a deviation.

    Args:
        deviation: of the cosine of two different people.
        sizes: length of each network's embedding.
    """
    # `NetworkPopulation.project` divides by sqrt(scatter * typical), which for a factor of `spread` times the identity
    # is spread ** 1.5 * size ** 0.25.
    spreads = [(deviation / size**0.25) ** (2 / 3) for size in sizes]
    return PackStatistics(
        tuple(
            NetworkStatistics(np.zeros(size, np.float32), np.eye(size, dtype=np.float32) * np.float32(spread))
            for size, spread in zip(sizes, spreads, strict=True)
        )
    )
