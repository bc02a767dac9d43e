/* The card of a vehicle: beside the pointer, and pinned for the selected one. The words come
   from the server (dashboard/live/cards.py), once a second for as long as a vehicle is watched. */
(function () {
  "use strict";
  const Puente = window.Puente, el = Puente.el;
  const cards = new Map(); // subject -> newest card
  let hover = { subject: null, fence: null, at: null };

  function fill(host, card, pinned) {
    const lines = el("dl", {});
    for (const [label, value] of card.lines) lines.append(el("dt", {}, label), el("dd", {}, value));
    const link = card.assigned && el("a", { href: "/shipments/" + encodeURIComponent(card.id), class: "card-link" }, "Whole journey");
    const close = pinned && el("button", { class: "card-close", title: "Let go (Esc)", "aria-label": "Let go", onclick: () => Puente.select(null, null) }, "×");
    const center = pinned && el("button", { class: "card-link", onclick: Puente.centerOnSelection }, "Centre on it");
    host.replaceChildren(
      el("div", { class: "card-head" }, el("strong", {}, card.name), card.carrier && el("span", { class: "card-carrier" }, card.carrier), close),
      el("div", { class: "card-state is-" + card.state }, el("span", { class: "shape shape-" + card.state }), card.state_words),
      lines,
      pinned ? el("div", { class: "card-foot" }, center, link) : "",
    );
  }

  function place(host, at) {
    const box = host.parentElement.getBoundingClientRect();
    const width = host.offsetWidth, height = host.offsetHeight;
    const left = at.x + 18 + width > box.width ? at.x - 18 - width : at.x + 18;
    const top = Math.min(Math.max(8, at.y - 20), Math.max(8, box.height - height - 8));
    host.style.transform = "translate(" + Math.max(8, left) + "px," + top + "px)";
  }

  function renderHover() {
    const host = document.getElementById("hover-card");
    if (!host) return;
    const card = hover.subject && hover.subject !== Puente.selection.shipment && cards.get(hover.subject);
    if (card) fill(host, card, false);
    else if (hover.fence) {
      host.replaceChildren(
        el("div", { class: "card-head" }, el("strong", {}, hover.fence.name)),
        el("div", { class: "card-state" }, hover.fence.class),
      );
    }
    const shown = Puente.page() === "map" && hover.at && (card || hover.fence);
    Puente.show(host, shown);
    if (shown) place(host, hover.at);
  }

  function renderPinned() {
    const host = document.getElementById("map-card");
    if (!host) return;
    const subject = Puente.selection.shipment;
    const card = subject && cards.get(subject);
    if (card) fill(host, card, true);
    else if (subject) {
      const known = Puente.slotOf.has(subject);
      host.replaceChildren(
        el("div", { class: "card-head" }, el("strong", {}, subject.replace(/^~/, "")),
          el("button", { class: "card-close", "aria-label": "Let go", onclick: () => Puente.select(null, null) }, "×")),
        el("p", {}, known ? "Loading…" : "Nothing was heard of this shipment yet."),
      );
    }
    Puente.show(host, subject);
  }

  Puente.on("card", (card) => {
    cards.set(card.id, card);
    if (cards.size > 50) cards.delete(cards.keys().next().value);
    if (card.id === hover.subject) renderHover();
    if (card.id === Puente.selection.shipment) renderPinned();
  });
  Puente.on("hover", (next) => {
    hover = next;
    renderHover();
  });
  Puente.on("selection", () => {
    renderPinned();
    renderHover();
  });
  Puente.on("page", renderPinned);

  /* Nothing to show is said, with what to do about it. */
  Puente.on("status", (status) => {
    const host = document.getElementById("map-empty");
    if (!host) return;
    let title = null, advice = null, command = null;
    if (!status.planned && !status.counts.unassigned) {
      [title, advice, command] = ["No shipments are loaded", "Load a plan, and its trucks appear here as they report.", "puente load plan.json"];
    } else if (status.planned && status.fix_s === null) {
      [title, advice, command] = ["No positions yet", Puente.plural(status.planned, "shipment") + " planned, none has reported. Check that trackers publish to the broker, or try", "puente simulate"];
    }
    if (title && host.dataset.title !== title) {
      host.replaceChildren(el("h2", {}, title), el("p", {}, advice), el("code", {}, command));
    }
    host.dataset.title = title || "";
    Puente.show(host, title);
  });
})();
