"""`puente load`: put plan files into the plan that is in force."""

from dataclasses import replace
from pathlib import Path

import click

from puente import plandocument, planfile, settings, statedir
from puente.plandocument import PlanDocument, union
from puente.store import plans
from puente.store.connection import connect


@click.command(epilog="Example: puente load plan.json yards.geojson loads.csv --dry-run")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False))
@click.option("--replace", "whole", is_flag=True, help="Drop what these files do not name.")
@click.option("--dry-run", is_flag=True, help="Check and count, change nothing.")
@click.option("--state-dir", type=click.Path(file_okay=False), help="Folder of the running stack.")
def load(files: tuple[str, ...], whole: bool, dry_run: bool, state_dir: str | None) -> None:
    """Load plan files (JSON, GeoJSON, shipments as CSV) into the running Puente.

    An item that is loaded again replaces the one with its id; what the files do not name stays.
    Redis is found by REDIS_URL, or by the state folder of a running 'puente up'.

    CSV: one shipment a row, columns named as in the plan file, ends as origin_lat, origin_lon,
    origin_name, origin_radius_m and destination_..., devices as 'TRK-1:trailer; SEAL-1:seal'.
    """
    newer = planfile.read_files(files)
    found = settings.load()
    if state_dir is not None:
        found = replace(found, state_dir=Path(state_dir))
    found = statedir.find_servers(found)
    if not found.redis_url:
        if not dry_run:
            raise click.ClickException(
                f"no running Puente found in {found.state_dir}; start 'puente up' or set REDIS_URL"
            )
        planfile.check(newer)
        _summarise(newer, PlanDocument(), whole, "checked alone, no running Puente")
        return
    store = connect(found.redis_url)
    try:
        base = plans.load_document(store) or PlanDocument()
        merged = planfile.merge(base, newer, whole)
        if dry_run:
            _summarise(newer, base, whole, "checked, nothing changed")
        else:
            version = plans.save_plan(store, merged, found.clock.now())
            _summarise(newer, base, whole, f"version {version} is in force")
    finally:
        store.close()


def _summarise(newer: PlanDocument, base: PlanDocument, whole: bool, outcome: str) -> None:
    for name in ("shipments", "geofences", "routes", "profiles"):
        loaded, before = getattr(newer, name), getattr(base, name)
        if not loaded and not before:
            continue
        new, same = loaded.keys() - before.keys(), loaded.keys() & before.keys()
        changed = [key for key in same if loaded[key] != before[key]]
        missing = before.keys() - loaded.keys()
        stay = f"{len(missing)} {'dropped' if whole else 'stay'}"
        click.echo(
            f"{name:10} {len(new)} new, {len(changed)} changed, "
            f"{len(same) - len(changed)} unchanged, {stay}"
        )
    if newer.ignored:
        fields = ", ".join(f"{name} ({n})" for name, n in sorted(newer.ignored.items()))
        click.echo(f"ignored    unknown fields: {fields}")
    for warning in plandocument.warnings(union(base, newer) if not whole else newer):
        click.echo(f"warning    {warning}", err=True)
    click.echo(f"plan       {outcome}")
