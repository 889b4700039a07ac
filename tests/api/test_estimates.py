"""Estimates over HTTP: what a part takes on each machine, how that is learnt and stated, and what stands behind it."""

import math
from collections.abc import Iterator
from typing import Any

import pytest

from fabroute.kernel.time import utc_now
from fabroute.network.service import save_network
from tests.factories.api import Api
from tests.factories.api_builds import a_fetched_job, days_ago, estimated, learn, stated, timed
from tests.factories.api_jobs import JobWorld, a_job_world
from tests.factories.databases import in_transaction, rows
from tests.factories.network import a_machine, a_material, a_model, a_network, a_node, an_offer
from tests.factories.orders import given_part, given_revision
from tests.factories.problems import Refusal, refusal_of

BED_HOURS = 0.5 + 1 + 4750 * 6.2 / 3600 + 1
"""Set-up, warm-up, 4,750 layers of 6.2 s, unloading: 640.83 minutes of the machine."""
COPIES = 108
"""Of 86 x 58 x 54 mm with gaps of 5 mm in 380 x 284 x 380 mm less 3 mm on each side, as nested as a tenth allows."""
NEW_YEAR, TODAY = "2026-01-01", utc_now().date().isoformat()
VIRGIN_GRAMS = 0.2 * (24.5 * 1.01 + (380 * 284 * 380 / 1000 / COPIES - 24.5) * 0.425)
"""Of one part: a fifth of all powder in its share of the bed is new; more than the part itself takes."""


def price_by_hand(quantity: int, *, machine_minor: int = 4500, material_minor: int = 6000, labour: int = 4600) -> int:
    """Return the price in cents, from the formula of the domain: a share of a bed, 97 % yield, a quarter of margin."""
    beds = quantity / COPIES
    hours = beds * BED_HOURS
    repeating = (
        hours * machine_minor
        + hours * 0.03 * labour
        + beds * 1.5 * labour
        + beds * 1500
        + quantity * VIRGIN_GRAMS / 1000 * material_minor
        + quantity * (0.03 + 0.01) * labour
    )
    cost = 0.25 * labour + repeating / 0.97
    return math.floor(cost * 1.25 + 0.5)


@pytest.fixture
def world(api: Api) -> Iterator[JobWorld]:
    with a_job_world(api) as made:
        yield made


@pytest.fixture(scope="module")
def lasting(standing_api: Api) -> Iterator[JobWorld]:
    """A world that its tests leave as it is: a second node in France, a small machine, a set that is not qualified."""
    with a_job_world(standing_api) as made:
        more = a_network(
            nodes=(
                a_node(node_id="N102", organisation_id="org_rival", country="FR", city="Lyon", labour_minor_per_hour=1),
            ),
            models=(a_model(), a_model(model="Small", box_mm=(80, 80, 80))),
            materials=(a_material(), a_material(code="PP-MJF")),
            machines=(
                a_machine(machine_id="N102-A", node_id="N102"),
                a_machine(machine_id="N102-B", node_id="N102", model="Small"),
            ),
            offers=(
                an_offer(machine_id="N102-A"),
                an_offer(machine_id="N102-A", parameter_set="PS-9", parameter_set_state="development"),
                an_offer(machine_id="N102-A", material="PP-MJF"),
                an_offer(machine_id="N102-B"),
            ),
            lots=(),
        )
        in_transaction(standing_api.engine, lambda session: save_network(session, data=more))
        yield made


def only(answer: Any) -> Any:
    """Return the one estimate of an answer."""
    assert answer.status_code == 200, answer.text
    (found,) = answer.json()["estimates"]
    return found


def figure(estimate: Any, code: str) -> tuple[float, str, str]:
    """Return value, mark and source of a constant behind an estimate."""
    (found,) = (it for it in estimate["figures"] if it["code"] == code)
    return found["value"], found["mark"], found["source"]


# ---------------------------------------------------------------- what it says


