"""Fixtures. `remora` and `upstream` are shared by a worker's tests; `start_...` makes a test's own.

`REMORA_BASE_URL=upstream` leaves the proxy out and skips what is marked `proxy`: the rest passes either way.
"""

from __future__ import annotations

import importlib
import itertools
import os
import ssl
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

# Clients must not find a way around the proxy, report anywhere or fetch tables from the network.
for name in list(os.environ):
    if name.lower() in ("http_proxy", "https_proxy", "all_proxy") or name.startswith("OPENAI_"):
        del os.environ[name]
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
os.environ["LANGSMITH_TRACING"] = "false"

import openai  # noqa: E402

from canaries import hear  # noqa: E402
from certificates import Authority  # noqa: E402
from remora import BINARY, CALLER_KEY, DIRECT, SANITIZER, Remora, default_config, merged  # noqa: E402
from upstream import Upstream  # noqa: E402

# The SDK's own HTTP library: it changed between major versions.
http = importlib.import_module("httpx2" if int(openai.__version__.split(".")[0]) >= 3 else "httpx")


def pytest_configure(config):
    config.addinivalue_line("markers", "proxy: checks what Remora itself does; meaningless without it")
    config.addinivalue_line("markers", "build(reason): about the build that ships; skipped under a sanitizer")
    config.addinivalue_line("markers", "slow: waits on a real clock for longer than a few seconds")


def pytest_collection_modifyitems(config, items):
    if DIRECT:
        skip = pytest.mark.skip(reason="REMORA_BASE_URL=upstream leaves the proxy out")
        for item in items:
            if item.get_closest_marker("proxy"):
                item.add_marker(skip)
    elif SANITIZER:
        for item in items:
            if mark := item.get_closest_marker("build"):
                item.add_marker(pytest.mark.skip(reason=f"{SANITIZER} sanitizer: {mark.args[0]}"))
    if not DIRECT and not BINARY.exists():
        pytest.exit(f"{BINARY} is not there: build it, or name it in REMORA_BINARY", returncode=1)


