/* The only place that knows where plotly keeps its MapLibre map: private, so tested
   (tests/browser/test_map.py) and pinned in pyproject.toml. */
(function () {
  "use strict";
  const Puente = window.Puente;

  Puente.graph = () => document.querySelector("#map .js-plotly-plot");

  /* The MapLibre map, or null before plotly has made it. */
  Puente.map = () => mapOf(Puente.graph());

  function mapOf(graph) {
    const layout = graph && graph._fullLayout;
    return (layout && layout.map && layout.map._subplot && layout.map._subplot.map) || null;
  }

  /* A pane says that its map is being drawn until it is (assets/20-map.css). */
  setInterval(() => {
    for (const pane of document.querySelectorAll("#map-box:not([data-drawn]), .pg-panel--map:not([data-drawn])")) {
      const map = mapOf(pane.querySelector(".js-plotly-plot"));
      // Not map.loaded(): where trucks and ages change all the time, something always loads.
      if (map && map.style && map.getSource("land") && map.isSourceLoaded("land")) pane.dataset.drawn = "";
    }
  }, 250);

  /* Plotly puts a camera back that was moved behind its back, so it is moved through plotly. A new
     figure that arrives meanwhile puts back the old camera as well: the wish is held for a moment,
     until it is fulfilled for good or a person takes the map in hand. */
  const HOLD_MS = 4000;
  let wish = null;

  Puente.moveCamera = function (lat, lon, zoom) {
    wish = { lat, lon, zoom, until: performance.now() + HOLD_MS };
    return move();
  };

  function move() {
    return window.Plotly.relayout(Puente.graph(), {
      "map.center": { lat: wish.lat, lon: wish.lon }, "map.zoom": wish.zoom,
    });
  }

  setInterval(() => {
    const map = wish && Puente.map();
    if (!map) return;
    if (performance.now() > wish.until) { wish = null; return; }
    const at = map.getCenter();
    const off = Math.max(Math.abs(at.lat - wish.lat), Math.abs(at.lng - wish.lon), Math.abs(map.getZoom() - wish.zoom));
    if (off > 0.01) move();
  }, 500);

  for (const gesture of ["pointerdown", "wheel"]) {
    document.addEventListener(gesture, (event) => {
      if (event.target.closest && event.target.closest("#map")) wish = null;
    }, { capture: true, passive: true });
  }
})();