def test_an_estimate_is_that_of_the_formula(lasting: JobWorld) -> None:
    found = only(estimated(lasting.owner, node_id="N101", quantity=50))

    assert found["price"] == {"amount_minor": price_by_hand(50), "currency": "EUR"}
    assert found["unit_price"]["amount_minor"] == round(price_by_hand(50) / 50)
    assert sum(row["amount_minor"] for row in found["breakdown"]) == found["price"]["amount_minor"]
    assert (found["parts_per_build"], found["builds"]) == (COPIES, 1)
    assert (found["build_minutes_p50"], found["build_minutes_p90"]) == (641, 802)
    assert found["machine_minutes_p50"] == math.ceil(50 / COPIES * BED_HOURS / 0.97 * 60)
    assert found["material_grams"] == math.ceil(50 * VIRGIN_GRAMS / 0.97)
    assert found["net_grams"] == math.ceil(50 * 24.5 * 1.01)
    assert found["learnt_from"] is None


def test_every_constant_says_how_far_it_is_known(lasting: JobWorld) -> None:
    found = only(estimated(lasting.owner, node_id="N101"))

    assert figure(found, "layer_fixed_s") == (6.2, "vendor", "HP MJF 5200: V")
    assert figure(found, "time_factor_p50") == (1.0, "assumption", "before any build was timed")
    assert figure(found, "time_factor_p90")[:2] == (1.25, "assumption")
    assert figure(found, "nesting_density")[:2] == (0.1, "assumption")
    assert figure(found, "grid_g_per_kwh") == (380.9, "stated", "the node's own supply")
    assert {it["mark"] for it in found["figures"]} == {"stated", "vendor", "assumption"}
    assert all(it["unit"] and it["source"] for it in found["figures"])


def test_without_a_node_all_machines_are_told_cheapest_first(lasting: JobWorld) -> None:
    answer = estimated(lasting.owner, quantity=50).json()

    found = [(it["node_id"], it["machine_id"], it["material"]) for it in answer["estimates"]]
    prices = [it["price"]["amount_minor"] for it in answer["estimates"]]
    assert found == [("N102", "N102-A", "PA12-MJF"), ("N101", "N101-A", "PA12-MJF")]
    assert prices == [price_by_hand(50, labour=1), price_by_hand(50)]
    assert (answer["able"], answer["part"], answer["revision"], answer["revision_state"]) == (
        2,
        "RL-0001",
        "A",
        "released",
    )


def test_those_that_can_not_say_why_the_nearest_first(lasting: JobWorld) -> None:
    answer = estimated(lasting.owner, node_id="N102").json()

    told = {
        (it["machine_id"], it["material"], it["parameter_set"]): [(r["code"], r["message"]) for r in it["reasons"]]
        for it in answer["exclusions"]
    }
    assert told == {
        ("N102-A", "PA12-MJF", "PS-9"): [
            ("NO_PARAMETER_SET", "parameter set PS-9 is in development, not qualified"),
        ],
        ("N102-B", "PA12-MJF", "PS-1"): [
            ("BUILD_VOLUME", "needs 86 mm, has 74 mm of 80 × 80 × 80 less margins"),
        ],
        ("N102-A", "PP-MJF", "PS-1"): [("PROCESS_MATERIAL", "prints MJF:PP-MJF, the part allows MJF:PA12-MJF")],
    }
    assert answer["exclusions"][-1]["material"] == "PP-MJF"
    assert (answer["able"], answer["unable"], answer["process_materials"]) == (1, 3, ["MJF:PA12-MJF"])


def test_what_is_down_is_not_estimated(world: JobWorld) -> None:
    in_transaction(world.api.engine, lambda it: rows(it, "UPDATE machines SET status = 'down' RETURNING id"))
    machine = estimated(world.owner).json()
    in_transaction(world.api.engine, lambda it: rows(it, "UPDATE nodes SET status = 'down' RETURNING id"))
    node = estimated(world.owner).json()

    assert (machine["estimates"], node["estimates"]) == ([], [])
    assert [reason["code"] for reason in machine["exclusions"][0]["reasons"]] == ["NODE_DOWN"]
    assert [reason["code"] for reason in node["exclusions"][0]["reasons"]] == ["NODE_DOWN", "NODE_DOWN"]


