"""Programs for developers of the suite: the fault matrix, repeated runs, the Gherkin lint, benchmarks, examples."""
