from support import starting as starting  # first of all: what a run loads after it takes a second
