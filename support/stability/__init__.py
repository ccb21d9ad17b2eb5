"""Stability over a long time (SB-02)."""
