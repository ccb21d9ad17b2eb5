"""What a run writes into its folder of reports: what it removes before it begins, and what a bundle of it has."""

RECORD = "run.json"
FILES = (RECORD, "junit.xml", "summary.md", "metrics.prom", "xray.json", "features.zip", "allure.html")
FOLDERS = ("evidence", "allure-results", "site")
