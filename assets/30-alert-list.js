/* The open alerts beside the map: worst and newest first. The order stands still while a person
   points at the list or works in it; what came meanwhile is counted in a pill. */
(function () {
  "use strict";
  const Puente = window.Puente, el = Puente.el;
  const MOST = 200; // more than anybody works through here; the rest is on the alerts page
  const items = new Map(); // id -> {root, ...parts}
  let order = [];
  let held = false;

  const severity = (key) => ((Puente.hello && Puente.hello.severities) || []).find((s) => s.key === key) || { words: key };

  function wanted() {
    const text = Puente.filters.text.trim().toLowerCase();
    const all = [...Puente.alerts.values()].filter(
      (a) => !text || (a.shipment + "\n" + a.carrier + "\n" + a.title).toLowerCase().includes(text) || matchesVehicle(a.shipment, text),
    );
    // An acknowledged alert is in somebody's hands: it stands behind its peers.
    all.sort((a, b) => b.rank - a.rank || a.acknowledged - b.acknowledged || b.learned_at - a.learned_at);
    return all;
  }
  function matchesVehicle(subject, text) {
    const vehicle = Puente.vehicles[Puente.slotOf.get(subject)];
    return vehicle ? vehicle.haystack.includes(text) : false;
  }

  function make(id) {
    const parts = {
      shape: el("span", { class: "shape" }),
      title: el("strong", { class: "alert-title" }),
      age: el("time", { class: "alert-age" }),
      shipment: el("span", { class: "alert-shipment" }),
      place: el("span", { class: "alert-place" }),
      state: el("span", { class: "alert-state" }),
      acknowledge: el("button", { class: "small-button", onclick: (e) => acknowledge(e, id) }, "Acknowledge"),
    };
    parts.root = el(
      "div",
      {
        class: "alert-item", "data-id": id, tabindex: "0", role: "listitem",
        onclick: () => choose(id),
        onkeydown: (e) => {
          if (e.target === parts.root && (e.key === "Enter" || e.key === " ")) {
            e.preventDefault();
            choose(id);
          } else if (e.key === "ArrowDown" || e.key === "ArrowUp") {
            const next = e.key === "ArrowDown" ? parts.root.nextElementSibling : parts.root.previousElementSibling;
            if (next && next.focus) next.focus();
            e.preventDefault();
          }
        },
      },
      parts.shape,
      el(
        "div", { class: "alert-body" },
        el("div", { class: "alert-line" }, parts.title, parts.age),
        el("div", { class: "alert-line alert-where" }, parts.shipment, parts.place),
        el("div", { class: "alert-line" }, parts.state, parts.acknowledge),
      ),
    );
    return parts;
  }

  function fill(parts, alert) {
    const words = severity(alert.severity).words;
    parts.root.className = "alert-item is-" + alert.severity + (alert.acknowledged ? " is-acknowledged" : "") + (alert.active ? "" : " is-over");
    parts.root.title = alert.summary + (alert.response ? "\nDo: " + alert.response : "");
    parts.shape.className = "shape severity-" + alert.severity;
    Puente.write(parts.title, alert.title);
    Puente.write(parts.shipment, alert.shipment);
    Puente.write(parts.place, alert.place);
    const owner = alert.owner ? " · " + alert.owner : "";
    const state = alert.acknowledged ? (alert.active ? "Acknowledged" : "Over, acknowledged") : alert.active ? "Active" : "Over, not acknowledged";
    Puente.write(parts.state, words + " · " + state + owner + (alert.late ? " · learned late" : ""));
    Puente.show(parts.acknowledge, !alert.acknowledged);
    tick(parts, alert);
  }

  function tick(parts, alert) {
    Puente.write(parts.age, Puente.age((Puente.now() - alert.occurred_at) / 1000));
  }

  function render() {
    const host = document.getElementById("alert-list");
    if (!host || Puente.page() !== "map") return;
    const all = wanted();
    const top = all.slice(0, MOST);
    const news = held ? top.filter((a) => !order.includes(a.id)).length : 0;
    if (!held) order = top.map((a) => a.id);

    const place = [];
    for (const id of order) {
      const alert = Puente.alerts.get(id);
      if (!items.has(id)) items.set(id, make(id));
      const parts = items.get(id);
      if (alert) fill(parts, alert);
      else parts.root.classList.add("is-gone");
      place.push(parts.root);
    }
    for (const [id, parts] of items) {
      if (!order.includes(id)) {
        parts.root.remove();
        items.delete(id);
      }
    }
    if (host.firstElementChild && host.firstElementChild.className === "empty") host.replaceChildren();
    // Moving only what is out of place keeps focus and scroll where they are.
    place.forEach((node, i) => {
      if (host.children[i] !== node) host.insertBefore(node, host.children[i] || null);
    });
    if (!place.length) {
      host.replaceChildren(
        el("div", { class: "empty" }, el("h2", {}, Puente.filters.text ? "No alert fits the search" : "No open alerts"),
          el("p", {}, Puente.filters.text ? "Clear the search to see all " + Puente.number(Puente.alerts.size) + "." : "New ones appear here within a second.")),
      );
    }
    const pill = document.getElementById("alert-new");
    if (pill) {
      Puente.write(pill, news ? news + " new" : "");
      Puente.show(pill, news);
    }
    const note = document.querySelector("#alert-panel [data-note=alerts]");
    if (note && Puente.status) {
      const open = Puente.alerts.size, waiting = [...Puente.alerts.values()].filter((a) => !a.acknowledged).length;
      const some = all.length < open ? Puente.number(all.length) + " of " : all.length > MOST ? "worst " + MOST + " of " : "";
      Puente.write(note, some + Puente.number(open) + (waiting ? " · " + Puente.number(waiting) + " not acknowledged" : ""));
    }
    mark();
  }

  /* Both ways: a selected truck lights up its alerts, a selected alert its truck. */
  function mark() {
    const { shipment, alert } = Puente.selection;
    for (const [id, parts] of items) {
      const mine = Puente.alerts.get(id);
      parts.root.setAttribute("aria-current", String(id === alert));
      parts.root.classList.toggle("is-related", Boolean(mine && shipment && mine.shipment === shipment));
    }
  }

  function choose(id) {
    const alert = Puente.alerts.get(id);
    if (!alert) return;
    Puente.select(alert.shipment, id);
    Puente.centerOnSelection();
  }

  function acknowledge(event, id) {
    event.stopPropagation();
    const alert = Puente.alerts.get(id);
    const field = document.getElementById("operator-name");
    const by = field ? field.value.trim() : "";
    if (!by) {
      Puente.toast("Enter your name first: actions are kept with who did them.", false);
      if (field) field.focus();
      return;
    }
    const request = { id, action: "acknowledge", by, revision: alert.revision, nonce: performance.now() };
    window.dash_clientside.set_props("alert-action", { data: request });
  }

  function hold(next) {
    if (held === next) return;
    held = next;
    if (!held) render();
  }
  // The whole panel counts: on the way to the pill the pill must not go away.
  document.addEventListener("pointerover", (event) => {
    const panel = document.getElementById("alert-panel");
    if (panel) hold(panel.contains(event.target) || panel.contains(document.activeElement));
  });
  document.addEventListener("focusin", (event) => {
    const panel = document.getElementById("alert-panel");
    if (panel) hold(panel.contains(event.target) || panel.matches(":hover"));
  });
  document.addEventListener("click", (event) => {
    if (event.target.id !== "alert-new") return;
    held = false;
    render();
    held = true; // the pointer is still on the panel
    const list = document.getElementById("alert-list");
    list.scrollTop = 0;
  });

  /* A link may name only the alert: its truck is found as soon as the alert is known. */
  function resolve() {
    const { shipment, alert } = Puente.selection;
    if (alert && !shipment && Puente.alerts.has(alert)) Puente.select(Puente.alerts.get(alert).shipment, alert);
  }
  Puente.on("alerts", resolve);
  Puente.on("page", resolve);

  Puente.on("alerts", render);
  Puente.on("filters", render);
  Puente.on("page", render);
  Puente.on("status", () => {
    for (const [id, parts] of items) {
      const alert = Puente.alerts.get(id);
      if (alert) tick(parts, alert);
    }
    if (!document.querySelector("#alert-list > *")) render();
  });
  Puente.on("selection", ({ shipment, alert }) => {
    mark();
    const first = alert ? items.get(alert) : [...items.values()].find((p) => p.root.classList.contains("is-related"));
    if (shipment && first && !held) first.root.scrollIntoView({ block: "nearest" });
  });
})();
