"""Proof of quality: first articles, inspections by limits, scrap."""

from fabroute.production.service.inspection.first_articles import (
    FirstArticleDecision,
    FirstArticleFailed,
    InvalidFirstArticle,
    NoFirstArticle,
    Submission,
    decide_first_article,
    submit_first_article,
)
from fabroute.production.service.inspection.reporting import (
    InspectionDone,
    InspectionFailedBefore,
    InvalidInspection,
    NewInspection,
    PrintMismatch,
    UnknownPrint,
    list_inspections,
    report_inspection,
)
from fabroute.production.service.inspection.rules import InspectionLevel, InspectionResult, Measurement
from fabroute.production.service.inspection.scrapping import InvalidScrap, Scrap, scrap_print
from fabroute.production.service.inspection.views import InspectionView

__all__ = [
    "FirstArticleDecision",
    "FirstArticleFailed",
    "InspectionDone",
    "InspectionFailedBefore",
    "InspectionLevel",
    "InspectionResult",
    "InspectionView",
    "InvalidFirstArticle",
    "InvalidInspection",
    "InvalidScrap",
    "Measurement",
    "NewInspection",
    "NoFirstArticle",
    "PrintMismatch",
    "Scrap",
    "Submission",
    "UnknownPrint",
    "decide_first_article",
    "list_inspections",
    "report_inspection",
    "scrap_print",
    "submit_first_article",
]
