"""Consistency of the image files, checked without building: a wrong name would only show at a deployment."""

import fnmatch
import json
import re
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest

from infra.config import PACK_HOME
from infra.stacks.api import DOCKERFILE as VISION
from infra.stacks.training import DOCKERFILE as TRAINING
from muster.packs.manifest import PublishedSource, shipped_names, shipped_spec
from muster.vision.covering import WEIGHTS
from tests.unit.test_functions_import import ENVIRONMENT

ROOT = Path(__file__).parents[2]
ONE_MACHINE = "containers/one-machine/Dockerfile"
IMAGES = [VISION, TRAINING]


def instructions(dockerfile: str) -> list[tuple[str, str]]:
    """Return the instructions of a Dockerfile, continued lines joined, comments left out."""
    lines = [line for line in (ROOT / dockerfile).read_text().splitlines() if not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in joined.splitlines() if line)]


def copied(dockerfile: str) -> set[str]:
    """Return what is copied from the build context."""
    copies = [rest.split() for word, rest in instructions(dockerfile) if word == "COPY"]
    return {source.rstrip("/") for words in copies if not words[0].startswith("--from") for source in words[:-1]}


def last_stage(dockerfile: str) -> list[tuple[str, str]]:
    all_of_them = instructions(dockerfile)
    start = max(index for index, (word, _) in enumerate(all_of_them) if word == "FROM")
    return all_of_them[start:]


def in_context(path: str) -> bool:
    """Say whether .dockerignore, where the last rule that fits decides, lets a path through."""
    let_through = True
    parts = Path(path).parts
    prefixes = ["/".join(parts[: length + 1]) for length in range(len(parts))]
    for rule in (ROOT / ".dockerignore").read_text().split():
        pattern = rule.removeprefix("!").removeprefix("**/")
        if any(fnmatch.fnmatch(prefix, pattern) for prefix in prefixes) or fnmatch.fnmatch(parts[-1], pattern):
            let_through = rule.startswith("!")
    return let_through


def pinned(lock: str) -> set[str]:
    text = (ROOT / "requirements" / lock).read_text()
    return set(re.findall(r"^([a-z0-9][a-z0-9._-]*)==", text, re.MULTILINE))


@pytest.mark.parametrize("dockerfile", [*IMAGES, ONE_MACHINE])
def test_everything_that_is_copied_is_in_the_repository_and_reaches_the_build(dockerfile: str) -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True).stdout.splitlines()
    sources = copied(dockerfile)
    assert sources
    for source in sources:
        assert any(path == source or path.startswith(f"{source}/") for path in tracked), source
        assert in_context(source), source


@pytest.mark.parametrize(
    "path", ["samples/gallery/a.jpg", "tests/conftest.py", ".git/config", ".venv/bin/python", ".env"]
)
def test_photos_tests_history_and_secrets_stay_out_of_the_build(path: str) -> None:
    assert not in_context(path)


