"""The links between the sandbox's parts: TCP proxies with Toxiproxy's toxics that also enforce NetworkPolicy objects.

Differences from Toxiproxy: a half-closed connection stays half open; if the upstream is down, the client's connection
is reset instead of closed; addresses must be on loopback; unknown fields and attributes are rejected instead of
ignored; there is no /metrics. A link that a policy closes loses packets: its listener's queue is kept full, so that the
kernel drops every new SYN.
"""
