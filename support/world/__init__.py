"""Everything steps can call."""
