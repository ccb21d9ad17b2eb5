"""The Gherkin lint: rules for features, and features against step definitions."""
