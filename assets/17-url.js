/* What matters of the view is in the URL: selection, shown states, search, map box, theme. */
(function () {
  "use strict";
  const Puente = window.Puente;
  const OURS = ["shipment", "alert", "states", "q", "lat", "lon", "z", "theme"];
  let view = null; // {lat, lon, z}, once the map was moved
  let themed = new URLSearchParams(location.search).has("theme");

  function keys() {
    return ((Puente.hello && Puente.hello.states) || []).map((state) => state.key);
  }

  function write() {
    if (Puente.page() !== "map") return;
    const query = new URLSearchParams(location.search);
    for (const name of OURS) query.delete(name);
    const { shipment, alert } = Puente.selection;
    if (shipment) query.set("shipment", shipment);
    if (alert) query.set("alert", alert);
    const hidden = Puente.filters.hidden;
    if (hidden.size) query.set("states", keys().filter((key) => !hidden.has(key)).join(",") || "none");
    if (Puente.filters.text) query.set("q", Puente.filters.text);
    if (view) {
      query.set("lat", view.lat.toFixed(4));
      query.set("lon", view.lon.toFixed(4));
      query.set("z", view.z.toFixed(2));
    }
    if (themed) query.set("theme", Puente.theme);
    const search = query.toString().replaceAll("%2C", ",");
    const url = location.pathname + (search ? "?" + search : "");
    if (url !== location.pathname + location.search) history.replaceState(history.state, "", url);
  }

  /* Read once the states are known: the list of shown ones is turned round into hidden ones. */
  let wanted = null;
  function read() {
    if (Puente.page() !== "map") return;
    const query = new URLSearchParams(location.search);
    Puente.filters.text = query.get("q") || "";
    wanted = query.get("states");
    if (wanted === null) Puente.filters.hidden = new Set();
    if (query.has("lat") && query.has("lon") && query.has("z")) {
      view = { lat: Number(query.get("lat")), lon: Number(query.get("lon")), z: Number(query.get("z")) };
    }
    turn();
    Puente.select(query.get("shipment"), query.get("alert"));
    if ((query.has("shipment") || query.has("alert")) && !query.has("lat") && Puente.centerOnSelection) Puente.centerOnSelection();
    Puente.emit("filters");
  }
  function turn() {
    if (wanted === null || !Puente.hello) return;
    const shown = wanted.split(",");
    Puente.filters.hidden = new Set(keys().filter((key) => !shown.includes(key)));
    wanted = null;
    Puente.emit("filters");
  }

  Puente.moved = function (next) {
    view = next;
    write();
  };
  Puente.initialView = () => view;
  Puente.on("status", turn);
  Puente.on("selection", write);
  Puente.on("filters", write);
  Puente.on("theme", () => {
    themed = true;
    write();
  });

  /* A link inside the app may lead to the map with another query: follow it. One without a query
     leads back to the map as it was left. */
  let shown = location.href;
  Puente.on("page", () => {
    if (Puente.page() === "map" && location.href !== shown) {
      const query = new URLSearchParams(location.search);
      if (OURS.some((name) => query.has(name))) read();
      else write();
    }
    shown = location.href;
  });
  read();

  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.puente = Object.assign(window.dash_clientside.puente || {}, {
    routed() {
      for (const link of document.querySelectorAll("#rail .nav-link")) {
        const path = new URL(link.href, location.href).pathname;
        const here = path === "/" ? location.pathname === "/" : location.pathname.startsWith(path);
        if (here) link.setAttribute("aria-current", "page");
        else link.removeAttribute("aria-current");
      }
      document.documentElement.dataset.page = Puente.page();
      // React has to put the page in place first.
      requestAnimationFrame(() => Puente.emit("page"));
      return location.pathname;
    },
    toast(said) {
      if (said) Puente.toast(said.message, said.ok);
      return "";
    },
  });

  Puente.toast = function (message, ok) {
    const host = document.getElementById("toasts");
    if (!host || !message) return;
    const toast = Puente.el("div", { class: "toast " + (ok ? "toast-ok" : "toast-bad") }, message);
    host.append(toast);
    setTimeout(() => toast.remove(), ok ? 3500 : 9000);
  };
})();
