/* The wall: the worst open alerts as large cards, the clocks, and a page that outlives the night. */
(function () {
  "use strict";
  const Puente = window.Puente, el = Puente.el;
  const OPENED = Date.now(), DAY = 86_400_000, RELOAD_HOUR = 4;

  function cards() {
    const host = document.getElementById("wall-alerts");
    if (!host) return;
    const most = Number(host.dataset.cards);
    const all = [...Puente.alerts.values()].sort((a, b) => b.rank - a.rank || a.acknowledged - b.acknowledged || b.learned_at - a.learned_at);
    const words = Object.fromEntries(((Puente.hello && Puente.hello.severities) || []).map((s) => [s.key, s.words]));
    const made = all.slice(0, most).map((alert) =>
      el(
        "article", { class: "wall-card is-" + alert.severity + (alert.acknowledged ? " is-acknowledged" : "") },
        el("div", { class: "wall-card-head" }, el("span", { class: "shape severity-" + alert.severity }), el("span", { class: "wall-severity" }, words[alert.severity] || alert.severity),
          el("span", { class: "wall-state" }, alert.acknowledged ? "Acknowledged" : alert.active ? "Not acknowledged" : "Over, not acknowledged"),
          el("span", { class: "wall-age" }, Puente.age((Puente.now() - alert.occurred_at) / 1000))),
        el("h2", {}, alert.title),
        el("div", { class: "wall-where" }, el("b", {}, alert.shipment), alert.place ? " " + alert.place : ""),
      ),
    );
    if (!made.length) made.push(el("div", { class: "wall-calm" }, Puente.status ? "No open alerts" : ""));
    else if (all.length > most) made.push(el("div", { class: "wall-more" }, "and " + Puente.number(all.length - most) + " more"));
    host.replaceChildren(...made);
  }

  function clocks() {
    if (!document.getElementById("wall") || !Puente.status) return;
    const now = Puente.now();
    for (const e of document.querySelectorAll("[data-zone]")) Puente.write(e, Puente.timeOfDay(now, e.dataset.zone, false));
    for (const e of document.querySelectorAll("[data-zone-name]")) {
      const zone = e.dataset.zoneName;
      Puente.write(e, zone === "UTC" ? "" : Puente.zoneName(now, zone));
    }
  }

  /* Browsers on walls leak over weeks: begin anew once a night, when the server answers. */
  function nightly() {
    const hour = new Date().getHours();
    if (Puente.page() === "wall" && Date.now() - OPENED > DAY / 2 && hour === RELOAD_HOUR && Puente.link.synced) location.reload();
  }
  setInterval(nightly, 600_000);

  for (const name of ["status", "alerts", "page"]) Puente.on(name, () => { cards(); clocks(); });
})();
