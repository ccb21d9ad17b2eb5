"""The links between the sandbox's parts: TCP proxies with Toxiproxy's toxics, and NetworkPolicy objects enforced.

Differences from Toxiproxy: a half-closed connection stays half open; an upstream that is down resets the client instead
of closing; addresses must be on loopback; unknown fields and attributes are refused instead of ignored; there is no
/metrics. A link that a policy closes loses packets: its listener's queue is kept full, so that the
kernel drops every new SYN.
"""
