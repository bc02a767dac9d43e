"""The plan as detectors see it: who is bound when, which fences are near, how wide the road is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from puente.model import Role
from puente.plan import (
    LAWFUL_STOPS,
    Binding,
    FenceClass,
    Geofence,
    Place,
    Plan,
    Shipment,
    own_fences,
)
from tests.ingest.builders import AT, DEVICE, HOME, SHIPMENT, circle, place, plan_of, road, view_of


def bound(from_at: int | None, to_at: int | None) -> Binding:
    return Binding(DEVICE, SHIPMENT, Role.TRAILER, from_at, to_at)


@pytest.mark.parametrize(
    ("from_at", "to_at", "at", "holds"),
    [
        pytest.param(None, None, AT, True, id="unbounded"),
        pytest.param(AT, None, AT, True, id="from is included"),
        pytest.param(AT, None, AT - 1, False, id="before from"),
        pytest.param(None, AT, AT, False, id="to is excluded"),
        pytest.param(None, AT, AT - 1, True, id="before to"),
    ],
)
def test_a_binding_is_half_open(
    from_at: int | None, to_at: int | None, at: int, holds: bool
) -> None:
    assert bound(from_at, to_at).holds(at) is holds
    plan = plan_of(bindings=(bound(from_at, to_at),))
    assert (plan.bind(DEVICE, at) is not None) is holds
    view = plan.view(SHIPMENT)
    assert view is not None
    assert (view.role_of(DEVICE, at) is Role.TRAILER) is holds


periods = st.tuples(
    st.one_of(st.none(), st.integers(0, 10)), st.one_of(st.none(), st.integers(0, 10))
).filter(lambda p: p[0] is None or p[1] is None or p[0] < p[1])


@given(periods, periods)
def test_bindings_overlap_when_they_share_an_instant(
    one: tuple[int | None, int | None], two: tuple[int | None, int | None]
) -> None:
    a, b = bound(*one), bound(*two)
    shared = any(a.holds(at) and b.holds(at) for at in range(-5, 20))
    assert a.overlaps(b) is shared
    assert b.overlaps(a) is shared


def test_a_device_changes_shipment_at_the_instant_its_binding_says() -> None:
    first = Shipment(id="A", devices=(Binding(DEVICE, "A", Role.SEAL, None, AT),))
    second = Shipment(id="B", devices=(Binding(DEVICE, "B", Role.TRAILER, AT, AT + 10),))
    plan = Plan(shipments={"B": second, "A": first})
    found = [plan.bind(DEVICE, at) for at in (AT - 1, AT, AT + 9, AT + 10)]
    assert [b and b.shipment_id for b in found] == ["A", "B", "B", None]
    assert [b.shipment_id for b in plan.bindings_of(DEVICE)] == ["A", "B"]
    assert plan.bindings_of("nobody") == ()
    assert plan.bind("nobody", AT) is None
    assert plan.view("nobody") is None


@pytest.mark.parametrize(
    ("route_m", "shipment_m", "expected"),
    [
        pytest.param(400.0, 700.0, 400.0, id="the route's width"),
        pytest.param(None, 700.0, 700.0, id="else the shipment's"),
        pytest.param(None, None, 1000.0, id="else 1000 m"),
    ],
)
def test_the_corridor_is_the_routes_else_the_shipments_else_1000(
    route_m: float | None, shipment_m: float | None, expected: float
) -> None:
    view = view_of(route=road(corridor_m=route_m), corridor_m=shipment_m)
    assert view.corridor_m == expected


def test_origin_and_destination_act_as_fences() -> None:
    shipment = Shipment(
        id="S", origin=Place(25.0, -100.0, "Plant"), destination=Place(27.0, -99.0)
    )
    origin, destination = own_fences(shipment)
    assert (origin.id, origin.fence_class, origin.name) == ("S:origin", FenceClass.ORIGIN, "Plant")
    assert (destination.id, destination.fence_class) == ("S:destination", FenceClass.DEST)
    assert origin.shape.depth_m((25.0, -100.0)) == 500.0


def test_classes_are_those_of_the_fences_in_force_that_hold_the_point() -> None:
    view = view_of(
        circle("a", 0, 500, FenceClass.YARD),
        circle("b", 0, 500, FenceClass.HOT, schedule="Wed 12:00-13:00"),
        circle("c", 0, 500, FenceClass.NO_GO, schedule="Wed 13:00-14:00"),
        circle("d", 5_000, 500, FenceClass.CBP),
        origin=Place(*HOME),
    )
    assert view.classes_at(place(100), AT) == {"YARD", "HOT", "ORIGIN"}
    assert view.classes_at(place(501), AT) == set()


def test_a_fence_is_near_as_far_as_its_own_exit_margin_reaches() -> None:
    wide = circle("wide", 0, 500, exit_m=2_000.0)
    near = circle("near", 0, 500)
    view = view_of(wide, near)
    assert {f.id for f in view.fences_near(place(600))} == {"wide", "near"}
    assert {f.id for f in view.fences_near(place(2_400))} == {"wide"}
    assert view.fences_near(place(5_000)) == []
    assert {f.id for f in view.fences_between(place(-9_000), place(9_000))} == {"wide", "near"}


def test_a_fence_is_found_by_id_among_shared_and_own_ones() -> None:
    view = view_of(circle("yard"), origin=Place(*HOME))
    assert [f and f.id for f in map(view.fence, ("yard", f"{SHIPMENT}:origin", "none"))] == [
        "yard",
        f"{SHIPMENT}:origin",
        None,
    ]


@pytest.mark.parametrize(
    ("rule", "plain"),
    [
        ({"confirm_fixes": 1, "enter_m": 0.0, "exit_m": 0.0}, True),
        ({"confirm_fixes": 2, "enter_m": 0.0, "exit_m": 0.0}, False),
        ({"confirm_fixes": 1, "enter_m": 0.0}, False),
        ({"confirm_fixes": 1, "exit_m": 0.0}, False),
        ({}, False),
    ],
)
def test_the_plain_rule_is_one_fix_and_no_margins(rule: dict[str, float], plain: bool) -> None:
    fence: Geofence = circle("f", **rule)
    assert fence.plain is plain


def test_hot_and_forbidden_places_are_no_lawful_stops() -> None:
    assert set(FenceClass) - LAWFUL_STOPS == {
        FenceClass.HOT,
        FenceClass.NO_GO,
        FenceClass.DEADZONE,
        FenceClass.CUSTOM,
    }
