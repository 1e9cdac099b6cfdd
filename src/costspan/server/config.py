"""What `costspan.yaml` and the environment say, checked before anything starts."""

from __future__ import annotations

import ipaddress
import os
import re
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import yaml

from costspan.core.budget import Budget
from costspan.core.clock import system_clock
from costspan.core.errors import ConfigError, UsageError
from costspan.core.period import parse_period
from costspan.pricing.overlay_file import read_overlays
from costspan.semconv.attribution_rules import parse_attribution_rules
from costspan.semconv.dialects import DIALECTS
from costspan.semconv.dialects.detection import Dialects
from costspan.semconv.mapping import mapped_dialect
from costspan.semconv.sampling_ratios import parse_sampling_ratios
from costspan.semconv.settlement.rules import SettlingRules
from costspan.server.alerts.budget_rules import budget_rules
from costspan.server.alerts.notifiers import NotifierEntry, parse_notifiers
from costspan.server.alerts.rule import Rule
from costspan.server.alerts.rule_file import parse_rules
from costspan.server.analytics.budget_settings import budget_places, parse_budgets
from costspan.server.exporters.forward_settings import Target, parse_forward
from costspan.server.receiver.in_flight import Limits, parse_limits
from costspan.server.reconciliation.settings import BillSettings, parse_reconcile
from costspan.server.store.upkeep import Retention, read_retention
from costspan.server.yaml_lines import LineLoader

DEFAULT_DATA: Final = Path("costspan-data")
DEFAULT_PORT: Final = 4318
"""OTLP/HTTP's own default, so that an SDK needs no setting to reach the server."""
DEFAULT_GRPC_PORT: Final = 4317

CONFIG_FILE: Final = "costspan.yaml"
KNOWN_KEYS: Final = (
    "prices", "attribution", "sampling", "mappings", "closed_until", "budgets", "alerts", "notifiers", "retention",
    "limits", "auth", "public_url", "forward", "reconcile", "store",
)  # fmt: skip
_DAY_OR_MONTH: Final = re.compile(r"\d{4}-\d{2}(-\d{2})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What `costspan.yaml` says."""

    prices: tuple[Mapping[str, Any], ...] = ()
    """Overlay rates on top of the catalogue (accounting rule 4)."""
    rules: SettlingRules = field(default_factory=SettlingRules)
    """Attribution and sampling ratios that emitters did not say."""
    dialects: Dialects = DIALECTS
    """The vocabularies spans are read in, the user's own first."""
    retention: Retention = field(default_factory=Retention)
    """How long received records and calls are kept."""
    budgets: tuple[Budget, ...] = ()
    """Amounts that calls are to keep within."""
    budget_places: Mapping[str, str] = field(default_factory=dict)
    """Where each budget stands in the file, by its name."""
    alerts: tuple[Rule, ...] = ()
    """When somebody is to be told what."""
    notifiers: Mapping[str, NotifierEntry] = field(default_factory=dict)
    """Where they are told, by the name that rules use."""
    public_url: str | None = None
    """Where people reach the dashboard, for links in notifications."""
    closed_before: datetime | None = None
    """The end of the last closed month or day, whose totals re-pricing leaves as they are (accounting rule 9)."""
    keys_file: Path | None = None
    """The file of API keys; read again whenever it changes."""
    reconcile: tuple[BillSettings, ...] = ()
    """Whose bills are compared with the ledger, each month once it is settled."""
    forward: tuple[Target, ...] = ()
    """Where received telemetry goes on to, with its cost."""
    store: str | None = None
    """Where the ledger is, a `clickhouse://` URL; None for a file in the data folder."""
    limits: Limits = field(default_factory=Limits)
    """What requests in flight may hold together, and how long one may take to arrive."""


@dataclass(frozen=True, slots=True)
class Tls:
    """The files of a certificate with its chain, and of its private key, both PEM."""

    cert: Path
    key: Path

    def __post_init__(self) -> None:
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(self.cert, self.key)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(f"--tls-cert {self.cert}, --tls-key {self.key}: {error.strerror or error}") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerConfig:
    """How `costspan serve` was started."""

    data: Path = DEFAULT_DATA
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    grpc_port: int | None = DEFAULT_GRPC_PORT
    """Port of OTLP/gRPC; None for no such door."""
    self_trace: bool = False
    """Sends spans of its own work to OTEL_EXPORTER_OTLP_ENDPOINT."""
    log_calls: Path | None = None
    """Where a line for each call is written, `-` for standard output; None for nowhere."""
    tls: Tls | None = None
    """Makes both doors speak TLS."""
    root_path: str = ""
    """Path prefix under which a reverse proxy serves costspan, without a trailing slash."""
    api_key: str | None = field(default=None, repr=False)
    """A key that may do everything; where neither it nor a file of keys is set, only loopback may be bound."""
    store: str | None = field(default=None, repr=False)
    """Where the ledger is, a `clickhouse://` URL; None for what the settings say."""
    settings: Settings = field(default_factory=Settings)
    file: Path | None = None
    """The `costspan.yaml` that is read again when prices change; the one in the data folder where None."""

    @property
    def url(self) -> str:
        """The dashboard's address, with a slash at its end, for links in what is sent to people."""
        scheme = "https" if self.tls else "http"
        return self.settings.public_url or f"{scheme}://{self.host}:{self.port}{self.root_path}/"

    def __post_init__(self) -> None:
        for option, port in (("--port", self.port), ("--grpc-port", self.grpc_port or 0)):
            if not 0 <= port <= 65535:
                raise UsageError(f"{option} {port} is no port; use 1 to 65535, or 0 for any free one")
        if self.api_key is None and self.settings.keys_file is None and not _is_loopback(self.host):
            raise UsageError(
                f"--host {self.host} would let anyone on the network read and write this ledger; "
                "set COSTSPAN_API_KEY (or COSTSPAN_API_KEY_FILE) or auth: {keys_file: keys.yaml} first, "
                "or stay on 127.0.0.1"
            )


def settings_file(data: Path, named: Path | None = None) -> Path | None:
    """Return the settings to use with folder `data`: those named, else the folder's own, else none."""
    own = data / CONFIG_FILE
    return named or (own if own.exists() else None)


def read_settings(path: Path | None) -> Settings:
    """Return what a `costspan.yaml` says, the defaults where no path is given.

    Raise ConfigError that names file, entry and key.
    """
    if path is None:
        return Settings()
    document = _document(path)
    mappings = document.get("mappings") or ()
    if not isinstance(mappings, Sequence) or isinstance(mappings, str):
        raise ConfigError(f"{path}: mappings: a list is expected")
    notifiers = parse_notifiers(document.get("notifiers"), str(path))
    budgets = parse_budgets(document.get("budgets"), str(path), notifiers=notifiers)
    rules = parse_rules(
        document.get("alerts"), str(path), notifiers=notifiers, budgets=[budget.name for budget in budgets]
    )
    mapped = [mapped_dialect(entry, f"{path}: mappings[{place}]") for place, entry in enumerate(mappings)]
    retention = read_retention(document.get("retention"), str(path))
    forward = parse_forward(document.get("forward"), str(path))
    if forward and not retention.keeps_records:
        raise ConfigError(f"{path}: forward: needs what was received; with retention: {{raw: 0d}} nothing is kept")
    return Settings(
        prices=tuple(read_overlays(path)),
        rules=SettlingRules(
            parse_attribution_rules(document.get("attribution"), str(path)),
            parse_sampling_ratios(document.get("sampling"), str(path)),
        ),
        dialects=DIALECTS.before(mapped),
        retention=retention,
        forward=forward,
        budgets=budgets,
        budget_places=budget_places(document.get("budgets"), str(path)),
        alerts=(*rules, *budget_rules(budgets, [rule.name for rule in rules])),
        notifiers=notifiers,
        public_url=_public_url(document, path),
        closed_before=_closed_before(document),
        keys_file=_keys_file(document, path),
        reconcile=parse_reconcile(document.get("reconcile"), str(path)),
        store=_store(document, path),
        limits=parse_limits(document.get("limits"), str(path)),
    )


def _document(path: Path) -> dict[str, Any]:
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), LineLoader)  # noqa: S506 - it is a SafeLoader
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not YAML: {error}") from None
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise ConfigError(f"{path}: a mapping of settings is expected, found {type(document).__name__}")
    for key in document:
        if key not in KNOWN_KEYS:
            raise ConfigError(f"{path}: unknown key {key!r}; known: {', '.join(KNOWN_KEYS)}")
    return document


