"""The Kubernetes API server of the sandbox and the controllers behind it.

It implements the part of the v1.34 API that kubectl and the official Python client use: discovery, create, read, list
with selectors and pages, tables, watch with bookmarks and 410, update and the three patches, deletion with grace
periods, finalizers and cascades, status and scale, pod logs, events, metrics, access reviews, and tokens of service
accounts with the rights that roles grant them.

The following is not supported and is answered with an error that says so: attach, ephemeral containers, eviction,
server-side apply, protobuf (except for reviews, DeleteOptions and the kinds that ``kubectl create`` makes), custom
resources, the schemas behind ``kubectl explain``, and API versions that discovery does not list. Unknown fields are
rejected under strict validation for the kinds that the estate uses, and kept otherwise.
"""
