/* Whether what the screen shows is still true. Judged here, with the browser's steady clock,
   because only the browser can tell that nothing arrives any more. The worst age counts:
   since the last frame, of the newest commit of the worst partition, of the gateway's beat. */
(function () {
  "use strict";
  const Puente = window.Puente;
  const DELAYED_S = 10, NOT_LIVE_S = 30; // until the server has said its own

  Puente.judge = function () {
    const link = Puente.link, status = Puente.status, now = performance.now();
    const since = (at) => (at === null ? Infinity : (now - at) / 1000);
    const frame = since(link.frameAt);
    if (!status) {
      const waited = (now - link.startedAt) / 1000;
      const level = waited > NOT_LIVE_S ? "dead" : waited > DELAYED_S ? "delayed" : "waiting";
      return { level, age: waited, why: "waiting for the server", what: "start" };
    }
    const passed = since(Puente.statusAt);
    const never = status.commit_s === null;
    const ages = [
      { age: frame, what: "frame" },
      { age: never ? Infinity : status.commit_s + passed, what: "commit" },
      { age: status.beat_s === null ? 0 : status.beat_s + passed, what: "beat" },
    ];
    const worst = ages.reduce((a, b) => (b.age > a.age ? b : a));
    const hello = Puente.hello || { delayed_s: DELAYED_S, not_live_s: NOT_LIVE_S };
    // Old ages keep growing until a new status arrives, so a connection that is back shows its
    // first whole picture before it counts as live.
    const level = worst.age > hello.not_live_s ? "dead" : worst.age > hello.delayed_s ? "delayed" : "live";
    return { level, age: worst.age, what: worst.what, never, why: reason(frame, worst, status, never) };
  };

  /* The nearest thing that is broken: behind it everything looks old. */
  const OVERDUE_S = 3;
  function reason(frame, worst, status, never) {
    const link = Puente.link;
    if (frame > OVERDUE_S && !link.open) {
      const left = link.retryAt === null ? 0 : (link.retryAt - performance.now()) / 1000;
      return "no connection to the server" + (left > 0.5 ? ", trying again in " + Math.ceil(left) + " s" : ", trying now");
    }
    if (frame > OVERDUE_S) return "the server has stopped sending";
    if (!status.reachable) return "the server cannot reach Redis";
    if (never) return "no engine has written anything yet";
    if (worst.what === "beat") return "the gateway has fallen silent";
    return "partition " + status.partition + " is behind";
  }

  function words(verdict) {
    if (verdict.level === "waiting") return "CONNECTING";
    if (verdict.level === "live") return "LIVE";
    if (verdict.level === "delayed") return "DELAYED " + Puente.age(verdict.age);
    if (verdict.never || !isFinite(verdict.age) || !Puente.status) return "NOT LIVE";
    const at = Puente.now() - verdict.age * 1000 * Puente.status.rate;
    const zone = Puente.zoneName(at);
    const day = verdict.age * Puente.status.rate > 86400 ? " of " + new Date(at).toLocaleDateString("en-GB", { day: "numeric", month: "short" }) : "";
    return "NOT LIVE since " + Puente.timeOfDay(at) + " " + zone + day;
  }

  function ages() {
    const status = Puente.status;
    if (!status) return "";
    const passed = (performance.now() - Puente.statusAt) / 1000;
    const of = (age) => (age === null ? "never" : Puente.age(age + passed) + " ago");
    return "Newest position " + of(status.fix_s) + "  ·  written " + of(status.commit_s) + "  ·  gateway heard " + of(status.beat_s);
  }

  function render() {
    const verdict = Puente.judge();
    const text = words(verdict);
    const calm = verdict.level === "live";
    const root = document.documentElement;
    if (root.dataset.fresh !== verdict.level) {
      root.dataset.fresh = verdict.level;
      Puente.emit("freshness", verdict.level);
    }
    for (const badge of document.querySelectorAll("[data-live=badge]")) {
      Puente.write(badge.querySelector(".badge-text"), text);
      const why = calm ? "What you see is at most " + Puente.age(Math.ceil(verdict.age)) + " old" : verdict.why;
      if (badge.title !== why) badge.title = why;
    }
    const line = calm ? ages() : verdict.why.charAt(0).toUpperCase() + verdict.why.slice(1) + (Puente.status ? "  ·  " + ages() : "");
    for (const place of document.querySelectorAll("[data-live=ages]")) Puente.write(place, line);
    const lacks = (Puente.status && Puente.status.lacks) || [];
    for (const place of document.querySelectorAll("[data-live=lacks]")) {
      Puente.write(place, lacks.length ? "This Redis can lose data: " + lacks.join("; ") : "");
    }
    clocks();
  }

  function clocks() {
    if (!Puente.status) return;
    const now = Puente.now();
    for (const e of document.querySelectorAll("[data-clock=local]")) Puente.write(e, Puente.timeOfDay(now));
    const rate = Puente.status.rate !== 1 ? "  ·  " + Puente.status.rate + "× speed" : "";
    for (const e of document.querySelectorAll("[data-clock=utc]")) {
      const here = Puente.zoneName(now);
      Puente.write(e, (here === "UTC" ? "UTC" : here + "  ·  " + Puente.timeOfDay(now, "UTC", false) + " UTC") + rate);
    }
  }

  setInterval(render, 500);
  for (const name of ["status", "link", "page"]) Puente.on(name, render);
})();
