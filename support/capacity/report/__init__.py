"""The gap report: what is missing for 200 jobs, with evidence and arithmetic."""
