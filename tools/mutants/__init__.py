"""Small random changes of the sandbox's code, one at a time, to find out whether any scenario notices them.

Neither cosmic-ray nor mutmut fits. cosmic-ray writes each mutant into the tree and restarts what tests it; mutmut runs
pytest in the same process as the mutant. Here the code belongs to a server in a process of its own, for which other
processes of a sandbox wait, and a mutant must cost a second and not the start of everything.
"""
