/* What lies around the trucks: the plan's geofences below them, in muted colours by what kind of
   place they are, and beside a truck without news how old its mark is. */
(function () {
  "use strict";
  const Puente = window.Puente;
  const SOURCE = "puente-fences", FILL = "puente-fences-fill", LINE = "puente-fences-line";
  const GROUPS = ["border", "risk", "safe", "other"];
  let version = null;
  let shown = true;

  function colors() {
    return ["match", ["get", "group"], ...GROUPS.flatMap((g) => [g, Puente.color("fence-" + g)]), "#888888"];
  }

  Puente.ensureFences = function (map, before) {
    const plan = Puente.status ? Puente.status.plan : 0;
    const url = "/map/fences.json?plan=" + plan;
    const source = map.getSource(SOURCE);
    if (!source) {
      map.addSource(SOURCE, { type: "geojson", data: url });
      version = plan;
    } else if (version !== plan) {
      source.setData(url);
      version = plan;
    }
    const visibility = shown ? "visible" : "none";
    if (!map.getLayer(FILL)) {
      map.addLayer(
        { id: FILL, type: "fill", source: SOURCE, layout: { visibility }, paint: { "fill-color": colors(), "fill-opacity": 0.13 } },
        before,
      );
    }
    if (!map.getLayer(LINE)) {
      map.addLayer(
        {
          id: LINE, type: "line", source: SOURCE, layout: { visibility },
          paint: { "line-color": colors(), "line-width": ["interpolate", ["linear"], ["zoom"], 4, 0.7, 10, 1.8], "line-opacity": 0.75 },
        },
        before,
      );
    }
  };

  /* ---- ages beside hollow marks ---- */
  const AGES = "puente-ages", STALE = 1, MOST = 300;
  let agedAt = 0;

  function stale() {
    const fleet = Puente.fleet, features = [];
    for (let i = 0; i < fleet.n && features.length < MOST; i++) {
      if (!(fleet.flags[i] & STALE) || fleet.state[i] > 7 || fleet.lat[i] !== fleet.lat[i]) continue;
      if (Puente.filters.hidden.has(Puente.STATE_KEYS[fleet.state[i]])) continue;
      const words = fleet.age[i] === 65535 ? "over 18 h" : Puente.age(fleet.age[i]);
      features.push({ type: "Feature", geometry: { type: "Point", coordinates: [fleet.lon[i], fleet.lat[i]] }, properties: { words } });
    }
    return { type: "FeatureCollection", features };
  }

  Puente.ensureAges = function (map) {
    const source = map.getSource(AGES);
    if (!source) map.addSource(AGES, { type: "geojson", data: stale() });
    else if (performance.now() - agedAt > 5000) source.setData(stale());
    else if (map.getLayer(AGES)) return;
    agedAt = performance.now();
    if (!map.getLayer(AGES)) {
      map.addLayer({
        id: AGES, type: "symbol", source: AGES, minzoom: 6,
        layout: { "text-field": ["get", "words"], "text-font": ["Inter Medium"], "text-size": 11, "text-anchor": "left", "text-offset": [1, 0] },
        paint: { "text-color": Puente.color("state-silent"), "text-halo-color": Puente.color("ground"), "text-halo-width": 1.4 },
      });
    }
  };

  Puente.toggleFences = function (map) {
    shown = !shown;
    for (const id of [FILL, LINE]) map.setLayoutProperty(id, "visibility", shown ? "visible" : "none");
    return shown;
  };

  /* The smallest fence under a point, for the hover card. */
  Puente.fenceAt = function (map, point) {
    if (!shown || !map.getLayer(FILL)) return null;
    const found = map.queryRenderedFeatures(point, { layers: [FILL] });
    return found.length ? found[found.length - 1].properties : null;
  };
})();
