"""Databases, collections and indexes in memory, BSON order, and the file that outlives the process."""
