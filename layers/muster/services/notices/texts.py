"""Texts of the notices in the languages of their readers."""

from collections.abc import Mapping
from datetime import date
from typing import Final

from muster.domain.absence_notices import NoticeKind

LANGUAGES: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "day": "{day:%d/%m/%Y}",
        "absent_subject": "Absence on {day}",
        "absent": "{name} was marked absent on {day}: {lessons}.\n\nPlease contact the school if this is unexpected.\n",
        "correction_subject": "Correction: no absence on {day}",
        "correction": "{name} was not absent on {day}. Our earlier message was wrong; we apologise.\n",
        "office_subject": "Absences on {day}: {count}",
        "office": "Notices about absences on {day}:\n\n{lines}\n",
        "office_absent": "absent",
        "office_correction": "corrected: not absent",
        "test_subject": "Test message of the attendance register",
        "test": "This is a test. Notices of absences will come from this address.\n",
    },
    "de": {
        "day": "{day:%d.%m.%Y}",
        "absent_subject": "Abwesenheit am {day}",
        "absent": "{name} fehlte am {day}: {lessons}.\n\nBitte melden Sie sich, wenn Sie das nicht wussten.\n",
        "correction_subject": "Berichtigung: keine Abwesenheit am {day}",
        "correction": "{name} fehlte am {day} nicht. Unsere Nachricht war falsch; bitte entschuldigen Sie.\n",
        "office_subject": "Abwesenheiten am {day}: {count}",
        "office": "Benachrichtigungen über Abwesenheiten am {day}:\n\n{lines}\n",
        "office_absent": "abwesend",
        "office_correction": "berichtigt: nicht abwesend",
        "test_subject": "Testnachricht der Anwesenheitsliste",
        "test": "Dies ist ein Test. Nachrichten über Abwesenheiten kommen von dieser Adresse.\n",
    },
    "hi": {
        "day": "{day:%d/%m/%Y}",
        "absent_subject": "{day} को अनुपस्थिति",
        "absent": "{name} {day} को अनुपस्थित दर्ज है: {lessons}।\n\nयदि आपको इसकी जानकारी नहीं थी तो विद्यालय से संपर्क करें।\n",
        "correction_subject": "सुधार: {day} को कोई अनुपस्थिति नहीं",
        "correction": "{name} {day} को अनुपस्थित नहीं था/थी। हमारा पिछला संदेश ग़लत था; हमें खेद है।\n",
        "office_subject": "{day} की अनुपस्थितियाँ: {count}",
        "office": "{day} की अनुपस्थितियों की सूचनाएँ:\n\n{lines}\n",
        "office_absent": "अनुपस्थित",
        "office_correction": "सुधार: अनुपस्थित नहीं",
        "test_subject": "उपस्थिति रजिस्टर का परीक्षण संदेश",
        "test": "यह एक परीक्षण है। अनुपस्थिति की सूचनाएँ इसी पते से आएँगी।\n",
    },
    "ar": {
        "day": "{day:%d/%m/%Y}",
        "absent_subject": "غياب في {day}",
        "absent": "سُجِّل غياب {name} في {day}: {lessons}.\n\nيُرجى الاتصال بالمدرسة إن لم تكونوا على علم بذلك.\n",
        "correction_subject": "تصحيح: لا غياب في {day}",
        "correction": "لم يكن هناك غياب لـ {name} في {day}. كانت رسالتنا السابقة خاطئة، ونعتذر عن ذلك.\n",
        "office_subject": "حالات الغياب في {day}: {count}",
        "office": "إشعارات الغياب في {day}:\n\n{lines}\n",
        "office_absent": "غائب",
        "office_correction": "صُحِّح: غير غائب",
        "test_subject": "رسالة تجريبية من سجل الحضور",
        "test": "هذه رسالة تجريبية. ستصل إشعارات الغياب من هذا العنوان.\n",
    },
}
"""By language, then by text."""


def day_text(day: date, language: str) -> str:
    """Write a day as the language does."""
    return LANGUAGES[language]["day"].format(day=day)


def notice_text(kind: NoticeKind, language: str, *, name: str, day: date, lessons: str) -> tuple[str, str]:
    """Return subject and text of the message to a contact. The subject names nobody."""
    texts, shown = LANGUAGES[language], day_text(day, language)
    return (
        texts[f"{kind.value}_subject"].format(day=shown),
        texts[kind.value].format(name=name, day=shown, lessons=lessons),
    )


def office_text(language: str, day: date, lines: list[tuple[str, NoticeKind, str]]) -> tuple[str, str]:
    """Return subject and text of the message to the office.

    Args:
        lines: student, kind and lessons of each notice.
    """
    texts, shown = LANGUAGES[language], day_text(day, language)
    written = [f"- {name}: {texts[f'office_{kind.value}']} ({lessons})" for name, kind, lessons in lines]
    subject = texts["office_subject"].format(day=shown, count=len(lines))
    return subject, texts["office"].format(day=shown, lines="\n".join(written))


def trial_text(language: str) -> tuple[str, str]:
    """Return subject and text of a test message."""
    texts = LANGUAGES[language]
    return texts["test_subject"], texts["test"]


SAMPLE_NAME: Final = "Ada Lovelace"


def samples(day: date) -> dict[str, dict[NoticeKind, tuple[str, str]]]:
    """Return subject and text of each kind of message by language, about an invented student."""
    return {
        language: {
            kind: notice_text(kind, language, name=SAMPLE_NAME, day=day, lessons="Mathematics, 08:15")
            for kind in NoticeKind
        }
        for language in LANGUAGES
    }
