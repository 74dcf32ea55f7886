"""Tests."""

import os

# Before a library reads them. Tests run side by side, and threads of one network or matrix that wait for one another
# take a third of the processor time.
for _threads in ("MUSTER_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_threads, "1")
