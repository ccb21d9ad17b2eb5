"""The Kubernetes API server of the sandbox and the controllers behind it.

It speaks the API of v1.34 well enough for kubectl and the official Python client: discovery, create, read, list with
selectors and pages, tables, watch with bookmarks and 410, update and the three patches, deletion with grace, finalizers
and cascades, status and scale, pod logs, events, metrics, access reviews, tokens of service accounts and what
roles give them.

Not served, and answered with an error that says so: attach, ephemeral containers, eviction, server-side apply, protobuf
(but for reviews, DeleteOptions and the kinds ``kubectl create`` makes), custom resources, the schemas behind
``kubectl explain``, API versions other than those listed by discovery. Unknown fields are refused under strict
validation for the kinds the estate uses, and kept otherwise.
"""
