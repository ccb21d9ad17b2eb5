"""The Focus Server of the sandbox: the deployed HTTP contract over a real MongoDB and a real Kubernetes API.

The plain modules behave as required. ``faults`` overrides single steps of them and changes nothing while none is on.
"""
