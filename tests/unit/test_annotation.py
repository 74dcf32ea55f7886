"""Labels of an annotated photo."""

from muster.services.photos.annotation import _overlap, _places


def test_places_are_above_before_below_and_inside_the_picture() -> None:
    places = _places((50, 50, 90, 100), (60, 12), (200, 200))
    assert places[0] == (50, 38, 110, 50)
    assert [place[1] for place in places] == [38, 38, 38, 100, 100, 100]
    assert places[2] == (30, 38, 90, 50), "aligned with the right edge of the box"


def test_a_label_stays_inside_the_picture_beside_an_edge() -> None:
    assert _places((170, 2, 199, 60), (60, 12), (200, 200))[0] == (140, 60, 200, 72), "no room above"
    assert _places((0, 0, 200, 200), (60, 12), (200, 200)) == [
        (0, 0, 60, 12),
        (70, 0, 130, 12),
        (140, 0, 200, 12),
    ], "no room above or below"


def test_overlap_is_the_shared_area() -> None:
    assert _overlap((0, 0, 10, 10), (5, 6, 20, 20)) == 20
    assert _overlap((0, 0, 10, 10), (10, 0, 20, 10)) == 0
