"""The codes of exclusion: stable words that clients may branch on."""

from enum import StrEnum


class ExclusionCode(StrEnum):
    """Why a node can't take a line."""

    FILE_NOT_VALIDATED = "FILE_NOT_VALIDATED"
    NO_PARAMETER_SET = "NO_PARAMETER_SET"
    BUILD_VOLUME = "BUILD_VOLUME"
    PROCESS_MATERIAL = "PROCESS_MATERIAL"
    CERTIFICATE_MISSING = "CERTIFICATE_MISSING"
    CERTIFICATE_EXPIRES = "CERTIFICATE_EXPIRES"
    PART_NOT_QUALIFIED = "PART_NOT_QUALIFIED"
    MATERIAL_SHORT = "MATERIAL_SHORT"
    PACKAGING = "PACKAGING"
    LANE_MISSING = "LANE_MISSING"
    LOT_BLOCKED = "LOT_BLOCKED"
    EXPORT_CONTROL = "EXPORT_CONTROL"
    IP_POLICY = "IP_POLICY"
    NODE_DOWN = "NODE_DOWN"
    CAPACITY = "CAPACITY"
    NEED_BY = "NEED_BY"
    PRICE_CAP = "PRICE_CAP"
    MIN_ORDER = "MIN_ORDER"
    SPLIT_FORBIDDEN = "SPLIT_FORBIDDEN"
    CONCENTRATION = "CONCENTRATION"
    DECLINED = "DECLINED"
    SANDBOX = "SANDBOX"

    @property
    def meaning(self) -> str:
        """The code in a few words, for a person."""
        return _MEANINGS[self]


_MEANINGS = {
    ExclusionCode.FILE_NOT_VALIDATED: "no released, validated print file",
    ExclusionCode.NO_PARAMETER_SET: "no qualified parameter set",
    ExclusionCode.BUILD_VOLUME: "does not fit the machine",
    ExclusionCode.PROCESS_MATERIAL: "process or material not offered",
    ExclusionCode.CERTIFICATE_MISSING: "required certificate absent",
    ExclusionCode.CERTIFICATE_EXPIRES: "certificate ends before production does",
    ExclusionCode.PART_NOT_QUALIFIED: "no first article here, or lapsed",
    ExclusionCode.MATERIAL_SHORT: "too little material",
    ExclusionCode.PACKAGING: "packaging not offered",
    ExclusionCode.LANE_MISSING: "no shipping lane",
    ExclusionCode.LOT_BLOCKED: "lot expired, quarantined or re-used too often",
    ExclusionCode.EXPORT_CONTROL: "country or party not permitted",
    ExclusionCode.IP_POLICY: "not permitted by the part's owner, or no print licence left",
    ExclusionCode.NODE_DOWN: "node or machine unavailable",
    ExclusionCode.CAPACITY: "no capacity before the latest start",
    ExclusionCode.NEED_BY: "can't arrive in time",
    ExclusionCode.PRICE_CAP: "over the order's price cap",
    ExclusionCode.MIN_ORDER: "under the node's minimum order",
    ExclusionCode.SPLIT_FORBIDDEN: "would need a split",
    ExclusionCode.CONCENTRATION: "over a sole-source or share cap",
    ExclusionCode.DECLINED: "the node declined this line, didn't answer, or could not make it",
    ExclusionCode.SANDBOX: "test orders and test nodes stay among themselves",
}
