"""The names of the files and folders that a run writes, that are shown in ``reports`` and that go into a bundle."""

RECORD = "run.json"
FILES = (RECORD, "junit.xml", "summary.md", "metrics.prom", "xray.json", "features.zip", "allure.html")
FOLDERS = ("evidence", "allure-results", "site")