def _store(settings: Mapping[str, Any], path: Path) -> str | None:
    store = settings.get("store")
    if store is not None and not isinstance(store, str):
        raise ConfigError(f"{path}: store: duckdb, or clickhouse://user:password@host:8123/database")
    return store_url(store, f"{path}: store")


def store_url(said: str | None, place: str) -> str | None:
    """Return the URL of a ledger that is shared, None for a file of its own. Raise ConfigError for anything else."""
    if said is None or said == "duckdb":
        return None
    if not said.startswith(("clickhouse://", "clickhouses://")):
        raise ConfigError(f"{place}: duckdb, or clickhouse://user:password@host:8123/database")
    return said


def _public_url(settings: Mapping[str, Any], path: Path) -> str | None:
    url = settings.get("public_url")
    if url is None:
        return None
    if not isinstance(url, str) or not url.startswith(("http://", "https://")):
        raise ConfigError(f"{path}: public_url: an address such as https://costspan.example.com")
    return f"{url.rstrip('/')}/"


def _keys_file(settings: Mapping[str, Any], path: Path) -> Path | None:
    """Return the file that `auth` names, beside the settings unless it is absolute. Raise ConfigError for no name."""
    auth = settings.get("auth")
    if auth is None:
        return None
    name = auth.get("keys_file") if isinstance(auth, Mapping) and len(auth) == 1 else None
    if not isinstance(name, str) or not name:
        raise ConfigError(f"{path}: auth: {{keys_file: keys.yaml}} is expected")
    return path.parent / name


def _closed_before(settings: Mapping[str, Any]) -> datetime | None:
    """Return the end of `closed_until`, a day or a month that is closed as a whole (accounting rule 9); None if unset.

    Raise ConfigError when it is neither.
    """
    closed = settings.get("closed_until")
    if closed is None:
        return None
    text = str(closed)
    wrong = ConfigError(f"closed_until: {text!r} is not a month (2026-10) or a day (2026-10-31)")
    if not _DAY_OR_MONTH.fullmatch(text):
        raise wrong
    try:
        return parse_period("1970-01-01", text, system_clock()).until
    except UsageError:
        raise wrong from None


def api_key_from(environment: Mapping[str, str] = os.environ) -> str | None:
    """Return the key of COSTSPAN_API_KEY or of the file COSTSPAN_API_KEY_FILE names. Raise ConfigError if it cannot."""
    if key := environment.get("COSTSPAN_API_KEY"):
        return key
    if not (name := environment.get("COSTSPAN_API_KEY_FILE")):
        return None
    try:
        key = Path(name).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigError(f"COSTSPAN_API_KEY_FILE {name}: {error.strerror}") from None
    if not key:
        raise ConfigError(f"COSTSPAN_API_KEY_FILE {name} is empty")
    return key


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
