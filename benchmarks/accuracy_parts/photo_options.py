"""What the measurements on identity folders are asked with."""

import argparse
import json
from pathlib import Path


def photo_options(name: str, description: str | None, seeds: int) -> argparse.Namespace | None:
    """Read the command line: `photos`, `embeddings` and `seeds`; None, and said so, where there are no photos.

    Args:
        name: of the benchmark.
        seeds: draws of people in each half, unless more or fewer are asked for.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, default=Path("../shared/photos"))
    parser.add_argument("--embeddings", type=Path, help="npz where the pictures' embeddings are kept between runs")
    parser.add_argument("--seeds", type=int, default=seeds, help="draws of people in each half")
    options = parser.parse_args()
    if options.photos.is_dir():
        return options
    print(f"There is no folder {options.photos}: give the photo sets with --photos.")
    print(json.dumps({"benchmark": name, "skipped": "no photos"}))
    return None
