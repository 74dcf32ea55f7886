"""Text files of older programs: their encoding is found by what the names spell, or asked for."""

import pytest

from muster.domain.errors import EncodingUnclear, UnsupportedTable
from muster.services.roster_import.encodings import decode

CLASSES = [
    ("cp1252", "Jürgen Müller,Anna Weiß,Jörg Schäfer,Käthe Groß,Zoë Böhm"),
    ("cp1252", "Éloïse Lefèvre,François Noël,Zoé Hébert,Chloé Gérard,Benoît Garçon,Maël Lebœuf"),
    ("cp1252", "José Núñez,María Peña,Íñigo Martínez,Ángel Gómez,Begoña Güell"),
    ("cp1252", "João Simões,Antônio Conceição,Luís Gonçalves,Inês Magalhães,Camões Ávila"),
    ("cp1252", "Nicolò Forlì,Niccolò Salò,Mosè Rossi"),
    ("cp1252", "Åsa Öberg,Björn Åkesson,Märta Lindström"),
    ("cp1252", "Søren Kjær,Åse Bjørn,Jørgen Nygård,Lærke Østergård"),
    ("cp1252", "Guðrún Jónsdóttir,Þór Björnsson,Ásgeir Sæmundsson,Sigríður Þórðardóttir"),
    ("cp1252", "Jürgen Müller,José Núñez,Chloé Gérard,Søren Kjær,João Simões,Zoë D’Angelo"),
    ("cp1252", "Seán O’Brien,Jeanne d’Arc"),
    ("cp1252", "Seán Smith"),
    ("cp1250", "Łukasz Świątek,Zażółć Źrebak,Małgorzata Zając,Stanisław Woźniak,Grażyna Kowalczyk"),
    ("cp1250", "Michał Nowak"),
    ("cp1250", "Jiří Dvořák,Věra Černá,Tomáš Procházka,Božena Němcová,Zdeněk Krejčí"),
    ("cp1250", "Ľubica Kováčová,Ján Šťastný,Žofia Hrušková"),
    ("cp1250", "Gyöző Erdős,Kovács László,Szőke Ágnes,Fűtő Béla,Tóth Éva"),
    ("cp1250", "Marić Željko,Kovačić Ana,Đurić Ivan,Horvat Šime,Babić Iva"),
    ("cp1250", "Ştefan Ţurcanu,Ioan Bălan,Mălina Cîmpean"),
    ("cp1254", "Ayşe Yıldız,Çağrı Gökşen,Işık İnce,Oğuz Şahin,Gül Öztürk"),
    ("cp1257", "Kęstutis Žukauskas,Rūta Šimkutė,Jūratė Čepaitė,Ąžuolas Įvys"),
    ("cp1257", "Jānis Bērziņš,Līga Ozoliņa,Ģirts Kļaviņš"),
    ("cp1251", "Иванов Пётр,Анна Смирнова,Юлия Кузнецова"),
    ("cp1251", "Олена Шевченко,Євген Їжак,Іван Ґонта"),
    ("cp1251", "Ђорђе Јовановић,Љиљана Његош"),
    ("koi8-r", "Иванов Пётр,Анна Смирнова,Юлия Кузнецова"),
    ("cp1253", "Γιώργος Παπάς,Ελένη Νικολάου,Άννα Ωραιοπούλου,ΜΑΡΙΑ ΠΑΠΠΑ"),
    ("cp1255", "יעל כהן,משה לוי,שרה אברהם"),
    ("cp1256", "محمد علي,فاطمة الزهراء,عبد الله"),
    ("cp1256", "چنگ پارسا,محمد"),
    ("cp874", "สมชาย ใจดี,มะลิ"),
    ("mac_roman", "Zoé Hébert,Benoît Noël,François Lefèvre"),
    ("mac_roman", "Jürgen Müller,Jörg Groß"),
    ("mac_roman", "José Martínez,Cañete Peña"),
    ("cp850", "Jürgen Müller,Jörg Groß,Anna Schäfer"),
    ("cp850", "José Martínez,Peña Núñez"),
    ("shift_jis", "山田太郎,鈴木 はなこ,佐藤 健"),
    ("euc_jp", "山田太郎,鈴木 はなこ,佐藤 健"),
    ("gb18030", "王小明,李华,张伟,陈静"),
    ("big5", "王小明,李華,張偉,陳靜"),
]


def roster(names: str, encoding: str, line_end: str = "\n") -> tuple[str, bytes]:
    rows = ["id,name,group", *(f"{number},{name},7b" for number, name in enumerate(names.split(","), 1))]
    text = "".join(row + line_end for row in rows)
    return text, text.encode(encoding)


@pytest.mark.parametrize(("encoding", "names"), CLASSES)
def test_a_class_list_is_read_in_the_encoding_that_spells_its_names(encoding: str, names: str) -> None:
    text, content = roster(names, encoding)
    decoded = decode(content)
    assert (decoded.text, decoded.guessed) == (text, True)


@pytest.mark.parametrize(("encoding", "names"), CLASSES)
def test_a_class_list_in_utf_8_is_never_guessed_at(encoding: str, names: str) -> None:
    text, content = roster(names, "utf-8")
    assert (decode(content).text, decode(content).guessed) == (text, False)


@pytest.mark.parametrize(
    ("encoding", "names", "readings"),
    [
        ("windows-1254", "Ayşe Yıldız", ["windows-1254: 1,Ayşe Yıldız,7b", "windows-1252: 1,Ayþe Yýldýz,7b"]),
        ("windows-1252", "Tõnu Õunapuu,Jüri Järv", ["windows-1252: 1,Tõnu Õunapuu,7b", "windows-1250: 1,Tőnu"]),
        ("mac_roman", "Jörg Berg", ["mac-roman: 1,Jörg Berg,7b", "windows-1252: 1,Jšrg Berg,7b"]),
        ("gb18030", "王鑫,李昕,张玥,陈喆", ["gb18030: 1,王鑫,7b / 2,李昕,7b"]),
        ("euc_kr", "김철수,이영희,박민준", ["euc-kr: 1,김철수,7b / 2,이영희,7b", "gb18030: "]),
    ],
)
def test_a_list_that_spells_names_in_two_ways_is_asked_about(encoding: str, names: str, readings: list[str]) -> None:
    with pytest.raises(EncodingUnclear) as error:
        decode(roster(names, encoding)[1])
    for reading in readings:
        assert reading in str(error.value)


def test_the_line_ends_of_an_old_mac_settle_what_its_letters_leave_open() -> None:
    text, content = roster("Jörg Berg", "mac_roman", line_end="\r")
    assert decode(content).text == text


@pytest.mark.parametrize("content", [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"id,name\n1,\x00\xff\n", b"\xff" * 40 + b"\0"])
def test_bytes_that_are_no_text_are_refused(content: bytes) -> None:
    with pytest.raises(UnsupportedTable):
        decode(content)


def test_controls_never_come_out_of_a_guess() -> None:
    with pytest.raises((EncodingUnclear, UnsupportedTable)):
        decode(b"id,name\n1,Ad\x81\x8d\x07\xfc\n")
