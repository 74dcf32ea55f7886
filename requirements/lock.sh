#!/usr/bin/env bash
# Regenerate the lock files from pyproject.toml; needs `uv`. The files contain hashes but no index address.
# torch is pinned by version in pyproject.toml and left out here: its build (CPU, CUDA, macOS) differs by machine,
# and each machine's registry provides the right one. Its small dependencies are locked.
set -euo pipefail
cd "$(dirname "$0")/.."
compile() {
    local output=$1
    shift
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header \
        --override requirements/override.txt --no-emit-package torch --output-file "requirements/$output" "$@"
}
compile dev.txt pyproject.toml requirements/torch-dependencies.in --extra local --extra train --extra aws --extra infra --extra dev
# What the demo and the server need, and with training what trains a head besides: there torch is installed too.
compile local.txt --constraint requirements/dev.txt pyproject.toml --extra local
compile train.txt --constraint requirements/dev.txt pyproject.toml requirements/torch-dependencies.in --extra local --extra train
# What deploys to AWS, and works on a deployed stage: no torch, no test tools.
compile infra.txt --constraint requirements/dev.txt pyproject.toml --extra local --extra aws --extra infra
# What ships: the vision image, the stage of its build that makes the model pack, the training image, the Lambda layer.
compile vision.txt --constraint requirements/dev.txt pyproject.toml requirements/server.in --extra aws
compile pack.txt --constraint requirements/dev.txt pyproject.toml requirements/build.in --extra local
compile training.txt --constraint requirements/dev.txt pyproject.toml requirements/torch-dependencies.in --extra train --extra aws
compile layer.txt --constraint requirements/dev.txt requirements/layer.in
# The training image alone knows its build of torch: the ordinary one for Linux, with CUDA.
sed -n 's/.*"\(torch==[^"]*\)".*/\1/p' pyproject.toml | uv pip compile --quiet --universal --python-version 3.11 \
    --generate-hashes --no-emit-index-url --no-annotate --no-header --constraint requirements/dev.txt \
    --output-file requirements/cuda.txt -
# The exporters' environment stands apart. facenet-pytorch asks for the torch, Pillow and numpy of its day and its code runs
# with ours, so that its limits are overridden; and torchvision wants an ordinary build of torch, so that torch is in this lock.
uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header \
    --override requirements/export-override.txt --constraint requirements/dev.txt --output-file requirements/export.txt \
    pyproject.toml requirements/export.in --extra local
