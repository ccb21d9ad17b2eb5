"""What developers of the suite run: the fault matrix, repeats, the Gherkin lint, benches, makers of examples."""
