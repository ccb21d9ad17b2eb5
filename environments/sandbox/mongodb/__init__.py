"""A wire-compatible stand-in for the site's MongoDB: OP_MSG, SCRAM-SHA-256, ordered indexes, true explain.

What it does not do: replica sets, transactions, change streams, collations, text, geo, hashed and wildcard indexes,
map-reduce, server-side JavaScript, views and capped collections, TLS and compression. Each of these is refused with an
error, never silently accepted. Data lives in memory; with a data file it outlives the process, though users made by a
client do not.
"""
