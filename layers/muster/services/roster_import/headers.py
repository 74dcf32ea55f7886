"""The titles by which the columns of a roster file are found; docs/rosters.md lists them."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

# In each list the first title found in the file is taken. What identifies a person for good comes before what only
# numbers or addresses them.
_ID = """
student_id, student number, student no, pupil id, learner id, admission number, adno, admission no,
matriculation number,
enrolment number, enrollment number, registration number, id number, upn,
Matrikelnummer, Matrikelnr, Matrikel-Nr, Schülernummer, Schuelernummer, Schülernr, Schüler-ID, Schueler-ID,
Schüler-Nr,
numéro étudiant, n° étudiant, numéro d'étudiant, numéro élève, code élève, INE, numéro de matrícula, matrícula,
número de aluno, matricola, leerlingnummer, studentnummer, stamnummer, elevnummer, elev-id, opiskelijanumero,
numer albumu,
numer ucznia, číslo studenta, číslo žáka, tanulói azonosító, neptun kód, număr matricol, öğrenci no, öğrenci numarası,
okul no, номер студента, личный номер, αριθμός μητρώου, מספר תלמיד, תעודת זהות, رقم الطالب, الرقم الجامعي,
شماره دانشجویی,
学号, 學號, 学籍番号, 학번,
id, identifier, identifiant, Kennung, identificador, identificativo, azonosító, identyfikator, код, رقم, ident,
roll number, roll no, number, Nummer, numéro, número,
sourcedId, username, user name, user id, login, Benutzername, Anmeldename, nom d'utilisateur, usuario, utente,
email, e-mail, email address, e-mail address, mail, E-Mail-Adresse, adresse e-mail, courriel, correo electrónico
"""
_NAME = """
full name, student name, pupil name, display name, Schülername, vollständiger Name, nom complet, nom et prénom,
nom prénom, nombre completo, apellidos y nombre, nome completo, cognome e nome, name, student, pupil, learner,
Schüler,
Schülerin, élève, étudiant, nom, nombre, nome, naam, namn, navn, nimi, imię i nazwisko, jméno a příjmení, név,
tanuló neve, nume, ad soyad, adı soyadı, isim, ФИО, имя, имя и фамилия, ім'я, ονοματεπώνυμο, שם, שם מלא, الاسم,
اسم الطالب, نام و نام خانوادگی, नाम, 姓名, 名字, 氏名, 名前, 이름, 성명
"""
_FIRST = """
first name, given name, given names, forename, forenames, legal forename, preferred forename, Vorname, Vornamen,
Rufname,
prénom, prénoms, nombres, nome próprio, voornaam, roepnaam, förnamn, fornavn, etunimi, imię, jméno, křestní jméno,
keresztnév, utónév, prenume, prenumele, ad, adı, όνομα, שם פרטי, الاسم الأول, نام, 名
"""
_LAST = """
last name, family name, surname, legal surname, preferred surname, Nachname, Familienname, Zuname, nom de famille,
nom d'usage, apellido, apellidos, cognome, sobrenome, apelido, achternaam, efternamn, etternavn, efternavn, sukunimi,
nazwisko, příjmení, priezvisko, vezetéknév, családnév, nume de familie, soyad, soyadı, фамилия, прізвище, επώνυμο,
שם משפחה, اسم العائلة, نام خانوادگی, 姓
"""
_GROUPS = """
group, groups, group_id, group_ids, group name, Gruppe, Gruppen, groupe, groupes, grupo, grupos, gruppo, groep, grupp,
gruppe, grupa, skupina, csoport, группа, група, ομάδα, קבוצה, المجموعة, 组, 組,
class, classes, class name, class id, class code, Klasse, Klassen, classe, clase, klas, klass, luokka, klasa, třída,
trieda, osztály, clasă, clasa, sınıf, sınıfı, şube, класс, клас, τμήμα, τάξη, כיתה, الصف, الفصل, کلاس,
班级, 班級, 班, クラス, 반, 학급,
registration group, reg group, reg, form, form group, tutor group, homeroom, home room, section, division, turma,
course, courses, course name, course code, Kurs, Kurse, cours, curso, corso, cursus, kurz, курс, المقرر
"""

STATUS = "status"
ROLE = "role"
ONE_ROSTER = "sourcedid"
_MAX_TITLE = 200

# Either half of a name, where the other half has a column of its own: `Nom, Prénom` and `Nombre, Apellidos`.
_SHORT_NAMES = ("name", "nom", "nombre", "nome", "naam", "namn", "navn", "nume", "имя", "ονομα", "név")

MISSING_HELP = "docs/rosters.md lists the titles that are understood"


def plain_title(title: str) -> str:
    """Return a title without case, accents, spaces and punctuation, which are ignored in comparing."""
    decomposed = unicodedata.normalize("NFKD", title).casefold().replace("ı", "i")
    return re.sub(r"[\W_]+", "", "".join(char for char in decomposed if not unicodedata.category(char).startswith("M")))


def _titles(text: str) -> tuple[str, ...]:
    return tuple(plain_title(title) for title in text.replace("\n", " ").split(",") if title.strip())


TITLES = {"id": _ID, "name": _NAME, "first name": _FIRST, "last name": _LAST, "groups": _GROUPS}
"""The titles of each kind, the best first, as docs/rosters.md lists them."""

_KINDS = {"id": _titles(_ID), "name": _titles(_NAME), "first": _titles(_FIRST), "last": _titles(_LAST)}
_GROUP_TITLES = _titles(_GROUPS)
_SHORT = frozenset(plain_title(title) for title in _SHORT_NAMES)


@dataclass(frozen=True, slots=True)
class Header:
    """The columns of a roster file, as positions, and their titles.

    Attributes:
        titles: as the file writes them.
        ids: candidates for the student id, the best first.
        name: the column of the full name.
        first: the column of the given name.
        last: the column of the family name.
        groups: candidates for the groups, the best first; columns of one rank are read together.
        status: OneRoster's column of that name, `role` likewise.
    """

    titles: tuple[str, ...]
    ids: tuple[int, ...]
    name: int | None
    first: int | None
    last: int | None
    groups: tuple[tuple[int, ...], ...]
    status: int | None = None
    role: int | None = None

    @property
    def complete(self) -> bool:
        """Whether an id and a name can be read."""
        return bool(self.ids) and (self.name, self.first, self.last) != (None, None, None)

    @property
    def known(self) -> int:
        """How many columns have a use."""
        names = sum(at is not None for at in (self.name, self.first, self.last))
        return len(self.ids) + names + len(self.groups)

    @property
    def has_short_name(self) -> bool:
        """Whether the title of the name may mean one half of it."""
        return self.name is not None and plain_title(self.titles[self.name]) in _SHORT


def read_header(titles: Sequence[str]) -> Header:
    """Find the columns in a row of titles."""
    plain = [_without_note(title[:_MAX_TITLE]) for title in titles]

    def ranked(kind: str) -> list[int]:
        return [plain.index(title) for title in dict.fromkeys(_KINDS[kind]) if title in plain]

    def best(kind: str) -> int | None:
        return next(iter(ranked(kind)), None)

    # Moodle numbers its columns: group1, group2.
    stems = [title if title in _GROUP_TITLES else title.rstrip("0123456789") for title in plain]
    groups = [
        tuple(at for at, stem in enumerate(stems) if stem == title)
        for title in dict.fromkeys(_GROUP_TITLES)
        if title in stems
    ]
    is_one_roster = ONE_ROSTER in plain
    return Header(
        titles=tuple(titles),
        ids=tuple(ranked("id")),
        name=best("name"),
        first=best("first"),
        last=best("last"),
        groups=tuple(groups),
        status=plain.index(STATUS) if is_one_roster and STATUS in plain else None,
        role=plain.index(ROLE) if is_one_roster and ROLE in plain else None,
    )


def _without_note(title: str) -> str:
    plain = plain_title(title)
    return (
        plain
        if any(plain in titles for titles in (*_KINDS.values(), _GROUP_TITLES))
        else plain_title(re.sub(r"[(\[].*?[)\]]", "", title))
    )