def test_only_the_asked_machine_is_told_of_and_a_limit_cuts(lasting: JobWorld) -> None:
    one = estimated(lasting.owner, machine_id="N101-A").json()
    cut = estimated(lasting.owner, limit=1).json()

    assert ([it["machine_id"] for it in one["estimates"]], one["able"], one["unable"]) == (["N101-A"], 1, 0)
    assert (len(cut["estimates"]), len(cut["exclusions"])) == (1, 1)
    assert (cut["able"], cut["unable"]) == (2, 3)


def test_a_draft_is_estimated_as_soon_as_it_has_a_size_and_by_another_number_too(world: JobWorld) -> None:
    owner = world.api.owner
    given_revision(world.api.engine, part_id=owner.part_id, revision="B", state="draft")
    draft = estimated(world.owner, revision="B").json()
    world.owner.post("/v1/parts/RL-0001/aliases", json={"kind": "old", "number": "OLD-1"})
    by_alias = estimated(world.owner, part="OLD-1").json()

    assert (draft["revision"], draft["revision_state"], draft["able"]) == ("B", "draft", 1)
    assert (by_alias["part"], by_alias["revision"]) == ("RL-0001", "A")
    assert (draft["warning"], by_alias["warning"]) == (None, None)


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"part": "XX-1"}, Refusal(status=422, code="unknown_part", pointers=("/part",))),
        ({"revision": "Z"}, Refusal(status=422, code="unknown_revision", pointers=("/revision",))),
        ({"node_id": "N999"}, Refusal(status=404, code="unknown_node")),
        ({"machine_id": "N999-A"}, Refusal(status=422, code="unknown_machine", pointers=("/machine_id",))),
        (
            {"node_id": "N102", "machine_id": "N101-A"},
            Refusal(status=422, code="unknown_machine", pointers=("/machine_id",)),
        ),
        ({"quantity": 0}, Refusal(status=422, code="quantity_out_of_range", pointers=("/quantity",))),
        ({"quantity": 100_001}, Refusal(status=422, code="quantity_out_of_range", pointers=("/quantity",))),
        ({"limit": 0}, Refusal(status=422, code="validation_failed", pointers=("/limit",))),
        ({"material": "PA12"}, Refusal(status=422, code="validation_failed", pointers=("/material",))),
    ],
)
def test_a_question_that_has_no_answer_is_refused(
    lasting: JobWorld, change: dict[str, object], refusal: Refusal
) -> None:
    answer = estimated(lasting.owner, **change)

    assert refusal_of(answer) == refusal
    assert answer.json()["detail"]


def test_a_part_without_a_revision_or_a_size_has_no_estimate(lasting: JobWorld) -> None:
    organisation_id = lasting.api.owner.organisation_id
    given_part(lasting.api.engine, organisation_id=organisation_id, part_no="NEW-1")
    bare = {"revision": "A", "process_materials": ["MJF:PA12-MJF"]}
    none_yet = estimated(lasting.owner, part="NEW-1")
    created = lasting.owner.post("/v1/parts/NEW-1/revisions", json=bare)
    unmeasured = estimated(lasting.owner, part="NEW-1")

    assert refusal_of(none_yet) == Refusal(status=422, code="unknown_revision", pointers=("/revision",))
    assert created.status_code == 201, created.text
    assert refusal_of(unmeasured) == Refusal(status=409, code="revision_not_measured")


def test_a_bureau_sees_nobody_s_parts_and_no_rival_s_nodes(lasting: JobWorld) -> None:
    given_part(lasting.api.engine, organisation_id="org_rival", part_no="RV-1")
    given_revision(lasting.api.engine, part_id="part_org_rival_RV-1", revision="A")
    own = estimated(lasting.rival, part="RV-1").json()

    for client in (lasting.stranger, lasting.bureau, lasting.operator):
        assert refusal_of(estimated(client)).code == "unknown_part"
    assert {it["node_id"] for it in own["estimates"]} == {"N102"}
    assert refusal_of(estimated(lasting.rival, part="RV-1", node_id="N101")) == Refusal(status=404, code="unknown_node")
    assert refusal_of(estimated(lasting.rival, part="RV-1", machine_id="N101-A")).code == "unknown_machine"


