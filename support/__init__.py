from support import starting as starting  # must be first: the imports of a run take a second
