"""Rules about print licences."""

from collections.abc import Sequence

from fabroute.cli.invariants.rule import LIVE_JOB, Invariant

RULES: Sequence[Invariant] = (
    Invariant(
        name="a licence holds what its leases hold",
        query="SELECT l.id, l.leased_prints, coalesce(sum(s.prints - s.good_prints), 0) FROM print_licences l"
        " LEFT JOIN print_licence_leases s ON s.licence_id = l.id AND s.released_at IS NULL"
        " GROUP BY l.id HAVING l.leased_prints <> coalesce(sum(s.prints - s.good_prints), 0)",
        advice="licence and leases disagree: revoke the licence, grant what is left anew, and report it",
    ),
    Invariant(
        name="a licence counts the good prints of its jobs",
        query="SELECT l.id, l.good_prints, coalesce(sum(s.good_prints), 0) FROM print_licences l"
        " LEFT JOIN print_licence_leases s ON s.licence_id = l.id"
        " GROUP BY l.id HAVING l.good_prints <> coalesce(sum(s.good_prints), 0)",
        advice="licence and prints disagree: revoke the licence, grant what is left anew, and report it",
    ),
    Invariant(
        name="no licence gives more than it grants",
        query="SELECT id, good_prints, leased_prints, granted_prints FROM print_licences WHERE good_prints < 0"
        " OR leased_prints < 0 OR good_prints + leased_prints > granted_prints",
        advice="more may be printed than was granted: the CHECK is gone; run fabroute migrate and report it",
    ),
    Invariant(
        name="a live job holds the licensed prints that it needs",
        query="SELECT j.id, j.quantity, s.prints, r.licence_required FROM jobs j"
        " JOIN part_revisions r ON r.id = j.revision_id"
        " LEFT JOIN print_licence_leases s ON s.job_id = j.id AND s.released_at IS NULL"
        f" WHERE j.{LIVE_JOB} AND (r.licence_required <> (s.job_id IS NOT NULL) OR s.prints <> j.quantity)",
        advice="the job may not be printed as it stands: cancel the order and place it again",
    ),
    Invariant(
        name="only live jobs hold licensed prints",
        query="SELECT s.job_id, s.licence_id FROM print_licence_leases s WHERE s.released_at IS NULL"
        f" AND NOT EXISTS (SELECT FROM jobs j WHERE j.id = s.job_id AND j.{LIVE_JOB})",
        advice="an ended job still holds prints of a licence: give them back and report it",
    ),
    Invariant(
        name="a revision that is not printed any more has no active licence",
        query="SELECT l.id, r.state FROM print_licences l JOIN part_revisions r ON r.id = l.revision_id"
        " WHERE l.state = 'active' AND r.state IN ('superseded', 'withdrawn')",
        advice="the licence should be frozen: revoke it",
    ),
)
