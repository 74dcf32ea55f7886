"""Settings of the local system, read once at the edge."""

from pathlib import Path

from platformdirs import user_cache_path, user_data_path
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from muster.domain.learning import LearningMode
from muster.recognition.thresholds import Thresholds


def _machine_zone() -> str:
    # The exporters' environment has no such library, and needs no zone.
    from tzlocal import get_localzone_name

    return get_localzone_name() or "UTC"


class LocalSettings(BaseSettings):
    """Everything that can be set for one machine; each field is read from `MUSTER_<NAME>`.

    Attributes:
        home: where model packs are kept.
        data: the local store: students, sessions, photos, heads.
        pack: the model pack in use.
        threads: CPU threads of each model.
        target_fpir: share of strangers who may reach the threshold of `present`, 0 to 1.
        learn: what templates learn from: `automatic` (certain and confirmed faces), `confirmed` faces only, or `off`.
        time_zone: the school's, an IANA name, in which days begin and end; default: the machine's.
        admin_token: at least 32 characters; with it the user `admin` signs in to `muster serve`.
        keep_photos_days: photos of sessions are removed after so many days.
        keep_sessions_days: sessions are removed after so many days; None keeps them.
    """

    model_config = SettingsConfigDict(env_prefix="MUSTER_", frozen=True)

    home: Path = Field(default_factory=lambda: user_cache_path("muster", appauthor=False))
    data: Path = Field(default_factory=lambda: user_data_path("muster", appauthor=False))
    pack: str = "embedded"
    threads: int = Field(default=2, ge=1, le=64)
    target_fpir: float = Field(default=Thresholds().present_fpir, gt=0, lt=1)
    learn: LearningMode = LearningMode.AUTOMATIC
    time_zone: str = Field(default_factory=_machine_zone)
    admin_token: SecretStr | None = None
    keep_photos_days: int = Field(default=30, ge=1)
    keep_sessions_days: int | None = Field(default=None, ge=1)