@pytest.mark.parametrize("dockerfile", [*IMAGES, ONE_MACHINE])
def test_what_the_wheel_is_built_of_is_there(dockerfile: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    made = " ".join(rest for word, rest in instructions(dockerfile) if word == "RUN")
    needed = {name.split("/")[0] for name in (*wheel["packages"], *wheel["force-include"])}
    needed |= {project["project"]["readme"], *project["project"]["license-files"], "pyproject.toml"}
    for name in needed - copied(dockerfile):
        assert re.search(rf"mkdir (/src/)?{name}", made), name


@pytest.mark.parametrize("dockerfile", [*IMAGES, ONE_MACHINE])
def test_the_librarys_data_files_are_in_the_wheel_and_reach_the_images(dockerfile: str) -> None:
    package = "layers/muster"
    listed = subprocess.run(["git", "ls-files", package], cwd=ROOT, capture_output=True, text=True).stdout.splitlines()
    data = [path for path in listed if not path.endswith(".py")]
    assert WEIGHTS.relative_to(ROOT).as_posix() in data
    # The wheel holds what lies in the package, tracked or not, except what .gitignore names.
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert package in wheel["packages"]
    assert not wheel.keys() & {"include", "only-include", "exclude"}
    ignored = subprocess.run(["git", "check-ignore", "--no-index", *data], cwd=ROOT, capture_output=True, text=True)
    assert ignored.stdout == ""
    assert package.split("/")[0] in copied(dockerfile)
    assert all(in_context(path) for path in data)


@pytest.mark.parametrize("dockerfile", IMAGES)
def test_every_package_is_checked_by_its_hash(dockerfile: str) -> None:
    runs = [rest for word, rest in instructions(dockerfile) if word == "RUN"]
    installs = [command for rest in runs for command in rest.split("&&") if re.search(r"pip .*install", command)]
    assert installs
    for install in installs:
        assert "/wheels/" in install or ("--require-hashes" in install and "--requirement requirements/" in install)
        assert "--no-cache-dir" in install
        assert "--no-deps" in install


@pytest.mark.parametrize("dockerfile", IMAGES)
def test_the_base_can_be_chosen_and_the_last_stage_is_made_of_it_alone(dockerfile: str) -> None:
    (base,) = (rest for word, rest in instructions(dockerfile) if word == "ARG" and rest.startswith("BASE="))
    assert re.fullmatch(r"BASE=public\.ecr\.aws/docker/library/python:3\.\d+-slim-\w+", base)
    assert last_stage(dockerfile)[0] == ("FROM", "${BASE}")
    runs = " ".join(rest for word, rest in last_stage(dockerfile) if word == "RUN")
    assert "pip" not in runs
    assert "apt" not in runs


@pytest.mark.parametrize("dockerfile", IMAGES)
def test_the_image_runs_as_somebody_without_rights(dockerfile: str) -> None:
    (user,) = (rest for word, rest in last_stage(dockerfile) if word == "USER")
    assert int(user) >= 10_000
    made = " ".join(rest for word, rest in last_stage(dockerfile) if word == "RUN")
    assert f"useradd --uid {user} " in made


def test_torch_is_in_the_training_image_alone_and_is_the_version_that_everything_else_uses() -> None:
    assert not pinned("vision.txt") & {"torch", "triton", "pytorch-metric-learning"}
    assert "requirements/cuda.txt" not in copied(VISION)
    train = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["train"]
    (wanted,) = (requirement for requirement in train if requirement.startswith("torch=="))
    assert f"\n{wanted} \\\n" in (ROOT / "requirements/cuda.txt").read_text()


def test_the_locks_of_the_training_image_agree() -> None:
    cuda, training = ((ROOT / "requirements" / name).read_text() for name in ("cuda.txt", "training.txt"))
    both = pinned("cuda.txt") & pinned("training.txt")
    assert "sympy" in both
    for name in both:
        one, other = (set(re.findall(rf"^{name}==\S+", text, re.MULTILINE)) for text in (cuda, training))
        assert one == other


def test_the_images_entry_points_can_be_imported() -> None:
    (entry,) = (json.loads(rest) for word, rest in last_stage(TRAINING) if word == "ENTRYPOINT")
    assert entry[:2] == ["python", "-m"]
    assert find_spec(entry[2]) is not None
    for function in ("register", "detect"):
        assert (ROOT / "functions" / function / "handler.py").is_file()
    (server,) = (json.loads(rest) for word, rest in last_stage(VISION) if word == "ENTRYPOINT")
    (source,) = (path for path in copied(VISION) if path.endswith("entrypoint.sh"))
    made = [rest for word, rest in instructions(VISION) if word == "COPY" and rest.startswith(source)]
    assert made == [f"{source} {server[0]}"]


def test_the_infrastructure_knows_where_the_image_keeps_its_models() -> None:
    variables = " ".join(rest for word, rest in last_stage(VISION) if word == "ENV")
    assert f"MUSTER_HOME={PACK_HOME} " in f"{variables} ".replace("    ", " ")


def test_every_pack_can_be_chosen_for_the_image_which_then_uses_it() -> None:
    # The stage that builds the pack tells by the name which ones need the exporters' environment.
    (choice,) = (rest for word, rest in instructions(VISION) if word == "RUN" and rest.startswith('case "${PACK}" in'))
    assert "cloud*)" in choice
    for name in shipped_names():
        published = any(isinstance(source, PublishedSource) for source in shipped_spec(name).sources)
        assert name.startswith("cloud") is published
    (default,) = (rest for word, rest in instructions(VISION) if word == "ARG" and rest.startswith("PACK="))
    assert default == "PACK=embedded-int8"
    variables = " ".join(rest for word, rest in last_stage(VISION) if word == "ENV")
    assert "MUSTER_PACK=${PACK} " in variables
    # A stage knows the argument only if it says so.
    assert ("ARG", "PACK") in last_stage(VISION)


def test_an_image_is_never_built_from_weights_that_nobody_pinned() -> None:
    # The folder of packs is empty in a build, so the first file seen is not remembered.
    (build,) = (rest for word, rest in instructions(VISION) if word == "RUN" and "packs build" in rest)
    assert 'packs build "${PACK}" --pinned ${PACK_OPTIONS}' in build


def test_no_exporter_reaches_the_image() -> None:
    copies = [rest for word, rest in last_stage(VISION) if word == "COPY"]
    assert all(copy.split()[-1] in ("/opt/venv", "/opt/app", "/opt/muster") for copy in copies)
    installs = [rest for word, rest in instructions(VISION) if word == "RUN" and "export.txt" in rest]
    assert installs
    assert all("/opt/export/bin/python" in install and "/opt/venv" not in install for install in installs)


@pytest.mark.parametrize(
    ("variables", "arguments", "expected"),
    [
        ({"AWS_LAMBDA_RUNTIME_API": "host"}, ["a.b.handler"], "python -m awslambdaric a.b.handler"),
        ({}, ["muster", "packs", "list"], "muster packs list"),
        ({}, [], "muster serve --host 0.0.0.0 --port 8000"),
        ({"MUSTER_HOST": "::", "MUSTER_PORT": "80"}, [], "muster serve --host :: --port 80"),
    ],
)
def test_one_image_is_function_command_and_server(
    variables: dict[str, str], arguments: list[str], expected: str, tmp_path: Path
) -> None:
    for name in ("python", "muster"):
        program = tmp_path / name
        program.write_text(f'#!/bin/sh\necho {name} "$@"\n')
        program.chmod(0o755)
    script = str(ROOT / "containers/vision/entrypoint.sh")
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", **variables}
    done = subprocess.run([script, *arguments], env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, expected)


def test_the_health_check_fails_where_no_server_answers() -> None:
    (check,) = (rest for word, rest in last_stage(VISION) if word == "HEALTHCHECK")
    command = json.loads(check[check.index("[") :])
    done = subprocess.run(
        [sys.executable, *command[1:]], env={**ENVIRONMENT, "MUSTER_PORT": "1"}, capture_output=True, text=True
    )
    assert done.returncode != 0
    assert "refused" in done.stderr
