"""What happens around scenarios: one module for each concern, called wired in environment.py."""
