"""The bars of the decision follow the accepted rate of wrong marks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.composition.settings import LocalSettings
from muster.domain.errors import InvalidSetting
from muster.recognition.policy import MAX_WRONG_MARKS, WRONG_MARKS, HeadUse, Policy


@pytest.mark.parametrize(("rate", "bar"), WRONG_MARKS)
def test_a_measured_rate_has_its_measured_bar(rate: float, bar: float) -> None:
    assert Policy(wrong_marks=rate).present == pytest.approx(bar)


@given(st.floats(1e-3, MAX_WRONG_MARKS), st.floats(1e-3, MAX_WRONG_MARKS))
def test_the_fewer_wrong_marks_are_accepted_the_higher_the_bar(one: float, other: float) -> None:
    strict, lenient = sorted((one, other))
    assert Policy(wrong_marks=strict).present >= Policy(wrong_marks=lenient).present >= Policy().review


def test_the_settings_take_the_rate_and_the_use_of_the_head(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUSTER_WRONG_MARKS", "5")
    monkeypatch.setenv("MUSTER_HEAD", "always")
    settings = LocalSettings()
    assert (settings.wrong_marks, settings.head) == (5.0, HeadUse.ALWAYS)


def test_the_replaced_setting_is_refused_with_the_name_of_the_new_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUSTER_TARGET_FPIR", "0.0001")
    with pytest.raises(InvalidSetting, match="MUSTER_WRONG_MARKS"):
        LocalSettings()
