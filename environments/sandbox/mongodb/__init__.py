"""A wire-compatible stand-in for the site's MongoDB: OP_MSG, SCRAM-SHA-256, ordered indexes, true explain.

It does what the suite, its remedies and outages, the sandbox's Focus Server and the daily work of a person in mongosh
or pymongo need from a standalone server. Anything else is refused by name with MongoDB's error code, never silently
accepted. Data is in memory; with a data file it outlives the process.

Sub-packages, each importing only those before it: ``wire``, ``auth``, ``storage``, ``seed``, ``faults``, ``query``,
``commands``.
"""
