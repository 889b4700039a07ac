"""Tables of production."""

from fabroute.production.models.builds import Build, BuildPart, BuildTime
from fabroute.production.models.files import (
    ConformityCertificate,
    FileTicket,
    Inspection,
    JobEvidence,
    Passport,
    PrintRecord,
    ReprintRequest,
)
from fabroute.production.models.jobs import (
    CounterOffer,
    Job,
    JobReport,
    OwnerNote,
    ProductionPolicy,
    Reconciliation,
    Reroute,
)
from fabroute.production.models.shipments import Brand, Parcel, Recall, Shipment, ShipmentEvent

__all__ = [
    "Brand",
    "Build",
    "BuildPart",
    "BuildTime",
    "ConformityCertificate",
    "CounterOffer",
    "FileTicket",
    "Inspection",
    "Job",
    "JobEvidence",
    "JobReport",
    "OwnerNote",
    "Parcel",
    "Passport",
    "PrintRecord",
    "ProductionPolicy",
    "Recall",
    "Reconciliation",
    "ReprintRequest",
    "Reroute",
    "Shipment",
    "ShipmentEvent",
]
