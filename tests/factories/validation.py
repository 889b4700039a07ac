"""Reports of validations, for tests of what shows or keeps them."""

from fabroute.inventory.ports import Finding, Measures, Printability, Severity, ValidationReport


def a_finding(
    *, code: str = "THIN_WALL", severity: Severity = "warning", message: str = "", where: str = ""
) -> Finding:
    """Return a finding that says what its code says."""
    return Finding(
        code=code, severity=severity, message=message or f"This is {code}.", advice=f"Mend {code}.", where=where
    )


def some_measures(*, unit: str = "millimeter", thinnest_wall_mm: float | None = 1.25) -> Measures:
    """Return the measures of a small bracket."""
    return Measures(
        unit=unit,
        box_mm=(29.3, 8.3, 2190.0),
        volume_cm3=2.6222,
        area_cm2=21.4,
        triangles=1_044,
        vertices=524,
        bodies=1,
        thinnest_wall_mm=thinnest_wall_mm,
        shape=(1.0, 2.0),
    )


def a_report(
    *,
    findings: tuple[Finding, ...] = (),
    measures: Measures | None = None,
    printability: tuple[Printability, ...] = (),
    valid: bool = True,
) -> ValidationReport:
    """Return a report about a file of 2 KiB."""
    return ValidationReport(
        format="3mf",
        source_sha256="ab" * 32,
        size_bytes=2048,
        findings=findings,
        measures=measures,
        printability=printability,
        canonical_sha256="cd" * 32 if valid else None,
        readers=("lib3mf 2.5.0",) if measures else (),
        cpu_ms=1_234,
        peak_kib=70 * 1024,
    )
