#!/usr/bin/env bash
# Install torch for training: install_torch.sh PYTHON torch==VERSION.
# On Linux the ordinary build brings some 3 GB of NVIDIA's libraries, which only a machine with such a card can use.
# PyTorch's own index has builds for the processor alone. They carry a local version (+cpu), so neither a lock file nor
# an extra index can choose them for one machine and not for another. Where that index cannot be reached, and for a
# platform that it has no build for, the ordinary build is installed.
set -euo pipefail
python=$1
wanted=$2
# The index, for a mirror inside a network.
index=${TORCH_CPU_INDEX:-https://download.pytorch.org/whl/cpu}
pip() { "$python" -m pip --disable-pip-version-check "$@"; }

if installed=$(pip list --format=freeze 2>/dev/null | grep --extended-regexp "^$wanted(\+.*)?$"); then
    echo "$installed is installed."
    exit 0
fi
if [ "$(uname -s)" = Linux ] && ! command -v nvidia-smi >/dev/null; then
    echo "Installing torch for the processor: a download of about 200 MB, 0.8 GB on disk."
    # Its dependencies are locked, and come from the ordinary index afterwards.
    if pip --quiet install --no-deps --retries 1 --timeout 15 --index-url "$index" "$wanted" 2>/dev/null; then
        exit 0
    fi
    echo "PyTorch's index of builds for the processor has none for this machine, or cannot be reached."
fi
size="a download of about 100 MB, 0.5 GB on disk"
if [ "$(uname -s)" = Linux ]; then size="with NVIDIA's libraries a download of up to 3 GB, 5 GB on disk"; fi
echo "Installing the ordinary build of torch: $size."
pip install --progress-bar on "$wanted"
