// What stands on the page, told by the browser that drew it: sizes, gaps, colours, what is cut off or covered.
// Injected beside the page's own script. Decides no limit and no wording: bounds come in, complaints go out as
// [rule, element, told]. Nothing is read from the style sheet; everything is asked of the laid-out page.
"use strict";
globalThis.access = (() => {
  const CHECKED = 'button, a[href], input, [data-action], [role="checkbox"]';
  const VIETNAMESE = /[ăâđêôơưàằầèềìòồờùừỳáắấéếíóốớúứýảẳẩẻểỉỏổởủửỷãẵẫẽễĩõỗỡũữỹạặậẹệịọộợụựỵ]/i;
  const NBSP = " ";
  let applied = 0, wake = () => {};

  // The page's own event source, overheard: a screen counts as shown after the page's own handler has run.
  globalThis.EventSource = class extends EventSource {
    constructor(...given) {
      super(...given);
      this.addEventListener("message", (event) => setTimeout(() => { applied = JSON.parse(event.data).number; wake(); }));
    }
  };

  const shown = (number) => new Promise((done) => {
    wake = () => { if (applied === number) done(); };
    wake();
  });

  const frames = (count) => new Promise((done) => {
    const next = (left) => (left ? requestAnimationFrame(() => next(left - 1)) : done());
    next(count);
  });

  // Everything can be hit, nothing moves, and text can be made invisible without moving anything.
  const still = new CSSStyleSheet(), bare = new CSSStyleSheet();
  still.replaceSync("*, *::before, *::after { pointer-events: auto !important; animation: none !important; transition: none !important; }");
  bare.replaceSync("* { -webkit-text-fill-color: transparent !important; }");
  const stand = (...sheets) => { document.adoptedStyleSheets = sheets; };

  const cut = (text) => (text.length > 40 ? `${text.slice(0, 39)}…` : text);
  const said = (element) => cut(element.textContent.trim().replace(/\s+/g, " "));
  const named = (element) => {
    const { action, value } = element.dataset ?? {};
    if (element.id) return `${element.localName}#${element.id} “${said(element)}”`;
    const kind = action ? `[${action}${value ? `=${value}` : ""}]` : [...element.classList].map((each) => `.${each}`).join("");
    return `${element.localName}${kind} “${said(element)}”`;
  };
  const px = (length) => Math.round(length * 10) / 10;

  // colours

  const parsed = new Map();
  const colour = (text) => {
    if (!parsed.has(text)) {
      const [r, g, b, a = 1] = text.match(/[\d.]+/g).map(Number);
      parsed.set(text, text.startsWith("rgb") ? { r, g, b, a } : null);
    }
    return parsed.get(text);
  };
  const over = (top, below) => {
    const mix = (one, other) => one * top.a + other * (1 - top.a);
    return { r: mix(top.r, below.r), g: mix(top.g, below.g), b: mix(top.b, below.b), a: 1 };
  };
  const linear = (part) => (part <= 0.04045 * 255 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4);
  const luminance = ({ r, g, b }) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const contrast = (one, other) => {
    const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const PAINTED = new Set(["path", "rect", "circle", "ellipse", "polygon", "line", "polyline", "image", "use", "img", "canvas", "video"]);

  // What is painted below a text at a point; null where only pixels can tell (pictures, gradients, filters, siblings).
  const below = (element, x, y) => {
    const stack = document.elementsFromPoint(x, y);
    const layers = [];
    for (const each of stack.slice(Math.max(0, stack.indexOf(element)))) {
      const style = getComputedStyle(each);
      if (PAINTED.has(each.localName)) return null;
      const background = colour(style.backgroundColor);
      if (style.backgroundImage !== "none" || !background) return null;
      if (background.a > 0 && !each.contains(element)) return null;
      layers.push(background);
      if (background.a === 1) break;
    }
    for (let each = element; each; each = each.parentElement) {
      const style = getComputedStyle(each);
      if (style.opacity !== "1" || style.filter !== "none" || style.mixBlendMode !== "normal") return null;
    }
    return layers.reverse().reduce((under, layer) => over(layer, under), { r: 255, g: 255, b: 255, a: 1 });
  };
  const opacity = (element) => {
    let all = 1;
    for (let each = element; each; each = each.parentElement) all *= Number(getComputedStyle(each).opacity);
    return all;
  };

  // boxes

  const inside = (inner, outer, slackX, slackY) =>
    inner.left >= outer.left - slackX && inner.right <= outer.right + slackX
    && inner.top >= outer.top - slackY && inner.bottom <= outer.bottom + slackY;
  const meet = (one, other) => ({
    left: Math.max(one.left, other.left), right: Math.min(one.right, other.right),
    top: Math.max(one.top, other.top), bottom: Math.min(one.bottom, other.bottom),
  });
  const empty = (box) => box.right - box.left < 1 || box.bottom - box.top < 1;
  const viewport = () => ({ left: 0, top: 0, right: innerWidth, bottom: innerHeight });
  const clipper = (style) => style.overflowX !== "visible" || style.overflowY !== "visible";

  // What is left of a box after all that clips it. Without `scrolled`, a list that can be scrolled hides nothing below.
  const left = (element, box, scrolled) => {
    let rest = box, unbounded = false;
    for (let each = element.parentElement; each; each = each.parentElement) {
      if (!scrolled && each.matches("[data-scroll]")) unbounded = true;
      if (!clipper(getComputedStyle(each))) continue;
      const edge = each.getBoundingClientRect();
      rest = unbounded ? { ...meet(rest, edge), top: rest.top, bottom: rest.bottom } : meet(rest, edge);
    }
    const view = viewport();
    return unbounded ? { ...meet(rest, view), top: rest.top, bottom: rest.bottom } : meet(rest, view);
  };
  const seen = (element) => element.checkVisibility({ visibilityProperty: true }) && !empty(element.getBoundingClientRect());

  // what is touched

  const targets = () => [...document.querySelectorAll("[data-action]:not(:disabled), [data-more]")].filter(seen);

  // The centre, and the corners as far in as their rounding asks.
  const points = (element, box) => {
    const rounding = Math.min(parseFloat(getComputedStyle(element).borderTopLeftRadius) || 0, (box.bottom - box.top) / 2);
    const step = 3 + 0.3 * rounding;
    const [l, r, t, b] = [box.left + step, box.right - step, box.top + step, box.bottom - step];
    return [[(box.left + box.right) / 2, (box.top + box.bottom) / 2], [l, t], [r, t], [l, b], [r, b]];
  };

  const touchable = (bounds, enough, complain) => {
    const there = [];
    for (const each of targets()) {
      const box = each.getBoundingClientRect(), rest = left(each, box, true), { width, height } = box;
      if (Math.min(width, height) < bounds.touch - 0.05) {
        complain("touch", each, `${px(width)} × ${px(height)} px; ${px(bounds.touch)} at least`);
      }
      if (!empty(rest)) there.push([each, rest]);
      if (rest.top < bounds.reach - 1 && !targets().some((other) => other !== each && each.contains(other))) {
        complain("reach", each, `it begins ${px(rest.top)} px from above; ${px(bounds.reach)} at least for whoever sits`);
      }
      if (enough.has(each) || Math.min(rest.right - rest.left, rest.bottom - rest.top) < Math.min(width, height, bounds.touch) - 1) continue;
      enough.add(each);
      for (const [x, y] of points(each, rest)) {
        const hit = document.elementFromPoint(x, y);
        if (!each.contains(hit)) complain("covered", each, `${named(hit ?? document.body)} lies over it at ${px(x)}, ${px(y)}`);
      }
    }
    for (const [place, [one, a]] of there.entries()) {
      for (const [other, b] of there.slice(place + 1)) {
        if (one.contains(other) || other.contains(one)) continue; // a whole area that is touched, and what stands in it
        const aside = Math.max(0, a.left - b.right, b.left - a.right), above = Math.max(0, a.top - b.bottom, b.top - a.bottom);
        const gap = Math.hypot(aside, above);
        if (gap < bounds.gap) complain("gap", one, `${px(gap)} px to ${named(other)}; ${px(bounds.gap)} at least`);
      }
    }
  };

  const missed = (enough, complain) => {
    for (const each of targets()) {
      if (!enough.has(each)) complain("unreachable", each, "never on the screen with as much as a finger needs, however far one goes down");
    }
  };

  // what is read

  const lines = (root) => {
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT), found = [], range = document.createRange();
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const element = node.parentElement;
      if (!node.data.replaceAll(NBSP, " ").trim() || !element.checkVisibility({ visibilityProperty: true })) continue;
      range.selectNodeContents(node);
      for (const [place, box] of [...range.getClientRects()].entries()) if (!empty(box)) found.push({ node, element, place, box });
    }
    return found;
  };

  const big = (size, weight) => size >= 36 || (size >= 28 && weight >= 700);
  const boxed = (element) => {
    for (let each = element; each !== document.body && !each.matches("[data-scroll]"); each = each.parentElement) {
      const style = getComputedStyle(each);
      if (each.localName === "button" || parseFloat(style.borderTopWidth) > 0 || colour(style.backgroundColor)?.a > 0) return each;
    }
    return null;
  };
  const least = (bounds, element, size, weight) =>
    element.closest(":disabled") ? bounds.contrast_off : big(size, weight) ? bounds.contrast_large : bounds.contrast;

  const judgeColour = (bounds, element, text, under, complain, unsure) => {
    const style = getComputedStyle(element, text.pseudo), size = parseFloat(style.fontSize);
    const needed = least(bounds, element, size, Number(style.fontWeight)), ink = colour(style.color);
    if (!under) {
      unsure.push({ ...text, name: named(element), ink: { ...ink, a: ink.a * opacity(element) }, needed });
      return;
    }
    const ratio = contrast(over(ink, under), under);
    if (ratio < needed) complain("contrast", element, `${ratio.toFixed(2)}:1 (${style.color}, ${size} px); ${needed} at least`);
  };

  const readable = (bounds, root, area, done, complain, unsure) => {
    for (const { node, element, place, box } of lines(root)) {
      const key = `${place}`, known = done.get(node) ?? new Set();
      const rest = left(element, box, true), x = (box.left + box.right) / 2, y = (box.top + box.bottom) / 2;
      if (known.has(key) || x < rest.left || x > rest.right || y < rest.top + 1 || y > rest.bottom - 1) continue;
      done.set(node, known.add(key));
      const hit = document.elementFromPoint(x, y);
      if (hit && !hit.contains(element) && !element.contains(hit)) complain("covered", element, `${named(hit)} lies over its text`);
      const text = { x: box.left, y: box.top, width: box.width, height: box.height, top: area?.scrollTop ?? 0, pseudo: null };
      judgeColour(bounds, element, text, below(element, x, y), complain, unsure);
    }
  };

  const letters = (bounds, root, done, complain) => {
    for (const { node, element, place, box } of lines(root)) {
      const style = getComputedStyle(element), size = parseFloat(style.fontSize);
      if (size < bounds.text - 0.05) complain("small", element, `${px(size)} px; ${bounds.text} at least`);
      const line = parseFloat(style.lineHeight) || box.height, slack = 1 + Math.max(0, (box.height - line) / 2);
      const rest = left(element, box, false), around = boxed(element), edge = around?.getBoundingClientRect();
      if (!inside(box, rest, 1, slack)) complain("clipped", element, `its text is cut off by ${outside(box, rest)}`);
      else if (edge && !inside(box, edge, 1, slack)) complain("overflow", element, `its text leaves ${named(around)} by ${outside(box, edge)}`);
      else if (!done.get(node)?.has(`${place}`)) complain("unreachable", element, "its text never comes onto the screen");
    }
  };
  const outside = (box, edge) =>
    `${px(Math.max(edge.left - box.left, box.right - edge.right, edge.top - box.top, box.bottom - edge.bottom))} px`;

  const marks = (bounds, root, complain, unsure) => {
    for (const element of root.querySelectorAll("*")) {
      for (const pseudo of ["::before", "::after"]) {
        const style = getComputedStyle(element, pseudo);
        if (!/"[^"]*\S[^"]*"|counter/.test(style.content) || !seen(element)) continue;
        const size = parseFloat(style.fontSize), box = element.getBoundingClientRect();
        if (size < bounds.text - 0.05) complain("small", element, `${pseudo} ${px(size)} px; ${bounds.text} at least`);
        const own = colour(style.backgroundColor);
        if (own?.a === 1) judgeColour(bounds, element, { pseudo }, own, complain, unsure);
        else if (box.bottom > 0 && box.top < innerHeight) {
          const under = below(element, box.left + 2, (box.top + box.bottom) / 2);
          if (under) judgeColour(bounds, element, { pseudo }, over(own, under), complain, unsure);
        }
      }
    }
  };

  // Whatever moves for long (the shift against burn-in) is held at every step of its way: nothing may leave the screen.
  const drifting = (complain) => {
    stand();
    const moving = document.getAnimations().filter((each) => each.effect.getComputedTiming().duration > 60_000);
    const steps = new Set(moving.flatMap((each) => each.effect.getKeyframes().map(({ computedOffset }) => computedOffset)));
    for (const step of steps) {
      for (const each of moving) {
        each.pause();
        each.currentTime = each.effect.getComputedTiming().duration * Math.min(step + 0.001, 0.999);
      }
      const view = viewport();
      for (const { element, box } of moving.flatMap((each) => lines(each.effect.target))) {
        if (!inside(box, view, 1, 1)) complain("drift", element, `leaves the screen by ${outside(box, view)} on its way`);
      }
    }
    for (const each of moving) each.play();
  };

  const spilled = (root, complain) => {
    for (const each of [document.documentElement, document.body, root, ...root.querySelectorAll("*")]) {
      const style = getComputedStyle(each);
      if (!each.clientWidth || each.closest("svg") || !clipper(style)) continue;
      const scrolls = each.matches("[data-scroll]");
      const [wide, high] = [each.scrollWidth - each.clientWidth, each.scrollHeight - each.clientHeight];
      if (wide > 1) complain("overflow", each, `what is in it is ${wide} px wider than it`);
      if (high > 1 && !scrolls) complain("overflow", each, `what is in it is ${high} px higher than it`);
    }
  };

  const worded = (bounds, root, complain) => {
    const titles = [...root.querySelectorAll("h1")].filter(seen);
    if (titles.length !== 1) complain("title", root, `${titles.length} titles (h1); one is needed`);
    for (const each of titles) {
      const size = parseFloat(getComputedStyle(each).fontSize);
      if (size < bounds.title) complain("small", each, `${px(size)} px; a title has ${bounds.title} at least`);
    }
    for (const each of root.querySelectorAll(CHECKED)) {
      const name = each.getAttribute("aria-label") ?? each.textContent;
      if (seen(each) && !name.trim()) complain("name", each, "a control without a name");
    }
    for (const each of [document.documentElement, root]) {
      if (each.lang !== bounds.language) complain("lang", each, `it says lang="${each.lang}"; "${bounds.language}" is shown`);
    }
    for (const each of root.querySelectorAll("[lang=en]")) {
      if (VIETNAMESE.test(each.textContent)) complain("lang", each, `it says lang="en" of Vietnamese`);
    }
  };

  // How far "more" goes at each touch, as the page itself does it.
  const places = (area) => {
    const found = [0], end = area ? area.scrollHeight - area.clientHeight : 0;
    while (found.at(-1) < end - 12) found.push(Math.min(end, found.at(-1) + area.clientHeight * 0.8));
    return found;
  };

  const measure = async (bounds, root = document.getElementById("stage").firstElementChild) => {
    await document.fonts.ready;
    const found = new Map(), unsure = [], enough = new Set(), done = new Map();
    const complain = (rule, element, told) => found.set(`${rule} ${named(element)} ${told}`, [rule, named(element), told]);
    drifting(complain);
    stand(still);
    const area = root.querySelector("[data-scroll]"), all = places(area);
    for (const [turn, top] of all.entries()) {
      if (area) area.scrollTop = top;
      if (turn) await frames(2);
      const more = root.querySelector("[data-more]"), last = turn === all.length - 1;
      if (area && (!more || more.hidden !== last)) {
        complain("more", area, last ? "“more” stands there, and there is nothing below" : "there is more below, and no “more”");
      }
      touchable(bounds, enough, complain);
      readable(bounds, root, area, done, complain, unsure);
    }
    letters(bounds, root, done, complain);
    missed(enough, complain);
    if (area) area.scrollTop = 0;
    marks(bounds, root, complain, unsure);
    spilled(root, complain);
    worded(bounds, root, complain);
    return { found: [...found.values()], unsure };
  };

  const judge = async (options) => {
    const given = await axe.run(document, options);
    return given.violations.flatMap(({ id, help, nodes }) => nodes.map((node) => [`axe ${id}`, cut(node.html), help]));
  };

  // Every text that stands there now, with the contrast that is reckoned from its colours.
  const texts = () => {
    stand(still);
    document.querySelector("[data-scroll]").scrollTop = 0;
    return lines(document.getElementById("stage")).flatMap(({ element, box }) => {
      const { left: x, top: y, width, height } = box, ink = colour(getComputedStyle(element).color);
      const under = below(element, x + width / 2, y + height / 2);
      return under ? [{ x, y, width, height, top: 0, ink, reckoned: contrast(over(ink, under), under) }] : [];
    });
  };

  // Only what lies behind the letters, at one place of the list: for a picture of it.
  const undress = async (top) => {
    const area = document.querySelector("[data-scroll]");
    if (area) area.scrollTop = top;
    stand(still, bare);
    await frames(2);
  };
  const dress = () => stand(still);

  return { shown, places, measure, judge, texts, undress, dress };
})();
