"""A wire-compatible stand-in for the site's MongoDB: OP_MSG, SCRAM-SHA-256, ordered indexes, true explain.

What it does not do: replica sets, transactions, change streams, collations, text, geo, hashed and wildcard indexes,
map-reduce, server-side JavaScript, views and capped collections, ``$out`` and ``$merge``, the ``bulkWrite`` command of
8.0 (drivers' collection-level bulk writes work), TLS and compression. Each of these is refused with an error, never
silently accepted. Data lives in memory; with a data file it survives an orderly stop and not a kill.
"""
