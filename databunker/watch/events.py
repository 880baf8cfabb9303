"""Audit event types of what looks wrong."""

from audit.events import register

__all__ = [
    "ANOMALY_NOTICED",
    "CANARIES_LISTED",
    "CANARY_NOTICED",
    "INCIDENTS_LISTED",
    "INCIDENT_ACKNOWLEDGED",
]

ANOMALY_NOTICED = register(342, "incident.anomaly", "noticed that a token reads unusually many people")
CANARY_NOTICED = register(343, "incident.canary", "noticed that a canary was read")
INCIDENTS_LISTED = register(344, "incident.list", "listed incidents")
INCIDENT_ACKNOWLEDGED = register(431, "incident.acknowledge", "acknowledged an incident")
CANARIES_LISTED = register(345, "canary.list", "listed canaries")
