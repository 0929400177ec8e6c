// The page: shows what the agent sends, tells the agent what was touched, and proves that it is alive. Decides nothing.
// Keeps nothing: when the agent says that a visit is over (another `wiped`), the whole document is thrown away, and its process.
"use strict";
(() => {
  const stage = document.getElementById("stage");
  const lost = document.getElementById("lost");
  const BEAT_MS = 2000, LOST_MS = 4000, BOUNCE_MS = 250, HERE_MS = 5000, LONG_MS = 5000;
  let number = 0, wiped = null, name = "", appliedAt = 0, lostTimer = 0, bounce = { action: "", at: 0 }, hereAt = -Infinity, sent = Promise.resolve();

  const post = (path, body) =>
    fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body), cache: "no-store" })
      .catch(() => {});

  // Dropped is not forgotten: what a page held stays in the memory of its process. By the other of this machine's two
  // names the page is another site, so the browser gives it another process and ends this one (--site-per-process).
  const other = () => {
    const name = { "127.0.0.1": "localhost", localhost: "127.0.0.1" }[location.hostname] ?? location.hostname;
    return `http://${name}:${location.port}/`;
  };

  // Only towards an agent that answers: the browser's own error page would be a dead end.
  const renew = () =>
    fetch("/", { cache: "no-store" })
      .then((answer) => { if (!answer.ok) throw new Error(answer.status); location.replace(other()); })
      .catch(() => { lost.hidden = false; setTimeout(renew, 1000); });

  const wipe = () => {
    stage.replaceChildren();
    sessionStorage.clear();
    localStorage.clear();
    source.close();
    renew();
  };

  // Regions that did not change stay as they are, so that a pressed key or a scrolled list is not torn away.
  const swap = (next, sameName) => {
    const old = stage.firstElementChild;
    const regions = (root) => new Map([...root.querySelectorAll("[data-region]")].map((each) => [each.dataset.region, each]));
    if (old && sameName && old.className === next.className && old.lang === next.lang) {
      const [before, after] = [regions(old), regions(next)];
      if ([...before.keys()].join() === [...after.keys()].join()) {
        for (const [region, element] of after) {
          if (before.get(region).dataset.source !== element.outerHTML) {
            const top = before.get(region).scrollTop;
            const source = element.outerHTML;
            before.get(region).replaceWith(element);
            element.dataset.source = source;
            element.scrollTop = top;
          }
        }
        return;
      }
    }
    for (const element of regions(next).values()) element.dataset.source = element.outerHTML;
    stage.replaceChildren(next);
  };

  const show = (message) => {
    if (wiped !== null && message.wiped !== wiped) return wipe();
    wiped = message.wiped;
    const box = document.createElement("template");
    box.innerHTML = message.html;
    if (box.content.firstElementChild) swap(box.content.firstElementChild, name === message.name);
    ({ number, name } = message);
    document.documentElement.lang = stage.firstElementChild?.lang || "vi";
    appliedAt = performance.now();
    tick();
    more();
  };

  // Count-downs are a courtesy: the agent alone decides when time is over.
  const tick = () => {
    for (const element of stage.querySelectorAll("[data-countdown]")) {
      element.since ??= appliedAt;
      const left = Math.max(0, Math.round(Number(element.dataset.countdown) - (performance.now() - element.since) / 1000));
      element.textContent = "plain" in element.dataset ? left : `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
    }
  };

  const more = () => {
    const area = stage.querySelector("[data-scroll]"), button = stage.querySelector("[data-more]");
    if (button) button.hidden = !area || area.scrollTop + area.clientHeight >= area.scrollHeight - 12;
  };

  // The technician's way in: a long touch on the station's mark. The click at its end begins no visit.
  let held = 0, longDone = false;
  const release = () => { clearTimeout(held); held = 0; };
  const hold = (place) => {
    release();
    longDone = false;
    if (place) held = setTimeout(() => { longDone = true; post("/touch", { screen: number, action: place.dataset.long, value: "" }); }, LONG_MS);
  };

  document.addEventListener("pointerdown", (event) => {
    event.target.closest("button")?.classList.add("pressed");
    hold(event.target.closest("[data-long]"));
    const now = performance.now();
    if (!event.target.closest("[data-action]") && now - hereAt > HERE_MS) {
      hereAt = now;
      post("/touch", { screen: number, action: "here", value: "" });
    }
  });
  for (const kind of ["pointerup", "pointercancel"]) {
    document.addEventListener(kind, release);
    document.addEventListener(kind, () => setTimeout(() => document.querySelectorAll(".pressed").forEach((each) => each.classList.remove("pressed")), 90));
  }
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-more]")) {
      const area = stage.querySelector("[data-scroll]");
      area.scrollBy({ top: area.clientHeight * 0.8, behavior: "smooth" });
      return;
    }
    if (longDone) return;
    const touched = event.target.closest("[data-action]");
    if (!touched || touched.disabled) return;
    const { action, value = "" } = touched.dataset, at = performance.now();
    if (action !== "key" && action !== "erase" && action === bounce.action && at - bounce.at < BOUNCE_MS) return;
    bounce = { action, at };
    // One after another: two keys in quick succession must not overtake each other on their way.
    const touch = { screen: number, action, value };
    sent = sent.then(() => post("/touch", touch));
  });
  document.addEventListener("scroll", more, true);
  addEventListener("resize", more);
  addEventListener("contextmenu", (event) => event.preventDefault());
  addEventListener("dragstart", (event) => event.preventDefault());
  setInterval(tick, 250);
  // A frame must be drawn and the agent be heard for a beat to go out: a page that renders or follows no more falls silent.
  const beat = () => requestAnimationFrame(() => { if (source.readyState === EventSource.OPEN) post("/beat", { screen: number }); });
  setInterval(beat, BEAT_MS);

  const source = new EventSource("/screens");
  source.onmessage = (event) => {
    clearTimeout(lostTimer);
    lostTimer = 0;
    const first = wiped === null;
    show(JSON.parse(event.data));
    lost.hidden = number !== 0;
    if (first) beat();
  };
  source.onerror = () => {
    if (source.readyState === EventSource.CLOSED) renew();
    lostTimer ||= setTimeout(() => { stage.replaceChildren(); name = ""; lost.hidden = false; }, LOST_MS);
  };
})();
