"""Settings of the local system, read once at the edge."""

from pathlib import Path
from typing import Annotated, Any

from platformdirs import user_cache_path, user_data_path
from pydantic import BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from muster.composition.replaced_settings import refuse_target_fpir
from muster.domain.errors import InvalidSetting
from muster.domain.learning import LearningMode
from muster.recognition.policy import MAX_WRONG_MARKS, HeadUse, Policy


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
        wrong_marks: accepted wrong marks per 10,000 faces, above 0: strangers or students marked as somebody else.
        head: how the trained head takes part in recognition: `gated`, `always` or `never`.
        target_fpir: no longer a setting; refused with a sentence that names what took its place.
        learn: what templates learn from: `automatic` (certain and confirmed faces), `confirmed` faces only, or `off`.
        time_zone: the school's, an IANA name, in which days begin and end; default: the machine's.
        admin_token: at least 32 characters; with it the user `admin` signs in to `muster serve`.
        keep_photos_days: photos of sessions are removed after so many days.
        keep_sessions_days: sessions are removed after so many days; None keeps them.

    Raises:
        InvalidSetting: a variable has a value that is not allowed; the message names each.
    """

    model_config = SettingsConfigDict(env_prefix="MUSTER_", env_ignore_empty=True, frozen=True)

    home: Path = Field(default_factory=lambda: user_cache_path("muster", appauthor=False))
    data: Path = Field(default_factory=lambda: user_data_path("muster", appauthor=False))
    pack: str = "embedded"
    threads: int = Field(default=2, ge=1, le=64)
    wrong_marks: float = Field(default=Policy().wrong_marks, gt=0, le=MAX_WRONG_MARKS)
    head: HeadUse = HeadUse.GATED
    target_fpir: Annotated[None, BeforeValidator(refuse_target_fpir)] = None
    learn: LearningMode = LearningMode.AUTOMATIC
    time_zone: str = Field(default_factory=_machine_zone)
    admin_token: SecretStr | None = None
    keep_photos_days: int = Field(default=30, ge=1)
    keep_sessions_days: int | None = Field(default=None, ge=1)

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            # Only names and reasons: a value may be a secret.
            problems = [f"MUSTER_{'.'.join(map(str, each['loc'])).upper()}: {each['msg']}" for each in error.errors()]
            raise InvalidSetting(f"{'; '.join(problems)}. Correct it, or remove it for the default.") from None
