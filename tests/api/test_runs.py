from fabroute.database import unit_of_work
from fabroute.identity.rules import ALL_SCOPES
from fabroute.identity.service import create_organisation, issue_api_key
from tests.factories.api import Api
from tests.factories.decisions import given_outcomes
from tests.factories.organisations import NOW
from tests.factories.problems import Refusal, refusal_of


def operator_token(api: Api) -> str:
    with unit_of_work(api.engine) as session:
        operator = create_organisation(session, name="Operator", kind="operator", now=NOW)
        return issue_api_key(session, organisation_id=operator, name="test", scopes=ALL_SCOPES, now=NOW).token


def test_the_operator_sees_the_joint_runs(api: Api) -> None:
    api.place()
    given_outcomes(api.engine)

    with api.as_(operator_token(api)) as operator:
        page = operator.get("/v1/routing-runs").json()

    (run,) = page["data"]
    assert (run["id"], run["planning_scope"], run["engine"], run["status"]) == ("run_1", "global", "cp-sat", "optimal")
    assert (run["cost_millis"], run["bound_millis"], run["gap"]) == (0, 0, 0.0)
    assert page["has_more"] is False


def test_nobody_else_does(api: Api) -> None:
    assert refusal_of(api.client.get("/v1/routing-runs")) == Refusal(status=403, code="operator_only")
