"""The load of many testers: a Locust master and its workers, in processes of their own.

No module below ``support`` imports Locust or gevent: they replace parts of ``socket`` and ``threading``, on which the
suite's own clients depend. ``load/`` has the two programs; the suite communicates with them over pipes.
"""
