"""What a server opens that does not know what was asked for."""

from __future__ import annotations

from environments.sandbox.focus_server.schema import ConfigureRequest, View

PLAIN_REQUEST = ConfigureRequest(
    view=View.MULTICHANNEL, height_px=1000, channel_min=1, channel_max=50, time_axis_s=10, nfft=1024,
    frequency_hz=(0, 500), start_s=None, end_s=None,
)  # fmt: skip
