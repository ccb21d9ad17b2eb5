"""The record of a run: its model, its file, and how a behave run becomes one."""
