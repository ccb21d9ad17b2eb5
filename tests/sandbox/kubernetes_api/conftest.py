from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.sandbox.kubernetes_api.kubectl_runs import Kubectl, runner
from tests.sandbox.kubernetes_api.serving import TOKEN, ServedApi


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedApi]:
    served = ServedApi(tmp_path_factory.mktemp("api"))
    yield served
    served.stop()


@pytest.fixture
def api(server: ServedApi) -> ServedApi:
    """An API server with only two namespaces."""
    server.clear()
    return server


@pytest.fixture
def http(api: ServedApi) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False  # REQUESTS_CA_BUNDLE of the machine would take precedence over verify
        session.verify = str(api.ca_file)
        session.headers["Authorization"] = f"Bearer {TOKEN}"
        yield session


@pytest.fixture
def kubeconfig(api: ServedApi, tmp_path: Path) -> Path:
    return api.kubeconfig(tmp_path)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home folder for kubectl, with its discovery cache."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def kubectl(kubeconfig: Path, home: Path) -> Kubectl:
    return runner(home, kubeconfig)
