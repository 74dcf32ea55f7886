"""The photo sets that benchmarks read, and the command-line options that name them."""

import argparse
import json
import os
from pathlib import Path

ROOT = Path(__file__).parents[2]
"""The repository."""

SAMPLES = ROOT / "samples"

PHOTOS = Path(os.environ.get("MUSTER_SHARED", ROOT.parent / "shared")) / "photos"
"""Default of `--photos`. benchmarks/README.md lists the sets and where they come from."""


def photo_parser(description: str | None) -> argparse.ArgumentParser:
    """Return a parser of the command line with the option `--photos`."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, default=PHOTOS, help="folder of the photo sets: %(default)s")
    return parser


def photos_found(photos: Path, benchmark: str) -> bool:
    """Return whether the folder of photo sets exists; if not, report the benchmark as skipped."""
    if photos.is_dir():
        return True
    print(f"Skipped: there is no folder {photos}. benchmarks/README.md explains where the photos come from.")
    print(json.dumps({"benchmark": benchmark, "skipped": "no photos"}))
    return False


def photo_options(benchmark: str, description: str | None, seeds: int) -> argparse.Namespace | None:
    """Read the options `photos`, `embeddings` and `seeds`; return None, reported as skipped, if there are no photos.

    Args:
        seeds: default number of draws of people in each half.
    """
    parser = photo_parser(description)
    parser.add_argument("--embeddings", type=Path, help="npz file that keeps the embeddings between runs")
    parser.add_argument("--seeds", type=int, default=seeds, help="draws of people in each half")
    options = parser.parse_args()
    return options if photos_found(options.photos, benchmark) else None
