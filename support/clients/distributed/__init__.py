"""The load of many testers: Locust, a master and workers, in processes apart from this one.

Nothing here, nor anywhere below ``support``, imports Locust or gevent: they change what ``socket`` and ``threading``
are, and the suite's own clients live by those. ``load/`` has the two programs; they are talked to over pipes.
"""