# ---------------------------------------------------------------- what it learns


def test_ten_builds_that_took_a_third_longer_move_the_estimate_towards_them(world: JobWorld) -> None:
    """After n builds of ratio r the median is the old one times r^(n/(n+4)): the data sheet is worth four builds."""
    job = a_fetched_job(world, quantity=10)
    before = only(estimated(world.owner))
    spreads, medians = [], []
    for number in range(1, 11):
        assert (
            timed(world.bureau, job, number=number, machine_minutes=833, finished_at=days_ago(20 - number)).status_code
            == 201
        )
        assert learn(world) == 1
        after = only(estimated(world.owner))
        medians.append(after["build_minutes_p50"])
        spreads.append(after["build_minutes_p90"] / after["build_minutes_p50"])

    real = 833 / 641
    assert before["build_minutes_p50"] == 641
    assert medians == [math.ceil(BED_HOURS * 60 * real ** (n / (n + 4))) for n in range(1, 11)]
    assert medians[-1] / before["build_minutes_p50"] == pytest.approx(1.206, abs=0.002)
    assert before["build_minutes_p90"] / before["build_minutes_p50"] == pytest.approx(1.25, abs=0.002)
    assert spreads[-1] < 1.25 < spreads[0]
    assert spreads[2:] == sorted(spreads[2:], reverse=True)


def test_what_was_measured_is_marked_so_and_counted(world: JobWorld) -> None:
    job = a_fetched_job(world, quantity=10)
    for day in (3, 2):
        timed(world.bureau, job, machine_minutes=833, finished_at=days_ago(day))
    for number, result in enumerate(("good", "good", "failed"), start=1):
        world.bureau.post(f"{job}/prints", json={"number": number, "result": result})
    learn(world)
    found = only(estimated(world.owner))

    value, mark, source = figure(found, "time_factor_p50")
    assert (mark, source) == ("measured", "learnt from 2 builds")
    assert value == pytest.approx((833 / 641) ** (2 / 6), rel=1e-12)
    value, mark, source = figure(found, "first_pass_yield")
    assert (mark, source) == ("measured", "learnt from 3 prints, with the node's own 0.97 worth 20")
    assert value == pytest.approx((20 * 0.97 + 2) / 23, rel=1e-12)
    learnt = found["learnt_from"]
    assert (learnt["builds"], learnt["good_prints"], learnt["failed_prints"]) == (2, 2, 1)


def test_what_a_machine_learnt_is_not_known_of_others(world: JobWorld) -> None:
    twin = a_network(
        machines=(a_machine(machine_id="N101-B"),),
        offers=(an_offer(machine_id="N101-B"), an_offer(parameter_set="PS-2")),
        lots=(),
    )
    in_transaction(world.api.engine, lambda session: save_network(session, data=twin))
    timed(world.bureau, a_fetched_job(world, quantity=10), machine_minutes=900)
    learn(world)
    found = estimated(world.owner).json()["estimates"]

    minutes = {(it["machine_id"], it["parameter_set"]): it["build_minutes_p50"] for it in found}
    assert minutes["N101-A", "PS-1"] == math.ceil(BED_HOURS * 60 * (900 / 641) ** (1 / 5))
    assert (minutes["N101-A", "PS-2"], minutes["N101-B", "PS-1"]) == (641, 641)


# ---------------------------------------------------------------- what is stated


