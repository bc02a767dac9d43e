/* The only place that knows where plotly keeps its MapLibre map: private, so tested
   (tests/browser/test_map.py) and pinned in pyproject.toml. */
(function () {
  "use strict";
  const Puente = window.Puente;

  Puente.graph = () => document.querySelector("#map .js-plotly-plot");

  /* The MapLibre map, or null before plotly has made it. */
  Puente.map = function () {
    const graph = Puente.graph();
    const layout = graph && graph._fullLayout;
    return (layout && layout.map && layout.map._subplot && layout.map._subplot.map) || null;
  };

  /* Plotly puts a camera back that was moved behind its back, so it is moved through plotly. */
  Puente.moveCamera = function (lat, lon, zoom) {
    return window.Plotly.relayout(Puente.graph(), { "map.center": { lat, lon }, "map.zoom": zoom });
  };
})();
