"""A drop folder of an ERP: orders as CSV or EDIFACT ORDERS come in; CSV, ORDRSP and DESADV go out."""

from fabroute.bridges.erp.folder import DropFolder

__all__ = ["DropFolder"]
