// What a finger feels, told by the page that it touches: from the finger's lifting to the first frame with the answer,
// from its landing to the first frame that looks pressed, and when the first screen stood there. Decides nothing.
// The stage changes when an answer comes; the second frame after that follows the painting of the first.
"use strict";
(() => {
  const felt = { taps: [], presses: [], first: null };
  globalThis.felt = felt;
  const painted = (then) => requestAnimationFrame(() => requestAnimationFrame(() => then(performance.now())));
  let lifted = null;
  addEventListener("pointerdown", (event) => painted((at) => felt.presses.push(at - event.timeStamp)), true);
  addEventListener("pointerup", (event) => { lifted = event.timeStamp; }, true);
  const watch = (stage) => new MutationObserver(() => {
    if (felt.first === null && stage.querySelector("h1")) { felt.first = 0; painted((at) => { felt.first = at; }); }
    if (lifted === null) return;
    const since = lifted;
    lifted = null;
    painted((at) => felt.taps.push(at - since));
  }).observe(stage, { childList: true, subtree: true });
  addEventListener("DOMContentLoaded", () => watch(document.getElementById("stage")));
})();
