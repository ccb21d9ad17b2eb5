"""The feature files, their vocabulary and their requirements, and checks of tag expressions before a run."""
