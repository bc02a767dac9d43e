/* Puente in the browser: one object, a few events, and the state that the URL carries.
   Modules talk through Puente.on / Puente.emit only:
     frame      a binary frame was read            status     the second's figures
     alerts     the alert table changed            attributes names of vehicles changed
     selection  what is selected changed           filters    states or search text changed
     page       another page is shown              theme      dark or light
*/
(function () {
  "use strict";

  const listeners = new Map();
  const Puente = (window.Puente = {
    /* ---- events ---- */
    on(name, listener) {
      if (!listeners.has(name)) listeners.set(name, []);
      listeners.get(name).push(listener);
    },
    emit(name, value) {
      for (const listener of listeners.get(name) || []) {
        // One broken part must not blind the others.
        try {
          listener(value);
        } catch (error) {
          console.error("puente:", name, error);
        }
      }
    },

    /* ---- state ---- */
    hello: null,
    status: null,
    statusAt: 0,
    fleet: null,
    vehicles: [], // by slot
    slotOf: new Map(), // subject -> slot
    alerts: new Map(), // id -> alert
    selection: { shipment: null, alert: null },
    filters: { hidden: new Set(), text: "" },

    page() {
      const path = location.pathname.replace(/\/+$/, "");
      return path === "" ? "map" : path === "/wall" ? "wall" : "other";
    },

    /* Puente's clock in ms since 1970: what the server said, moved on by our steady clock. */
    now() {
      const status = Puente.status;
      if (!status) return Date.now();
      return status.clock + (performance.now() - Puente.statusAt) * status.rate;
    },

    color(name) {
      return getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
    },

    select(shipment, alert) {
      const next = { shipment: shipment || null, alert: alert || null };
      const now = Puente.selection;
      if (now.shipment === next.shipment && now.alert === next.alert) return;
      Puente.selection = next;
      Puente.emit("selection", next);
    },
  });

  /* ---- small help with the DOM: text is always text, never HTML ---- */
  Puente.el = function (tag, attributes, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) {
      if (value === null || value === undefined || value === false) continue;
      if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else element.setAttribute(name, value === true ? "" : value);
    }
    for (const child of children) {
      if (child !== null && child !== undefined && child !== false) element.append(child);
    }
    return element;
  };
  Puente.write = function (element, text) {
    if (element && element.textContent !== text) element.textContent = text;
  };
  Puente.show = function (element, shown) {
    if (element && element.hidden === Boolean(shown)) element.hidden = !shown;
  };
})();
