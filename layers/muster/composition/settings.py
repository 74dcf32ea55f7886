"""Settings of every system and of one machine, read once at the edge, and the folders installed with Muster."""

import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError

from muster.domain.errors import InvalidSetting
from muster.domain.identifiers import PackId
from muster.domain.learning import LearningMode
from muster.recognition.policy import MAX_WRONG_MARKS, HeadUse, Policy


def _refuse_target_fpir(value: object) -> None:
    """Refuse `MUSTER_TARGET_FPIR`, an earlier setting that must not be ignored in silence."""
    if value is not None:
        raise ValueError(
            "MUSTER_TARGET_FPIR is no longer used: remove it, and set MUSTER_WRONG_MARKS, the accepted wrong marks per "
            "10,000 faces, unless the default of 1 suits you"
        )


def installed_folder(name: str) -> Path | None:
    """Return a folder of the installed package, or of the checkout; None if it was not installed.

    Args:
        name: `samples` or `web`.
    """
    package = Path(__file__).parents[1]
    candidates = (package / name, package.parents[1] / name)
    return next((folder for folder in candidates if folder.is_dir()), None)


def invalid_setting(error: ValidationError) -> InvalidSetting:
    """Return the error for settings that were refused. It has only names and reasons: a value may be a secret."""
    problems = [f"MUSTER_{'.'.join(map(str, each['loc'])).upper()}: {each['msg']}" for each in error.errors()]
    return InvalidSetting(f"{'; '.join(problems)}. Correct it, or remove it for the default.")


DEFAULT_PACK = "embedded-int8"
"""The model pack of new stores, and of stages on AWS: as accurate as `embedded`, in about half the time or less
(`benchmarks/vision/precision.py`). It goes on with the templates of `embedded` (`muster.domain.packs`)."""


_PREFIX = "MUSTER_"


class CommonSettings(BaseModel):
    """Settings of every system; each field is read from `MUSTER_<NAME>`, in capitals or not, unless it is given.

    Attributes:
        home: folder of the model packs.
        pack: the model pack in use.
        threads: CPU threads of each model.
        wrong_marks: accepted wrong marks per 10,000 faces, above 0: strangers or students marked as somebody else.
        head: how the trained head takes part in recognition: `gated`, `always` or `never`.
        target_fpir: no longer a setting; refused with a message that names its replacement.
        learn: faces that templates learn from: `automatic` (certain and confirmed faces), `confirmed` or `off`.
        time_zone: the school's, an IANA name, in which days begin and end.
        keep_sessions_days: sessions are removed after this many days; None keeps them.
        notices: send notices of absences: while the server runs, and on AWS by a function.
        mail_from: the address that notices come from.
        office: addresses of the school's office, separated by commas.
        office_language: `en`, `de`, `hi` or `ar`.
        webhook_url: receiver of events.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)
    ignore_empty: ClassVar[bool] = False
    """Whether a variable without a value counts as not set."""

    home: Path
    pack: str = DEFAULT_PACK
    threads: int = Field(default=2, ge=1, le=64)
    wrong_marks: float = Field(default=Policy().wrong_marks, gt=0, le=MAX_WRONG_MARKS)
    head: HeadUse = HeadUse.GATED
    target_fpir: Annotated[None, BeforeValidator(_refuse_target_fpir)] = None
    learn: LearningMode = LearningMode.AUTOMATIC
    time_zone: str = "UTC"
    keep_sessions_days: int | None = Field(default=None, ge=1)
    notices: bool = False
    mail_from: str = ""
    office: str = ""
    office_language: Literal["en", "de", "hi", "ar"] = "en"
    webhook_url: str | None = None

    def __init__(self, **values: Any) -> None:
        super().__init__(**{**self._variables(os.environ), **values})

    @classmethod
    def _variables(cls, environment: Mapping[str, str]) -> dict[str, str]:
        found = {name.upper(): value for name, value in environment.items() if value or not cls.ignore_empty}
        return {name: found[key] for name in cls.model_fields if (key := _PREFIX + name.upper()) in found}


# The functions of AWS, and the exporters' environment, lack the libraries that find these defaults.


def _cache_path() -> Path:
    from platformdirs import user_cache_path

    return user_cache_path("muster", appauthor=False)


def _data_path() -> Path:
    from platformdirs import user_data_path

    return user_data_path("muster", appauthor=False)


def _machine_zone() -> str:
    from tzlocal import get_localzone_name

    return get_localzone_name() or "UTC"


class LocalSettings(CommonSettings):
    """Settings of one machine; each field is read from `MUSTER_<NAME>`.

    Attributes:
        pack: if not set, a store keeps the pack that its students are registered with (`with_pack_of`).
        data: folder of the local store: students, sessions, photos, heads.
        time_zone: default: the machine's.
        admin_token: at least 32 characters; the user `admin` signs in to `muster serve` with it.
        keep_photos_days: photos of sessions are removed after this many days.
        mail_server: `smtps://USER:PASSWORD@HOST:PORT`; see `SmtpMail`.
        webhook_secret: at least 32 characters shared with the receiver of events.

    Raises:
        InvalidSetting: a variable has a value that is not allowed; the message names each.
    """

    ignore_empty: ClassVar[bool] = True

    home: Path = Field(default_factory=_cache_path)
    data: Path = Field(default_factory=_data_path)
    time_zone: str = Field(default_factory=_machine_zone)
    admin_token: SecretStr | None = None
    keep_photos_days: int = Field(default=30, ge=1)
    mail_server: SecretStr | None = None
    webhook_secret: SecretStr | None = None

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise invalid_setting(error) from None

    def with_pack_of(self, registered: Collection[PackId]) -> Self:
        """Return the settings for a store whose students are registered with these packs.

        If no pack was chosen, the store keeps its own, so a change of the default refuses no existing store. A store
        with templates of several packs uses the default, which can be compared with `embedded` and its variants.
        """
        if "pack" in self.model_fields_set or len(registered) != 1:
            return self
        from muster.packs.manifest import name_of, shipped_names

        (pack,) = registered
        name = name_of(pack)
        return self.model_copy(update={"pack": name}) if name in shipped_names() else self
