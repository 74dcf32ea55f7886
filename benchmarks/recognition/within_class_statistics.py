"""Make the variation that training draws pseudo-photos from: how people differ and how photos of one person do.

    python -m benchmarks within_class_statistics [--photos ../shared/photos] [--embeddings FILE] [--pack NAME] [--write]

The half of LFW's people that gives the population's statistics gives this too; one half of them makes the
covariance that training draws from, the other half the one that the promotion gate draws from.
"""

import json
from importlib import resources
from pathlib import Path

import numpy as np

from benchmarks.lib.photos import photo_parser, photos_found
from benchmarks.lib.pictures import gives_statistics, half_of, read_pictures
from muster.training.variation import VariationModel


def main() -> None:
    """Compute, print and, if asked, write the variation."""
    parser = photo_parser(__doc__)
    parser.add_argument("--embeddings", type=Path, help="npz where the pictures' embeddings are kept between runs")
    parser.add_argument("--pack", default="embedded", help="embedded, or embedded-facenet")
    parser.add_argument("--write", action="store_true", help="replace the variation that ships with the package")
    arguments = parser.parse_args()
    if not photos_found(arguments.photos, "within_class_statistics"):
        return

    pictures = read_pictures(arguments.photos / "lfw", arguments.embeddings, arguments.pack)
    pictures = pictures.of(np.array([gives_statistics(person) for person in pictures.person]))
    names, people = np.unique(pictures.person, return_inverse=True)
    judging = half_of(names) == 1
    variation = VariationModel.estimate(pictures.embeddings, people.astype(np.intp), judging)
    spectrum = np.linalg.eigvalsh(np.cov(pictures.embeddings.T))[::-1]
    left_out = {str(count): float(f"{spectrum[count:].sum() / spectrum.sum():.2g}") for count in (64, 85, 128, 160)}
    traces = {
        name: round(float(np.trace(getattr(variation, name))), 3) for name in ("between", "within", "within_check")
    }
    print(f"people {len(names)}, pictures {len(people)}; traces {traces}; variance beyond a direction {left_out}")
    if arguments.write:
        target = Path(str(resources.files("muster.packs").joinpath("data", f"{arguments.pack}_within.npz")))
        target.write_bytes(variation.to_bytes())
    print(json.dumps({"benchmark": "within_class_statistics", "traces": traces, "left_out": left_out}))


if __name__ == "__main__":
    main()
