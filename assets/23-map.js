/* Brings the live channel and plotly's map together: layers, pointing, selecting, the camera. */
(function () {
  "use strict";
  const Puente = window.Puente;
  const BEFORE = "city"; // trucks are drawn below the names of cities
  const PICK_PX = 14, HOME = [[-117.5, 18.5], [-93, 33.5]]; // the corridors, while no truck is known
  const layer = (Puente.fleetLayer = new Puente.FleetLayer());
  const known = new WeakSet(); // maps that have our listeners
  let hovered = null;
  let pendingCenter = false;

  function hides(slot) {
    const text = Puente.filters.text.trim().toLowerCase();
    if (!text) return false;
    const vehicle = Puente.vehicles[slot];
    return !vehicle || !vehicle.haystack.includes(text);
  }

  /* Put our layers onto the map if they are not there: at first, after a theme switch, and after
     the browser has taken the WebGL context away. Returns the map when it can be drawn on. */
  function ensure() {
    const map = Puente.map();
    if (!map || !map.style || !map.isStyleLoaded()) return null;
    const before = map.getLayer(BEFORE) ? BEFORE : undefined;
    if (!map.getLayer(layer.id)) {
      layer.readTheme();
      Puente.ensureFences(map, before);
      map.addLayer(layer, before);
    }
    Puente.ensureFences(map, layer.id);
    Puente.ensureAges(map);
    if (before) {
      // Traces of a selection are added directly below the names: trucks go above them again.
      const order = map.getLayersOrder();
      if (order[order.indexOf(before) - 1] !== layer.id) map.moveLayer(layer.id, before);
    }
    if (!known.has(map)) listen(map);
    return map;
  }

  function draw() {
    if (Puente.page() === "other" || !Puente.fleet) return;
    const map = ensure();
    layer.scale = Puente.page() === "wall" ? 1.1 : 1;
    layer.selected = Puente.selection.shipment === null ? -1 : (Puente.slotOf.get(Puente.selection.shipment) ?? -1);
    layer.shownStates = Puente.STATE_KEYS.reduce((mask, key, i) => (Puente.filters.hidden.has(key) ? mask : mask | (1 << i)), 0);
    layer.set(Puente.fleet, Puente.filters.text ? hides : null);
    if (!map) return;
    fitWall(map);
    if (pendingCenter) center();
    map.triggerRepaint();
  }

  function listen(map) {
    known.add(map);
    const canvas = map.getCanvas();
    let point = null, queued = false;
    const look = () => {
      queued = false;
      if (!point) return;
      const slot = layer.pick(point.lngLat.lng, point.lngLat.lat, PICK_PX);
      const vehicle = slot < 0 ? null : Puente.vehicles[slot];
      canvas.style.cursor = vehicle ? "pointer" : "";
      const fence = vehicle ? null : Puente.fenceAt(map, point.point);
      hover(vehicle ? vehicle.id : null, fence, point.point);
    };
    map.on("mousemove", (event) => {
      point = event;
      if (!queued) requestAnimationFrame(look);
      queued = true;
    });
    map.on("mouseout", () => {
      point = null;
      hover(null, null, null);
    });
    map.on("click", (event) => {
      if (Puente.page() !== "map") return;
      const slot = layer.pick(event.lngLat.lng, event.lngLat.lat, PICK_PX + 4);
      const vehicle = slot < 0 ? null : Puente.vehicles[slot];
      if (vehicle) Puente.select(vehicle.id, null);
      else Puente.select(null, null);
    });
    // A wall has nobody to move it: whatever changes its size, the fleet is in view again.
    map.on("resize", () => requestAnimationFrame(() => Puente.page() === "wall" && showFleet(map)));
    map.on("moveend", () => {
      const { lat, lng } = map.getCenter();
      Puente.moved({ lat, lon: lng, z: map.getZoom() });
    });
    // Our layers are gone with the old style or the old context; the next frame is a second away.
    for (const name of ["styledata", "idle", "webglcontextrestored"]) map.on(name, () => Puente.fleet && !map.getLayer(layer.id) && draw());
    // A custom layer is not restored with the context: drop what belonged to the old one.
    map.on("webglcontextlost", () => map.style && map.getLayer(layer.id) && map.removeLayer(layer.id));
  }

  function hover(subject, fence, at) {
    if (subject !== hovered) {
      hovered = subject;
      watch();
    }
    Puente.emit("hover", { subject, fence, at });
  }

  function watch() {
    Puente.watch([hovered, Puente.selection.shipment]);
  }

  /* ---- camera ---- */
  /* Show where the trucks are, without the few farthest ones. */
  function showFleet(map) {
    const fleet = Puente.fleet, lon = [], lat = [];
    for (let i = 0; fleet && i < fleet.n; i++) {
      if (fleet.state[i] > 7 || fleet.lat[i] !== fleet.lat[i]) continue;
      lon.push(fleet.lon[i]);
      lat.push(fleet.lat[i]);
    }
    let box = HOME;
    if (lon.length > 2) {
      const span = (values) => {
        values.sort((a, b) => a - b);
        return [values[Math.floor(values.length * 0.005)], values[Math.ceil(values.length * 0.995) - 1]];
      };
      const [west, east] = span(lon), [south, north] = span(lat);
      box = [[west, south], [east, north]];
    }
    const camera = map.cameraForBounds(box, { padding: 60, maxZoom: 10 });
    if (!camera) return;
    Puente.moveCamera(camera.center.lat, camera.center.lng, camera.zoom);
  }

  /* On the wall everything is larger and the fleet is always in view. */
  let fitted = null;
  function fitWall(map) {
    const wall = Puente.page() === "wall";
    const scale = wall ? (window.innerWidth / 1920) * 1.35 : 1;
    const wanted = wall ? scale + "/" + window.innerHeight + "/" + Math.floor(Date.now() / 600_000) : "map";
    if (fitted === wanted) return;
    if (fitted === null && !wall) {
      fitted = wanted;
      return;
    }
    fitted = wanted;
    document.documentElement.style.setProperty("--wall-scale", scale);
    // Plotly keeps sizes of its own: it measures first, then the map does.
    window.Plotly.Plots.resize(Puente.graph()).then(() => {
      map.resize();
      map.setPixelRatio(scale * devicePixelRatio);
      if (wall) showFleet(map);
    });
  }

  /* Centre on the selected truck, or on the alert's place while nothing is known of the truck. */
  function center() {
    const { shipment, alert } = Puente.selection;
    const fleet = Puente.fleet, map = Puente.map();
    if (!fleet || !map) return;
    const slot = Puente.slotOf.get(shipment);
    const raised = Puente.alerts.get(alert);
    let place = null;
    if (slot !== undefined && fleet.lat[slot] === fleet.lat[slot]) place = [fleet.lat[slot], fleet.lon[slot]];
    else if (raised && raised.lat !== null) place = [raised.lat, raised.lon];
    if (!place) return;
    pendingCenter = false;
    Puente.moveCamera(place[0], place[1], Math.max(map.getZoom(), 7.5));
  }
  Puente.centerOnSelection = function () {
    pendingCenter = true;
    center();
  };

  /* A link that names a truck but no map box shows the truck. */
  const query = new URLSearchParams(location.search);
  if ((query.has("shipment") || query.has("alert")) && !query.has("lat")) pendingCenter = true;

  /* ---- buttons ---- */
  const buttons = {
    "map-zoom-in": (map) => Puente.moveCamera(map.getCenter().lat, map.getCenter().lng, map.getZoom() + 1),
    "map-zoom-out": (map) => Puente.moveCamera(map.getCenter().lat, map.getCenter().lng, map.getZoom() - 1),
    "map-zoom-home": (map) => showFleet(map),
    "map-toggle-fences": (map, button) => button.setAttribute("aria-pressed", String(Puente.toggleFences(map))),
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest && event.target.closest("button");
    const map = button && buttons[button.id] && Puente.map();
    if (map) buttons[button.id](map, button);
  });

  /* ---- search ---- */
  document.addEventListener("input", (event) => {
    if (event.target.id !== "map-search") return;
    Puente.filters.text = event.target.value;
    Puente.emit("filters");
  });
  function searchField() {
    const field = document.getElementById("map-search");
    if (field && document.activeElement !== field && field.value !== Puente.filters.text) {
      // React keeps the value: set it the way a person's typing would.
      Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set.call(field, Puente.filters.text);
      field.dispatchEvent(new Event("input", { bubbles: true }));
    }
    const count = document.getElementById("map-search-count");
    if (!count) return;
    const text = Puente.filters.text.trim();
    const found = text ? Puente.vehicles.filter((v, slot) => v && !hides(slot)).length : 0;
    Puente.write(count, text ? (found ? Puente.number(found) + " found" : "none found") : "");
  }
  document.addEventListener("keydown", (event) => {
    if (Puente.page() !== "map") return;
    if (event.key === "Escape") {
      if (event.target.id === "map-search" && event.target.value) {
        Puente.filters.text = "";
        event.target.blur();
        Puente.emit("filters");
      } else Puente.select(null, null);
    } else if (event.key === "Enter" && event.target.id === "map-search") {
      const slot = Puente.vehicles.findIndex((v, i) => v && !hides(i));
      if (slot >= 0) {
        Puente.select(Puente.vehicles[slot].id, null);
        Puente.centerOnSelection();
      }
    }
  });

  /* ---- the rest of the app ---- */
  Puente.on("frame", draw);
  Puente.on("filters", () => {
    searchField();
    draw();
  });
  Puente.on("attributes", searchField);
  Puente.on("selection", (selection) => {
    watch();
    draw();
    if (document.getElementById("map")) window.dash_clientside.set_props("selection", { data: selection });
  });
  watch(); // the URL may have selected before anybody listened
  let told = false;
  Puente.on("page", () => {
    const map = Puente.map();
    if (map) map.resize();
    searchField();
    draw();
    // The map was built after the URL had been read: tell it what is selected.
    if (!told && document.getElementById("map") && (Puente.selection.shipment || Puente.selection.alert)) {
      told = true;
      window.dash_clientside.set_props("selection", { data: Puente.selection });
    }
  });
  Puente.on("theme", () => {
    layer.readTheme();
    draw();
  });
})();
