/* The figures of the header and of the wall, once a second. */
(function () {
  "use strict";
  const Puente = window.Puente;

  function render() {
    const status = Puente.status;
    if (!status) return;
    for (const e of document.querySelectorAll("[data-figure]")) Puente.write(e, Puente.number(status.counts[e.dataset.figure]));
    for (const e of document.querySelectorAll("[data-severity]")) {
      const count = status.severities[e.dataset.severity];
      Puente.write(e, Puente.number(count));
      e.parentElement.classList.toggle("is-zero", !count);
    }
    const total = "of " + Puente.plural(status.planned, "shipment");
    for (const e of document.querySelectorAll("[data-note=in_transit]")) Puente.write(e, total);
  }

  Puente.on("status", render);
  Puente.on("page", render);
})();
