#!/bin/sh
# DASCore 0.1.24 reads the times of a PRODML file (PartStartTime, PartEndTime: ISO 8601 with an offset) without their
# offset where it is positive: a recording that began at 12:00:00+02:00 begins at 12:00 UTC. A negative offset is honoured.
#
# Seen 2026-11-28 with Python 3.11, one instant written in three ways, RawDataTime (microseconds UTC) the same in all:
#   2026-03-01T10:00:00.000000+00:00: 2026-03-01T10:00:00
#   2026-03-01T12:00:00.000000+02:00: 2026-03-01T12:00:00
#   2026-03-01T05:00:00.000000-05:00: 2026-03-01T10:00:00   (numpy warns)
# The text is cut at "+". Recordings of one instant lie hours apart, and a search by time finds the wrong ones; RawDataTime
# counts only when it differs by less than ten samples. The suite takes the times of a recording from its document in
# MongoDB (support/data_quality/documents.py).
#
# Installs pinned public packages into a new folder. Ends with 1 when the behaviour changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-compile "dascore==0.1.24"
cd "$folder"
HOME=$folder
export HOME
"$folder/venv/bin/python" - <<'PYTHON'
from datetime import datetime, timedelta

import dascore
import h5py
import numpy

STARTS = (
    "2026-03-01T10:00:00.000000+00:00",
    "2026-03-01T12:00:00.000000+02:00",
    "2026-03-01T05:00:00.000000-05:00",
)
SAMPLES, LOCI, STEP = 100, 3, timedelta(milliseconds=10)


def write(path, start):
    began = datetime.fromisoformat(start)
    times = [began + number * STEP for number in range(SAMPLES)]
    part = {"PartStartTime": start, "PartEndTime": times[-1].isoformat(timespec="microseconds")}
    with h5py.File(path, "w") as file:
        acquisition = file.create_group("Acquisition")
        acquisition.attrs.update(
            schemaVersion="2.0",
            uuid="8b6f3f0e-6f43-4f86-9d3b-0d6c2b1f7a11",
            MeasurementStartTime=start,
            NumberOfLoci=LOCI,
            StartLocusIndex=0,
            SpatialSamplingInterval=1.0,
            SpatialSamplingIntervalUnit="m",
            GaugeLength=10.0,
            GaugeLengthUnit="m",
            PulseRate=1000.0,
            PulseWidth=10.0,
        )
        raw = acquisition.create_group("Raw[0]")
        raw.attrs.update(NumberOfLoci=LOCI, StartLocusIndex=0, OutputDataRate=100.0, RawDataUnit="rad")
        data = raw.create_dataset("RawData", data=numpy.zeros((SAMPLES, LOCI), dtype="float32"))
        data.attrs.update(part, Dimensions=["time", "locus"], Count=SAMPLES * LOCI)
        stamps = [round(time.timestamp() * 1_000_000) for time in times]
        raw.create_dataset("RawDataTime", data=stamps).attrs.update(part, Count=SAMPLES)


seen = []
for number, start in enumerate(STARTS):
    write(f"{number}.h5", start)
    patch = dascore.read(f"{number}.h5")[0]
    seen.append(str(patch.get_coord("time").min().astype("datetime64[s]")))
    print(f"{start}: {seen[-1]}")
assert seen == ["2026-03-01T10:00:00", "2026-03-01T12:00:00", "2026-03-01T10:00:00"], seen
PYTHON
