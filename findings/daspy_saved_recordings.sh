#!/bin/sh
# DASPy 1.2.7 (daspy-toolbox): a recording that is saved and read again is another one. In the format of Febus the samples
# of each channel come back in another order; in the format that is taken for ".h5" the start along the fibre is lost;
# and missing samples (NaN) are read as 0.
#
# Seen 2026-11-28 with Python 3.11, two channels of 3 s at 4 Hz that start at channel 100, 500 m; samples 0, 1, 2 ...:
#   Febus A1-R: [0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11]
#   file of HDF5: start channel 0, 0.0 m
#   a missing sample: nan in the file, 0.0 as read
# In "save" the samples are laid out as (channel, sample, second) and read as (second, sample, channel). The suite reads no
# recording from a file; who makes files for a test of it with this library tests with other data.
#
# Installs pinned public packages into a new folder. Ends with 1 when the behaviour changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-compile "daspy-toolbox==1.2.7"
cd "$folder"
HOME=$folder
export HOME
"$folder/venv/bin/python" - <<'PYTHON'
import h5py
import numpy
from daspy import DASDateTime, Section, read
from daspy.core.dasdatetime import utc

FEBUS = "Febus A1-R"
samples = numpy.arange(12.0)


def section():
    began = DASDateTime(2026, 3, 1, 10, tzinfo=utc)
    data = numpy.stack([samples, samples])
    return Section(
        data, dx=5.0, fs=4.0, start_channel=100, start_distance=500.0, start_time=began, gauge_length=10.0
    )


section().save("febus.h5", file_format=FEBUS)
febus = read("febus.h5", file_format=FEBUS).data[0]
section().save("plain.h5")
plain = read("plain.h5")
with_gap = section()
with_gap.data[0, 5] = numpy.nan
with_gap.save("gap.h5")
with h5py.File("gap.h5") as file:
    stored = file["Acquisition/Raw[0]/RawData"][0, 5]
gap = read("gap.h5").data[0, 5]
print(f"{FEBUS}: {[int(sample) for sample in febus]}")
print(f"file of HDF5: start channel {plain.start_channel}, {plain.start_distance} m")
print(f"a missing sample: {stored} in the file, {gap} as read")
assert list(febus) == [0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11], febus
assert (plain.data == section().data).all() and (plain.start_channel, plain.start_distance) == (0, 0)
assert numpy.isnan(stored) and gap == 0
PYTHON