def test_a_stated_rate_replaces_the_assumption_to_the_cent(world: JobWorld) -> None:
    before = only(estimated(world.owner, quantity=80))
    stated(world.bureau, subject="N101-A")
    machine = only(estimated(world.owner, quantity=80))
    stated(world.bureau, code="material_kg", amount={"amount_minor": 4550, "currency": "EUR"})
    stated(world.bureau, code="labour_hour", amount={"amount_minor": 5200, "currency": "EUR"})
    all_three = only(estimated(world.owner, quantity=80))

    assert before["price"]["amount_minor"] == price_by_hand(80)
    assert machine["price"]["amount_minor"] == price_by_hand(80, machine_minor=3000)
    stated_rates = price_by_hand(80, machine_minor=3000, material_minor=4550, labour=5200)
    assert all_three["price"]["amount_minor"] == stated_rates
    assert figure(before, "rate_minor_per_hour")[:2] == (4500, "vendor")
    assert figure(machine, "rate_minor_per_hour")[:2] == (3000, "stated")
    assert figure(all_three, "price_minor_per_kg")[:2] == (4550, "stated")
    assert before["build_minutes_p50"] == all_three["build_minutes_p50"]


def test_a_rate_of_next_year_does_not_count_yet_and_the_newest_does(world: JobWorld) -> None:
    for day, cents in ((NEW_YEAR, 4000), (TODAY, 3500), ("2034-01-01", 100)):
        stated(world.bureau, valid_from=day, amount={"amount_minor": cents, "currency": "EUR"})
    found = only(estimated(world.owner, quantity=80))

    assert figure(found, "rate_minor_per_hour")[0] == 3500
    assert found["price"]["amount_minor"] == price_by_hand(80, machine_minor=3500)


def test_a_node_without_a_supply_of_its_own_has_its_country_s_grid(world: JobWorld) -> None:
    before = only(estimated(world.owner, quantity=80))
    in_transaction(world.api.engine, lambda it: rows(it, "UPDATE nodes SET grid_g_co2_per_kwh = NULL RETURNING id"))
    assumed = only(estimated(world.owner, quantity=80))
    row = "INSERT INTO grid_intensities VALUES ('DE', '2026-01-01', '2099-12-31', 300, 'V: agency 2026') RETURNING 1"
    in_transaction(world.api.engine, lambda it: rows(it, row))
    known = only(estimated(world.owner, quantity=80))

    assert figure(assumed, "grid_g_per_kwh")[:2] == (475.0, "assumption")
    assert figure(known, "grid_g_per_kwh") == (300.0, "vendor", "V: agency 2026")
    per_gram = before["energy_wh"] / 1000
    assert assumed["co2e_g"] - known["co2e_g"] == pytest.approx(175 * per_gram, abs=1.5)
    assert before["co2e_g"] - known["co2e_g"] == pytest.approx(80.9 * per_gram, abs=1.5)


# ---------------------------------------------------------------- all constants


def test_every_constant_is_listed_best_known_first_in_pages(lasting: JobWorld) -> None:
    found: list[Any] = []
    answer = lasting.owner.get("/v1/constants?limit=50")
    while True:
        found += answer.json()["data"]
        if not answer.json()["has_more"]:
            break
        answer = lasting.owner.get(answer.links["next"]["url"])

    marks = ["measured", "stated", "vendor", "second-hand", "memory", "assumption"]
    ranks = [marks.index(it["mark"]) for it in found]
    assert ranks == sorted(ranks)
    assert len({(it["subject"], it["code"]) for it in found}) == len(found) > 50
    by_name = {(it["subject"], it["code"]): it for it in found}
    assert by_name["HP MJF 5200", "layer_fixed_s"]["value"] == 6.2
    assert by_name["PP-MJF", "density_g_per_cm3"]["mark"] == "vendor"
    assert by_name["SLS", "efficiency"]["mark"] == "assumption"
    assert all(it["unit"] and it["source"] for it in found)


def test_the_constants_of_one_mark_are_listed_alone(lasting: JobWorld) -> None:
    vendor = lasting.owner.get("/v1/constants?mark=vendor&limit=200").json()
    measured = lasting.owner.get("/v1/constants?mark=measured").json()

    assert {it["mark"] for it in vendor["data"]} == {"vendor"}
    assert {"HP MJF 5200", "Small", "PA12-MJF", "PP-MJF"} <= {it["subject"] for it in vendor["data"]}
    assert measured == {"data": [], "has_more": False, "next_cursor": None}
    assert refusal_of(lasting.owner.get("/v1/constants?mark=guess")).code == "validation_failed"
