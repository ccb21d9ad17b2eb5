"""The Gherkin lint: rules for features, and a comparison of features with step definitions."""
