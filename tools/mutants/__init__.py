"""Random small changes of the sandbox's code, one at a time: does any scenario notice?

Neither cosmic-ray nor mutmut fits: the one writes each mutant into the tree and starts what tests it anew, the other
runs pytest beside the mutant in its own process. Here the code is that of a server in a process of its own, which
other processes of a sandbox wait for, and a mutant must cost a second and not the start of everything.
"""
