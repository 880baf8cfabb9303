"""What the workflows keep: consents, requests and retention, one module each."""

from .activity import ARTICLE_30, ActivityBasis, ProcessingActivity
from .consent import Agreement, AgreementEvent, BasisStatus, BasisType, LegalBasis, LegalBasisText
from .importing import ImportProgress, state_place
from .requests import Request, RequestAction
from .retention import Expiration, ExpirationStatus
from .rights import ExercisedRight, RightKind
from .task_runs import TaskRun

__all__ = [
    "ARTICLE_30",
    "ActivityBasis",
    "Agreement",
    "AgreementEvent",
    "BasisStatus",
    "BasisType",
    "ExercisedRight",
    "Expiration",
    "ExpirationStatus",
    "ImportProgress",
    "LegalBasis",
    "LegalBasisText",
    "ProcessingActivity",
    "Request",
    "RequestAction",
    "RightKind",
    "TaskRun",
    "state_place",
]
