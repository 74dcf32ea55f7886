from importlib.util import find_spec

import pytest

from tests.export.conftest import LIBRARIES


def test_the_real_libraries_are_there_to_compare_with() -> None:
    missing = [name for name in LIBRARIES if find_spec(name) is None]
    if missing:
        pytest.skip("the parity tests run in an environment of their own: make test-export")
    import torchvision

    # An operator of torchvision that its build for another torch would lack.
    assert hasattr(torchvision.ops, "nms")