@pytest.fixture(scope="session")
def authority(tmp_path_factory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def good_certificate(authority):
    return authority.issue("upstream")


@pytest.fixture(scope="session")
def _shared_upstream(good_certificate):
    server = Upstream(good_certificate)
    yield server
    server.stop()


@pytest.fixture
def upstream(_shared_upstream) -> Upstream:
    """The shared provider, with no script and no memory of earlier tests."""
    _shared_upstream.reset()
    yield _shared_upstream
    _shared_upstream.reset()


class Direct:
    """Stands where the proxy would: the upstream itself."""

    def __init__(self, server: Upstream, ca_file: Path) -> None:
        self.base_url = server.base_url
        self.origin = server.origin
        self.verify = ssl.create_default_context(cafile=ca_file)

    def check_alive(self) -> None:
        pass

    def mark_log(self) -> None:
        pass

    def stop(self) -> None:
        pass


@pytest.fixture(scope="session")
def _shared_remora(_shared_upstream, authority, tmp_path_factory):
    if DIRECT:
        yield Direct(_shared_upstream, authority.ca_file)
        return
    directory = tmp_path_factory.mktemp("remora")
    proxy = Remora(directory, default_config(directory, _shared_upstream, authority.ca_file))
    yield proxy
    proxy.stop()


@pytest.fixture
def remora(_shared_remora, upstream):
    """The shared proxy in front of `upstream`, with the default config; still alive after each test."""
    _shared_remora.mark_log()
    yield _shared_remora
    _shared_remora.check_alive()


@pytest.fixture(scope="session")
def _shared_plain(_shared_upstream, authority, tmp_path_factory):
    if DIRECT:
        pytest.skip("REMORA_BASE_URL=upstream leaves the proxy out")
    directory = tmp_path_factory.mktemp("plain")
    config = default_config(directory, _shared_upstream, authority.ca_file)
    proxy = Remora(directory, {**config, "response_metadata": "headers"})
    yield proxy
    proxy.stop()


@pytest.fixture
def plain(_shared_plain, upstream):
    """As `remora`, but nothing is added to bodies: what comes back is what the provider said."""
    _shared_plain.mark_log()
    yield _shared_plain
    _shared_plain.check_alive()


@pytest.fixture
def start_upstream(good_certificate):
    """`start_upstream(...)` starts a provider of the test's own; arguments as `Upstream`'s."""
    started = []

    def start(certificate=good_certificate, **options) -> Upstream:
        server = Upstream(certificate, **options)
        started.append(server)
        return server

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def start_remora(authority, tmp_path):
    """`start_remora(upstream, {...})` starts a proxy of the test's own.

    The second argument is laid over the default config, `provider=` over its one provider. `whole=` is a
    config of its own instead, `whole=None` none at all. All are stopped, and held to their promises, when the
    test ends.
    """
    started = []
    numbers = itertools.count(1)

    def start(server=None, changes=None, *, provider=None, whole=..., env=None, arguments=()) -> Remora:
        directory = tmp_path / f"remora{next(numbers)}"
        directory.mkdir()
        config = whole
        if config is ...:
            ca_file = authority.ca_file if server.scheme == "https" else None
            config = default_config(directory, server, ca_file)
            config = merged(config, {"providers": {"gateway": provider or {}}})
            config = merged(config, changes or {})
        proxy = Remora(directory, config, env=env, arguments=arguments)
        started.append(proxy)
        return proxy

    yield start
    failures = []
    for proxy in started:
        try:
            proxy.stop()
        except AssertionError as failure:
            failures.append(str(failure))
    assert not failures, "\n".join(failures)


def hear_error(response) -> None:
    if response.status_code >= 400:
        response.read()
        hear(response.status_code, response.headers.get("x-remora-error-source"), response.content)


async def hear_error_async(response) -> None:
    if response.status_code >= 400:
        await response.aread()
        hear(response.status_code, response.headers.get("x-remora-error-source"), response.content)


def sdk_options(proxy, **options) -> dict:
    """What every SDK client of these tests is made with: no retries, short patience."""
    return {"base_url": proxy.base_url, "api_key": CALLER_KEY, "max_retries": 0, "timeout": 10.0, **options}


@pytest.fixture
def sdk():
    """`sdk(proxy)` makes an `OpenAI` client of it, closed when the test ends."""
    clients = []

    def make(proxy, **options):
        transport = options.pop("transport", None)
        verify = getattr(proxy, "verify", True)
        own = openai.DefaultHttpxClient(
            transport=transport, verify=verify, trust_env=False, event_hooks={"response": [hear_error]}
        )
        client = openai.OpenAI(**sdk_options(proxy, http_client=own, **options))
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def client(sdk, remora):
    """The SDK, speaking through the shared proxy."""
    return sdk(remora)


@pytest.fixture
async def async_client(remora):
    verify = getattr(remora, "verify", True)
    own = openai.DefaultAsyncHttpxClient(
        verify=verify, trust_env=False, event_hooks={"response": [hear_error_async]}
    )
    async with openai.AsyncOpenAI(**sdk_options(remora, http_client=own)) as made:
        yield made


@pytest.fixture(scope="session")
def _shared_replayer(good_certificate, authority, tmp_path_factory):
    from replay.kinds import Replayer

    server = Upstream(good_certificate)
    made = Replayer(tmp_path_factory.mktemp("replay"), server, authority.ca_file)
    yield made
    made.stop()
    server.stop()


@pytest.fixture
def replayer(_shared_replayer):
    """A proxy with a provider of each kind, and the upstream behind all of them, without scripts or memory."""
    _shared_replayer.upstream.reset()
    _shared_replayer.proxy.mark_log()
    yield _shared_replayer
    _shared_replayer.proxy.check_alive()
